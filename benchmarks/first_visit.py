"""What the pages cost a browser: bytes and layout shift of a visit, traffic and the server's work while nobody does anything.

Starts the app on an empty workspace and opens its pages in a Chromium with a cold cache. Bytes are counted as
they travel: those of the files that the page loads, with headers, and all that pass between browser and app, both ways, which
is what the WebSocket carries too. Layout shift is the sum of all shifts that no
input caused, which is never less than the cumulative layout shift. For a page with a result a small data set of tones is
made and trained on for three epochs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import soundfile
from _pages import ROOT, app, chromium, parser
from playwright.sync_api import Browser, Page, sync_playwright

QUIET_S = 4.0
"""A visit is over when no file was loaded for so long, and what the page waits for is there."""
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


class Relay:
    """Stands between browser and app on a port of its own, and counts the bytes that pass, both ways."""

    def __init__(self, port: int) -> None:
        self._to, self._bytes, self.last = port, 0, time.monotonic()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def take(self) -> int:
        """Bytes since the last time that it was asked."""
        taken, self._bytes = self._bytes, 0
        return taken

    def _run(self, ready: threading.Event) -> None:
        async def begin() -> None:
            server = await asyncio.start_server(self._serve, "localhost", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        self._loop.run_until_complete(begin())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        app_reader, app_writer = await asyncio.open_connection("localhost", self._to)
        await asyncio.gather(self._pass(reader, app_writer), self._pass(app_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while some := await reader.read(65536):
                self._bytes += len(some)
                self.last = time.monotonic()
                writer.write(some)
                await writer.drain()
        writer.close()


def main() -> None:
    flags = parser(__doc__ or "")
    flags.add_argument("--idle", type=float, default=60.0, help="seconds of idling on each page (default: %(default)s)")
    flags.add_argument("--shifts", action="store_true", help="also say what shifted")
    flags.add_argument("--files", action="store_true", help="also say how large each file was")
    asked = flags.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; idle figures over {asked.idle:g} s")
    print(f"{'page':26} {'files kB':>9} {'all kB':>8} {'shift':>6} {'idle kB/min':>12} {'server CPU idle':>16}")
    with tempfile.TemporaryDirectory() as home, app(home) as (lab, server), sync_playwright() as playwright:
        relay = Relay(int(lab.rpartition(":")[2]))
        url = f"http://localhost:{relay.port}"
        browser = chromium(playwright, asked)
        look = partial(visit, browser, asked, server, relay)
        look([("first visit (Overview)", url)])
        run = train(home)
        result = f"{url}/train?run={run}"
        look([("Train, a new run", f"{url}/train")])
        look([("a result, cold", result)])
        look([("Overview with a run, cold", url), ("  a result after it", result)])
        look([("Environment", f"{url}/environment")])
        browser.close()


def visit(
    browser: Browser,
    asked: argparse.Namespace,
    server: psutil.Process,
    relay: Relay,
    pages: list[tuple[str, str]],
) -> None:
    """Open pages one after the other in a context of their own, whose cache is cold, and print a line each."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    files = listen(page)
    for name, address in pages:
        relay.take()
        page.goto(address)
        settle(page, files)
        whole = relay.take()
        shifts = page.evaluate("() => window.shifts")
        before = cpu_seconds(server)
        page.wait_for_timeout(1000 * asked.idle)
        minute = relay.take() * 60 / asked.idle
        busy = (cpu_seconds(server) - before) / asked.idle
        shifted = sum(one["value"] for one in shifts)
        loaded = sum(size for size, _ in files)
        print(
            f"{name:26} {loaded / 1000:9.0f} {whole / 1000:8.0f} {shifted:6.3f} {minute / 1000:12.1f} {100 * busy:14.1f} %",
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


def listen(page: Page) -> list[tuple[int, str]]:
    """The files that the page loads from now on, each with the bytes of its response and its address."""
    files: list[tuple[int, str]] = []
    names: dict[str, str] = {}
    tools = page.context.new_cdp_session(page)

    def finished(event: dict) -> None:
        if not names.get(event["requestId"], "").startswith("data:"):  # a picture that stood in a message
            files.append((int(event["encodedDataLength"]), names.get(event["requestId"], "")))

    tools.on("Network.requestWillBeSent", lambda event: names.update({event["requestId"]: event["request"]["url"]}))
    tools.on("Network.loadingFinished", finished)
    tools.send("Network.enable")
    return files


def settle(page: Page, files: list) -> None:
    """Wait until the page is whole: drawn, the machine known, its examination over, and no file on its way."""
    page.locator("[data-testid=stMain] h1").first.wait_for()
    for busy in ("looking at what it can do", "Looking for", "Checking this machine"):
        page.get_by_text(busy).first.wait_for(state="hidden")
    before = -1
    while before != len(files):
        before = len(files)
        page.wait_for_timeout(1000 * QUIET_S)
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


if __name__ == "__main__":
    main()
