"""The main job in a real browser: from an empty workspace to downloaded weights that give the page's probabilities."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.events import Evaluated, RunFinished, RunQueued, RunStarted
from labcore.inference.classifier import Classifier
from labcore.presets import preset
from labcore.runs import Run
from labcore.workspace import Workspace
from ui.app.text import label_name

from .conftest import PATIENCE_MS, Server

pytestmark = pytest.mark.browser

EPOCHS = 25
"""Enough that the run still trains after a reload, on a machine that has nothing else to do."""
CURVE = "[data-testid=stVegaLiteChart] .mark-line path"


def visible(page, text: str | re.Pattern, *, exact: bool = False) -> None:
    page.get_by_text(text, exact=exact).first.wait_for(state="visible", timeout=PATIENCE_MS)


def state(page, word: str) -> None:
    """Wait until the run's badge says ``word``."""
    badge = page.locator("[data-testid=stMain] .stMarkdownBadge").filter(has_text=re.compile(word))
    badge.first.wait_for(state="visible", timeout=PATIENCE_MS)


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
    )
    return page.locator(CURVE).first.get_attribute("d")


def test_from_an_empty_workspace_to_weights_at_home(server: Server, open_browser, tmp_path):
    browser = open_browser()
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    page.goto(server.url)
    visible(page, "First steps")
    page.get_by_role("button", name="Generate demo set").click()
    visible(page, re.compile("400 clips in 10 classes"))

    page.get_by_role("button", name="Train on demo").click()
    visible(page, "This run")
    page.get_by_role("radio", name="Quick look").or_(page.get_by_role("button", name="Quick look")).first.click()
    visible(page, "A first result in about a minute", exact=False)
    page.get_by_role("spinbutton", name="Epochs").fill(str(EPOCHS))
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    visible(page, re.compile(rf"^{EPOCHS} epochs of"))
    page.get_by_role("button", name="Start").click()

    state(page, "Running")
    first = wait_for_change(page, None)
    wait_for_change(page, first)

    page.reload()
    seen = epoch_shown(page)
    wait_for_change(page, None)
    other = browser.new_context().new_page()
    other.goto(page.url)
    assert epoch_shown(other) >= seen
    other.close()

    page.get_by_role("button", name="Stop", exact=True).click()
    state(page, "Stopped")
    page.get_by_role("button", name="Resume").click()
    state(page, "Queued|Running")
    state(page, "Finished")
    visible(page, re.compile("held-out clips of fold 1"))
    visible(page, "Confusion matrix")
    assert any("VegaLite" in url for url in loaded)
    assert not [url for url in loaded if "Plotly" in url]  # five megabytes for one picture

    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    archive = tmp_path / "weights.zip"
    download.value.save_as(archive)

    clip = next((server.home / "datasets" / "demo" / "audio" / "fold1").glob("*.wav"))
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(clip))
    visible(page, f"Heard in {clip.name}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Predictions as CSV").click()
    answer = next(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert page.get_by_role("heading", name=label_name(answer["label"]), exact=True).is_visible()

    taken_home = tmp_path / "home-of-the-weights"
    zipfile.ZipFile(archive).extractall(taken_home)
    script = next(taken_home.rglob("classify.py"))
    said = subprocess.run(
        [sys.executable, str(script), str(clip)], capture_output=True, text=True, cwd=tmp_path, check=True, timeout=300
    )
    there = json.loads(said.stdout)
    assert there["label"] == answer["label"]
    for label, probability in there["probabilities"].items():
        assert float(answer[label]) == pytest.approx(probability, abs=1e-5)
    assert "Traceback" not in server.log.read_text()


def test_a_recording_from_the_microphone_is_answered(server: Server, open_browser, tmp_path):
    """Chromium's fake device plays a file; the page records it and says what it hears."""
    run = untrained_run(Workspace(server.home))
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000 * 3) / 48000)
    sound = tmp_path / "microphone.wav"
    sound.write_bytes(encode_wav(tone.astype(np.float32), 48000))
    browser = open_browser(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
    )
    page = browser.new_context(permissions=["microphone"]).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/classify?run={run.id}")
    page.get_by_text("Record", exact=True).click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text(re.compile(r"^00:0[2-9]$")).first.wait_for()
    page.get_by_role("button", name="Stop recording").click()
    visible(page, "Heard in recording.wav")
    gone(page, "Classifying")
    page.get_by_role("heading", name=re.compile("^(bark|hum)$")).wait_for()


def untrained_run(workspace: Workspace) -> Run:
    """A finished run whose network has learnt nothing."""
    config = preset("quick").replace({"audio.clip_seconds": 1.0})
    run = Run.create(workspace, config)
    labels = ["bark", "hum"]
    Classifier(config, labels).save(run.weights)
    run.save("labels", labels)
    run.append(RunQueued())
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    figures = {label: {"precision": 0.5, "recall": 0.5, "f1": 0.5} for label in labels}
    confusion = {label: dict.fromkeys(labels, 1) for label in labels}
    run.append(
        Evaluated(
            accuracy=0.5, accuracy_low=0.1, accuracy_high=0.9, macro_f1=0.5, per_class=figures, confusion=confusion, clips=4, fold="1"
        )
    )  # fmt: skip
    run.append(RunFinished(state="finished"))
    return run
