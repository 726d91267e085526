"""What a training loses while its page is open: stretches of one real training, watched by 0 and by several Chromium pages in turn.

Starts the app on a workspace of its own, lets its worker train the default network in the background, and compares the seconds
of the epochs that lie wholly in each stretch. The browser runs on the same cores as the training, which a visitor's does not:
what is printed is the worst case, and beside it stand the seconds of work that the app and the browsers took themselves.
Stretches take turns, so that whatever else the machine does falls on both alike.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from _pages import app, chromium, parser
from playwright.sync_api import Browser, sync_playwright

from labcore.config.presets import preset
from labcore.datasets import register
from labcore.datasets.demo import make_demo
from labcore.runs import Run
from labcore.workspace import Workspace

AIM = 0.97
SETTLE_SECONDS = 10.0
PATIENCE_MS = 300_000


class Stretch(NamedTuple):
    """Pages open, median seconds an epoch, and the share of all cores that the app's server and the browser took."""

    pages: int
    seconds: float
    server: float
    browser: float


def main() -> None:
    flags = parser(__doc__ or "")
    flags.add_argument("--dataset", help="a folder or CSV file; without it, the demo set")
    flags.add_argument("--pages", type=int, default=3)
    flags.add_argument("--stretch", type=float, default=30.0, help="seconds of a stretch (default: %(default)s)")
    flags.add_argument("--pairs", type=int, default=6, help="watched stretches (default: %(default)s)")
    flags.add_argument("--model", default="compact")
    arguments = flags.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        if arguments.dataset:
            name = register(workspace, arguments.dataset, "").name
        else:
            name = "demo"
            make_demo(workspace.datasets / "demo")
        changes = {"data.dataset": name, "optim.epochs": 2000, "model.name": arguments.model}
        with app(workspace.home) as (url, server), sync_playwright() as playwright:
            browser = chromium(playwright, arguments)
            browser.new_page().goto(f"{url}/train")  # the app's job manager begins with the first page
            run = Run.create(workspace, preset("balanced").replace(changes), queued=True)
            try:
                wait(lambda: len(run.epochs()) >= 3 or not run.status().active)
                if not run.status().active:
                    sys.exit(f"The training ended before it was measured: {run.status().error}")
                report(measure(run, browser, url, server, arguments), arguments)
            finally:
                run.request_stop()
                wait(lambda: not run.status().active)


def measure(
    run: Run, browser: Browser, url: str, server: psutil.Process, arguments: argparse.Namespace
) -> list[Stretch]:
    """Stretches, unwatched ones first, last and between."""
    for context in browser.contexts:
        context.close()
    found = []
    for number in range(2 * arguments.pairs + 1):
        pages = arguments.pages if number % 2 else 0
        contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(pages)]
        for context in contexts:
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{url}/train?run={run.id}")
            page.locator("[data-testid=stVegaLiteChart] .mark-line path").first.wait_for()
        time.sleep(SETTLE_SECONDS)
        begin, before = time.time(), work(server)
        time.sleep(arguments.stretch)
        end, after = time.time(), work(server)
        for context in contexts:
            context.close()
        ends = [event.time for event in run.epochs() if begin <= event.time <= end]
        if len(ends) < 3:
            sys.exit("The stretches are too short for an epoch: give a longer --stretch")
        seconds = statistics.median(second - first for first, second in itertools.pairwise(ends))
        cores = (end - begin) * (os.cpu_count() or 1)
        found.append(Stretch(pages, seconds, (after[0] - before[0]) / cores, (after[1] - before[1]) / cores))
        print(
            f"{pages} pages open: {len(ends) - 1} epochs of {seconds:.3f} s; of all cores the server took "
            f"{100 * found[-1].server:.1f} %, the browser {100 * found[-1].browser:.1f} %",
            flush=True,
        )
        time.sleep(2)
    return found


def work(server: psutil.Process) -> tuple[float, float]:
    """Seconds of processor time so far: the app's server without the training it started, and this benchmark's browsers."""

    def taken(process: psutil.Process) -> float:
        try:
            times = process.cpu_times()
            return times.user + times.system
        except psutil.NoSuchProcess:
            return 0.0

    browsers = [it for it in psutil.Process().children(recursive=True) if "chrom" in name_of(it)]
    return taken(server), sum(map(taken, browsers))


def name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def report(found: list[Stretch], arguments: argparse.Namespace) -> None:
    """Each watched stretch against the mean of the two beside it."""
    watched = [(number, it) for number, it in enumerate(found) if it.pages]
    ratios = [(found[number - 1].seconds + found[number + 1].seconds) / 2 / it.seconds for number, it in watched]
    middle = statistics.median(ratios)
    verdict = "within" if middle >= AIM else "beyond"
    server, browser = (100 * statistics.median(share) for share in zip(*(it[2:] for _, it in watched), strict=True))
    print(
        f"{arguments.model}, {arguments.pages} pages open: {100 * middle:.1f} % of the unwatched speed (median of {len(ratios)}, "
        f"{100 * min(ratios):.1f} to {100 * max(ratios):.1f} %), {verdict} the aim of a loss of {100 * (1 - AIM):.0f} %; "
        f"{os.cpu_count()} cores, which the browser shares: it took {browser:.1f} % of them, the app's server {server:.1f} %"
    )


def wait(until) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not until():
        if time.monotonic() > deadline:
            sys.exit("The training did not come to that")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
