"""What the pages cost a browser: bytes and layout shift of a visit, traffic and the server's work while nobody does anything.

Starts the app on an empty workspace and opens its pages in a Chromium with a cold cache. Bytes are those of the responses as
they travelled, headers included, and the messages of the WebSocket, both ways. Layout shift is the sum of all shifts that no
input caused, which is never less than the cumulative layout shift. For a page with a result a small data set of tones is
made and trained on for three epochs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
QUIET_S = 4.0
"""A visit is over when nothing was requested for so long, and what the page waits for is there."""
WATCH = """
window.shifts = []
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push({
    value: entry.value, at: entry.startTime,
    what: entry.sources.map((one) => {
      const place = (one.node?.closest ? one.node : one.node?.parentElement)?.closest("[data-testid]")?.dataset.testid
      const [from, to] = [one.previousRect, one.currentRect].map((box) => [box.x, box.y, box.width, box.height].map(Math.round))
      return `${place} "${(one.node?.textContent ?? "").slice(0, 30)}" ${from} → ${to}`
    }),
  })
}).observe({ type: "layout-shift", buffered: true })
"""


@dataclass
class Traffic:
    """Bytes since the last look, by where they went."""

    http: int = 0
    socket: int = 0
    last: float = 0.0

    def take(self) -> tuple[int, int]:
        taken = self.http, self.socket
        self.http = self.socket = 0
        return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chromium", default=os.environ.get("LABCORE_CHROMIUM") or shutil.which("chromium"))
    parser.add_argument(
        "--idle", type=float, default=60.0, help="seconds of idling on each page (default: %(default)s)"
    )
    parser.add_argument("--shifts", action="store_true", help="also say what shifted")
    parser.add_argument("--files", action="store_true", help="also say how large each file was")
    asked = parser.parse_args()
    if not asked.chromium:
        sys.exit("There is no Chromium: name one with --chromium")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; idle figures over {asked.idle:g} s")
    print(f"{'page':26} {'files kB':>9} {'socket kB':>10} {'shift':>6} {'idle kB/min':>12} {'server CPU idle':>16}")
    with tempfile.TemporaryDirectory() as home, app(home) as (url, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox", "--disable-gpu"])
        visit(browser, asked, server, [("first visit (Overview)", url)])
        run = train(home)
        result = f"{url}/train?run={run}"
        visit(browser, asked, server, [("Train, a new run", f"{url}/train")])
        visit(browser, asked, server, [("a result, cold", result)])
        visit(browser, asked, server, [("Overview with a run, cold", url), ("  a result after it", result)])
        visit(browser, asked, server, [("Environment", f"{url}/environment")])
        browser.close()


def visit(browser: Browser, asked: argparse.Namespace, server: psutil.Process, pages: list[tuple[str, str]]) -> None:
    """Open pages one after the other in a context of their own, whose cache is cold, and print a line each."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    traffic, files = listen(page)
    for name, address in pages:
        page.goto(address)
        settle(page, traffic)
        http, socket_bytes = traffic.take()
        shifts = page.evaluate("() => window.shifts")
        before = cpu_seconds(server)
        page.wait_for_timeout(1000 * asked.idle)
        minute = sum(traffic.take()) * 60 / asked.idle
        busy = (cpu_seconds(server) - before) / asked.idle
        shifted = sum(one["value"] for one in shifts)
        print(
            f"{name:26} {http / 1000:9.0f} {socket_bytes / 1000:10.1f} {shifted:6.3f} {minute / 1000:12.1f} {100 * busy:14.1f} %",
            flush=True,
        )
        if asked.shifts:
            for one in shifts:
                print(f"    {one['value']:.3f} at {one['at'] / 1000:.1f} s: {'; '.join(one['what'])}")
        if asked.files:
            for size, file in sorted(files, reverse=True)[:20]:
                print(f"    {size / 1000:8.1f} kB {file}")
        files.clear()
    context.close()


def listen(page: Page) -> tuple[Traffic, list[tuple[int, str]]]:
    """Count what the page sends for and is sent from now on."""
    traffic, files, names = Traffic(last=time.monotonic()), [], {}
    tools = page.context.new_cdp_session(page)

    def finished(event: dict) -> None:
        traffic.http += int(event["encodedDataLength"])
        traffic.last = time.monotonic()
        files.append((int(event["encodedDataLength"]), names.get(event["requestId"], "")))

    def message(event: dict) -> None:
        # Base64 where it is binary, which all of the app's messages are.
        traffic.socket += len(event["response"]["payloadData"]) * 3 // 4

    tools.on(
        "Network.requestWillBeSent", lambda event: names.update({event["requestId"]: event["request"]["url"][-70:]})
    )
    tools.on("Network.loadingFinished", finished)
    tools.on("Network.webSocketFrameReceived", message)
    tools.on("Network.webSocketFrameSent", message)
    tools.send("Network.enable")
    return traffic, files


def settle(page: Page, traffic: Traffic) -> None:
    """Wait until the page is whole: drawn, the machine known, its examination over, and nothing more on its way."""
    page.locator("[data-testid=stMain] h1").first.wait_for()
    for busy in ("looking at what it can do", "Looking for", "Looking at this machine"):
        page.get_by_text(busy).first.wait_for(state="hidden")
    while time.monotonic() - traffic.last < QUIET_S:
        page.wait_for_timeout(250)
    page.wait_for_timeout(2000)


def cpu_seconds(server: psutil.Process) -> float:
    times = server.cpu_times()
    return times.user + times.system


def train(home: str) -> str:
    """Ten tones to tell apart, three epochs: the id of the run."""
    random = np.random.default_rng(0)
    time_s = np.arange(8000) / 8000
    for number in range(10):
        folder = Path(home) / "datasets" / "tones" / f"tone {number}"
        folder.mkdir(parents=True)
        for clip in range(8):
            tone = 0.3 * np.sin(2 * np.pi * 200 * 1.3**number * time_s) + random.normal(0, 0.05, len(time_s))
            soundfile.write(folder / f"{number} {clip}.wav", tone, 8000)
    command = [sys.executable, "-m", "labcore", "train", "--dataset", "tones", "--preset", "quick", "--epochs", "3"]
    subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "LABCORE_HOME": home},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return next(
        path.name for path in (Path(home) / "runs").iterdir() if path.is_dir() and not path.name.startswith(".")
    )


@contextmanager
def app(home: str) -> Iterator[tuple[str, psutil.Process]]:
    """The app on a free port: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "LABCORE_HOME": home},
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


if __name__ == "__main__":
    main()
