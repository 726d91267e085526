"""A real server on a free port with a furnished workspace, and a real Chromium: one of each, for all tests.

Without Chromium or Playwright the tests are skipped with that reason; with ``LABCORE_REQUIRE_BROWSER=1`` they fail.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.runs import list_runs
from labcore.workspace import Workspace

from .furnished import Furnished, furnish

ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
MICROPHONE_HZ = 1000.0
PATIENCE_MS = 60_000
"""How long a test waits for a text or for the next step of what goes on."""
POLLING_MS = 50
"""How often it looks. Playwright's own way, at each frame, has the browser draw frames for nothing."""


@dataclass(frozen=True)
class Server:
    """A running app: its address, its workspace and its log."""

    url: str
    home: Path
    log: Path


def find_chromium() -> str | None:
    """The one that LABCORE_CHROMIUM names, or else the lightest that is here: a page takes an eighth less in the one without windows."""
    known = (
        shutil.which(name) for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    )
    return os.environ.get("LABCORE_CHROMIUM") or next(filter(None, known), None)


def missing(what: str) -> None:
    """Skip with a reason, or fail where the browser tests are required."""
    if os.environ.get("LABCORE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what}, and LABCORE_REQUIRE_BROWSER=1")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = find_chromium()
    if not found or not Path(found).exists():
        missing("there is no Chromium (LABCORE_CHROMIUM names one)")
    return str(found)


@pytest.fixture(scope="session")
def playwright() -> Iterator:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright, chromium_path, tmp_path_factory) -> Iterator:
    """The one browser. What its microphone hears is a tone of :data:`MICROPHONE_HZ`."""
    sound = tmp_path_factory.mktemp("chromium") / "microphone.wav"
    samples = 0.5 * np.sin(2 * np.pi * MICROPHONE_HZ * np.arange(48000 * 3) / 48000)
    sound.write_bytes(encode_wav(samples.astype(np.float32), 48000))
    flags = [*FLAGS, *MICROPHONE, f"--use-file-for-fake-audio-capture={sound}"]
    opened = playwright.chromium.launch(executable_path=chromium_path, args=flags)
    yield opened
    opened.close()


@pytest.fixture
def browser(chromium) -> Iterator:
    """The browser, for one test: the windows that it opens are closed after it, and nothing in them is remembered."""
    before = set(chromium.contexts)
    yield chromium
    for context in set(chromium.contexts) - before:
        context.close()


@pytest.fixture(scope="session")
def context(chromium) -> Iterator:
    """One profile for all tests that look at the shared server: it has loaded Streamlit's scripts once."""
    opened = chromium.new_context(permissions=["microphone"])
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context) -> Iterator:
    """A window of that profile. Nothing that it asked for was missing when a test is over."""
    opened, missed = context.new_page(), []
    opened.on("response", lambda answer: missed.append(answer.url) if answer.status == 404 else None)
    opened.set_viewport_size({"width": 1280, "height": 1400})
    yield opened
    shown = opened.evaluate("[...document.querySelectorAll('[src]')].map(each => each.src)")
    opened.close()
    # a sound may be replaced by the next one while it is asked for
    assert not [url for url in missed if "/media/" not in url or url in shown]


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[tuple[Server, Furnished]]:
    """The app on a furnished workspace, for all tests, and what lies there. They add nothing that others would see."""
    folder = tmp_path_factory.mktemp("lab")
    found = furnish(Workspace(folder / "home"))
    with running(folder / "home", folder / "server.log", free_port()) as started:
        yield started, found


@pytest.fixture
def furnished(lab) -> Furnished:
    return lab[1]


@pytest.fixture
def server(lab) -> Iterator[Server]:
    """The server of all tests. It has said nothing wrong when a test is over."""
    yield lab[0]
    assert "Traceback" not in lab[0].log.read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(
    home: Path, log: Path, port: int, *flags: str, streamlit: Sequence[str] = ("-m", "streamlit"), **environment: str
) -> Iterator[Server]:
    """The app as `make run` starts it, with flags of Streamlit's and an environment of its own."""
    command = [sys.executable, *streamlit, "run", "streamlit_app.py"]
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # of the tests alone
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--server.port", str(port), "--server.headless", "true", *flags],
            cwd=ROOT,
            env={**inherited, "LABCORE_HOME": str(home), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://localhost:{port}"
    try:
        _wait_for(url, process, log)
        yield Server(url, home, log)
    finally:
        end_runs(home)
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_runs(home: Path) -> None:
    """Workers outlive the server by design: ask those that a failed test left behind to stop."""
    for run in list_runs(Workspace(home)):
        if run.status().active:
            run.request_stop()


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not come up:\n{log.read_text()}")
