"""The main job in a real browser: from an empty workspace to downloaded weights that give the page's probabilities."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import runpy
import signal
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.events import Epoch, RunStarted, last_of
from labcore.runs import list_runs
from labcore.workspace import Workspace
from ui.app.text import label_name

from .conftest import PATIENCE_MS, POLLING_MS, Server, free_port, running

pytestmark = pytest.mark.browser

EPOCHS = 16
SMALL = "&audio.sample_rate=8000&audio.clip_seconds=1&model.width=0.25&runtime.threads=1"
"""Makes an epoch a twentieth of a second; one thread, since two would wait for each other beside other tests."""
SMALL_DEMO = """\
from labcore.datasets.demo import make_demo
make_demo.__kwdefaults__["sources_per_class"] = 3
from streamlit.web.cli import main
main()
"""
"""Streamlit, with a demo set of about 60 clips in three folds; tests/datasets/test_demo.py makes the whole."""
BADGES = "[data-testid=stMain] .stMarkdownBadge"
CURVE = "[data-testid=stVegaLiteChart] .mark-line path"


def visible(page, text: str | re.Pattern, *, exact: bool = False) -> None:
    page.get_by_text(text, exact=exact).first.wait_for(state="visible", timeout=PATIENCE_MS)


def state(page, word: str) -> None:
    """Wait until the run's badge says ``word``."""
    badge = page.locator(BADGES).filter(has_text=re.compile(word))
    badge.first.wait_for(state="visible", timeout=PATIENCE_MS)


def finished(page) -> None:
    """Wait until the run is finished: as long as it takes, while epoch after epoch comes."""
    epoch = 0
    while epoch >= 0:
        epoch = page.wait_for_function(
            """([badges, before]) => {
                if ([...document.querySelectorAll(badges)].some((badge) => badge.innerText.includes("Finished"))) return -1
                const epoch = Number(document.body.innerText.match(/Epoch (\\d+) of/)?.[1])
                return epoch > before && epoch
            }""",
            arg=[BADGES, epoch],
            timeout=PATIENCE_MS,
            polling=POLLING_MS,
        ).json_value()


def gone(page, text: str | re.Pattern) -> None:
    page.get_by_text(text).first.wait_for(state="hidden", timeout=PATIENCE_MS)


def epoch_shown(page) -> int:
    """The epoch in the line over the progress bar; waits until there is one."""
    line = page.get_by_text(re.compile(r"^Epoch [1-9]\d* of "))
    line.first.wait_for(timeout=PATIENCE_MS)
    return int(re.search(r"Epoch (\d+) of", line.first.inner_text())[1])


def wait_for_change(page, before: str | None) -> str:
    """The first curve, once it is drawn otherwise than ``before``."""
    page.wait_for_function(
        "([where, before]) => { const path = document.querySelector(where); return path && path.getAttribute('d') !== before }",
        arg=[CURVE, before],
        timeout=PATIENCE_MS,
        polling=POLLING_MS,
    )
    return page.locator(CURVE).first.get_attribute("d")


@contextlib.contextmanager
def standing(home: Path, epoch: int) -> Iterator[int]:
    """The training of a workspace stands still from this epoch on, so that pages need not be quicker than it; the epoch it is at."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        events = [event for run in list_runs(Workspace(home)) for event in run.events()]
        if (done := last_of(events, Epoch)) is not None and done.epoch >= epoch:
            break
        time.sleep(0.02)
    process = last_of(events, RunStarted).pid
    os.kill(process, signal.SIGSTOP)
    try:
        yield done.epoch
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.fixture
def empty(tmp_path) -> Iterator[Server]:
    """The app on an empty workspace."""
    log, streamlit = tmp_path / "server.log", ("-c", SMALL_DEMO)
    with running(tmp_path / "home", log, free_port(), streamlit=streamlit) as started:
        yield started


def test_from_an_empty_workspace_to_weights_at_home(empty: Server, browser, tmp_path, monkeypatch):
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    page.goto(empty.url)
    visible(page, "First steps")
    page.get_by_role("button", name="Generate demo set").click()
    visible(page, re.compile(r"\d\d clips in 10 classes"))

    page.get_by_role("button", name="Train on demo").click()
    visible(page, "This run")
    page.get_by_role("radio", name="Quick look").or_(page.get_by_role("button", name="Quick look")).first.click()
    visible(page, "Lower sample rate, a sixth of the training.", exact=False)
    page.get_by_role("spinbutton", name="Epochs").fill(str(EPOCHS))
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    page.wait_for_function("location.search.includes('optim.epochs=')", timeout=PATIENCE_MS)
    page.goto(page.url + SMALL)
    visible(page, re.compile(rf"^{EPOCHS} epochs ×"))
    page.get_by_role("spinbutton", name="Epochs").press("Control+Enter")

    with standing(empty.home, 2):
        state(page, "Running")
        page.wait_for_function(
            "document.activeElement.dataset.testid === 'stMain'"
        )  # the field that had the focus is gone
        first = wait_for_change(page, None)
    with standing(empty.home, 4) as epoch:
        page.reload()
        assert epoch_shown(page) >= epoch
        wait_for_change(page, first)
        page.get_by_role("button", name="Stop", exact=True).click()
        state(page, "Stopping")
    state(page, "Stopped")
    page.get_by_role("button", name="Resume").click()
    state(page, "Queued|Running")
    finished(page)
    visible(page, re.compile("held-out clips of test fold 1"))
    visible(page, "Confusion matrix")
    assert any("VegaLite" in url for url in loaded)
    assert not [url for url in loaded if "Plotly" in url]  # five megabytes for one picture

    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    archive = tmp_path / "weights.zip"
    download.value.save_as(archive)

    clip = next((empty.home / "datasets" / "demo" / "audio" / "fold1").glob("*.wav"))
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(clip))
    visible(page, f"Prediction for {clip.name}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Predictions as CSV").click()
    answer = next(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    visible(page, re.compile(rf"mean over \d windows: {label_name(answer['label'])}"))  # maybe no window is above 50 %

    taken_home = tmp_path / "home-of-the-weights"
    zipfile.ZipFile(archive).extractall(taken_home)
    script = next(taken_home.rglob("classify.py"))
    monkeypatch.setattr(sys, "argv", [str(script), str(clip)])
    with pytest.raises(SystemExit, match="0"), contextlib.redirect_stdout(io.StringIO()) as said:
        runpy.run_path(str(script), run_name="__main__")
    there = json.loads(said.getvalue())
    assert there["label"] == answer["label"]
    for label, probability in there["probabilities"].items():
        assert float(answer[f"p_{label}"]) == pytest.approx(probability, abs=1e-5)
    assert "Traceback" not in empty.log.read_text()
