"""What the benchmarks of the pages share: the app on a free port, and a Chromium that opens it."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).parents[1]


def parser(what: str) -> argparse.ArgumentParser:
    """A parser that knows where Chromium is."""
    made = argparse.ArgumentParser(description=what.splitlines()[0])
    made.add_argument("--chromium", default=os.environ.get("LABCORE_CHROMIUM") or shutil.which("chromium"))
    return made


def chromium(playwright: Playwright, asked: argparse.Namespace) -> Browser:
    """The browser that :func:`parser` was told of."""
    if not asked.chromium:
        sys.exit("There is no Chromium: name one with --chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return playwright.chromium.launch(executable_path=asked.chromium, args=flags)


@contextmanager
def app(home: str | Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app on a free port: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "LABCORE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://localhost:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)
