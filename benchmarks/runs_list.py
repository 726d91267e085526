"""What the list of a thousand runs costs: `labcore runs list` as a whole process, and the page of runs in a Chromium.

Makes finished runs of 40 epochs with the events that a training writes; two in five are folds of cross-validations, and some have a name,
tags and a star. The command is timed as a user starts it, a new interpreter each time. Of the page, the time until the first rows are
painted is told: of a visit by its address, in a browser that has seen the lab before, and of a press on "Runs" in the sidebar.
"Nothing" is the same for a page without a list, the plain frame of the lab. On a busy machine the
processor's work says more than the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _pages import ROOT, app, chromium, parser
from many_runs import make

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.jobs.about import change_about
from labcore.runs import Run
from labcore.workspace import Workspace

FOLDS = 5
ROW = "[data-run]"
"""A row of the list."""


def main() -> None:
    flags = parser(__doc__ or "")
    flags.add_argument("--runs", type=int, default=1000)
    flags.add_argument("--repeats", type=int, default=7)
    asked = flags.parse_args()
    print(f"{asked.runs} runs; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Path(home))
        make(workspace, asked.runs)
        furnish(workspace)
        time.sleep(3.0)  # what was changed just now is not remembered
        environment = {**os.environ, "LABCORE_HOME": home}
        command(environment, [], asked.repeats)
        command(environment, ["--json"], asked.repeats)
        command(environment, ["--filter", "accuracy>=60%", "--sort", "accuracy"], asked.repeats)
        if asked.chromium:
            page(home, asked)


def furnish(workspace: Workspace) -> None:
    """Make folds of some runs, and say something of others."""
    runs = Run.every(workspace)
    for first in range(0, 2 * len(runs) // 5, FOLDS):
        folds = list(enumerate(runs[first : first + FOLDS], 1))
        parent = CrossValidation.new(workspace, "crossval-demo")
        members = {"official": [[str(fold), run.id] for fold, run in folds]}
        tree = RunConfig().model_dump(mode="json")
        with parent.draft() as draft:
            draft.save(
                "experiment", {"kind": "crossval", "created": time.time(), "by": "", "config": tree, "members": members}
            )
        for fold, run in folds:
            run.save(
                "experiment", {"experiment": parent.id, "kind": "crossval", "fold": str(fold), "split": "official"}
            )
    for number, run in enumerate(runs[::10]):
        change_about(run.path, name=f"attempt {number}", tags=["keep", f"week {number % 4}"], star=number % 3 == 0)


def told(what: str, seconds: list[float]) -> None:
    """The first, and of the others the median and the worst."""
    first, *again = seconds
    print(
        f"{what:58} first {first:5.2f} s; again {statistics.median(again):5.2f} s, at most {max(again):5.2f} s",
        flush=True,
    )


def command(environment: dict[str, str], flags: list[str], repeats: int) -> None:
    times, work = [], []
    for _ in range(repeats):
        began, before = time.perf_counter(), os.times()
        listing = [sys.executable, "-m", "labcore", "runs", "list", *flags]
        subprocess.run(listing, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
        after = os.times()
        work.append(after.children_user + after.children_system - before.children_user - before.children_system)
    told(f"labcore runs list {' '.join(flags)}", times)
    told("  of it the processor's work", work)


def page(home: str, asked: argparse.Namespace) -> None:
    from playwright.sync_api import sync_playwright

    with app(home) as (lab, _), sync_playwright() as playwright:
        browser = chromium(playwright, asked)
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.set_default_timeout(120_000)

        def visit(address: str, shown: str) -> float:
            tab.goto("about:blank")
            began = time.perf_counter()
            tab.goto(f"{lab}/{address}", wait_until="commit")
            tab.locator(shown).first.wait_for()
            return time.perf_counter() - began

        def press(link: str, shown: str) -> float:
            tab.goto(f"{lab}/benchmark")
            tab.get_by_text("Measure this machine").first.wait_for()
            tab.wait_for_timeout(1500)
            began = time.perf_counter()
            tab.locator("[data-testid=stSidebar]").get_by_role("link", name=link, exact=True).click()
            tab.locator(shown).first.wait_for()
            return time.perf_counter() - began

        for what, measure in (("a visit", visit), ("a press in the sidebar", press)):
            names = ("runs", "environment") if measure is visit else ("Runs", "Environment")
            told(f"the page of runs, {what}", [measure(names[0], ROW) for _ in range(asked.repeats)])
            told(
                f"nothing, {what}",
                [measure(names[1], "[data-testid=stMain] h1:has-text('Environment')") for _ in range(asked.repeats)],
            )
        browser.close()


if __name__ == "__main__":
    main()
