"""What a workspace of many runs costs: `labcore runs list`, the pages, and a server that idles with a page open.

Makes finished runs of 40 epochs with the events that a training writes, then times the command as a user starts it (a new interpreter
each time), and each page's script in a new process: its first time, imports included, and once more. "Work" is the processor's time:
on a busy machine it says more than the clock. With a Chromium, the app is started on the same workspace, the Overview stays open, and
the server's work is counted while nobody does anything.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _pages import ROOT, app, chromium, parser
from first_visit import cpu_seconds

from labcore.config import RunConfig
from labcore.errors import WorkspaceError
from labcore.events import Epoch, Evaluated, Progress, RunFinished, RunStarted, TrainingStarted
from labcore.runs import Run
from labcore.workspace import Workspace

LABELS = [f"class {number}" for number in range(10)]
PAGE = """
import sys, time
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("streamlit_app.py", default_timeout=300)
if sys.argv[1] != "streamlit_app.py":
    page.switch_page(sys.argv[1])
for _ in range(2):
    began, worked = time.perf_counter(), time.process_time()
    page.run()
    print(time.perf_counter() - began, time.process_time() - worked)
assert not page.exception, page.exception
"""


def main() -> None:
    flags = parser(__doc__ or "")
    flags.add_argument("--runs", type=int, default=1000)
    flags.add_argument("--repeats", type=int, default=5)
    flags.add_argument("--idle", type=float, default=60.0, help="seconds of idling (default: %(default)s)")
    asked = flags.parse_args()
    print(f"{asked.runs} runs; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as home:
        make(Workspace(Path(home)), asked.runs)
        environment = {**os.environ, "LABCORE_HOME": home}
        command(environment, asked.repeats)
        for page in ("streamlit_app.py", "pages/train.py", "pages/classify.py"):
            answer = subprocess.run(
                [sys.executable, "-c", PAGE, page],
                cwd=ROOT,
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
            first, of_it, again, of_that = (float(word) for word in answer.stdout.split()[-4:])
            print(
                f"{page:20} first {first:6.2f} s, {of_it:.2f} s of it work; again {again:6.2f} s, {of_that:.2f} s of it work",
                flush=True,
            )
        if asked.chromium:
            idle(home, asked)


def make(workspace: Workspace, runs: int) -> None:
    """Finished runs, each with the events of 40 epochs of a few seconds."""
    shape = {"device": "cpu", "device_reason": "", "precision": "fp32", "memory_format": "contiguous"}
    for number in range(runs):
        run = made(workspace)
        events = [
            RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="host"),
            TrainingStarted(
                labels=LABELS, train_clips=320, val_clips=80, fold="5", precision_reason="", parameters=10**6, epochs=40,
                first_epoch=1, **shape,
            ),
        ]  # fmt: skip
        for epoch in range(1, 41):
            events += [
                Progress(epoch=epoch, step=step, steps=10, train_loss=1.0, seconds_left=9.0, spent={"network": 1.0})
                for step in (3, 6, 9)
            ]
            events.append(
                Epoch(
                    epoch=epoch, epochs=40, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.8, lr=0.01,
                    clips_per_second=300.0, seconds=4.0, seconds_left=4.0 * (40 - epoch), averaged=False, spent={"network": 3.0},
                )
            )  # fmt: skip
        confusion = {label: {label: 8} for label in LABELS}
        per_class = {label: {"precision": 1.0, "recall": 1.0, "f1": 1.0, "clips": 8} for label in LABELS}
        events.append(
            Evaluated(
                accuracy=0.5 + number / (4 * runs), accuracy_low=0.4, accuracy_high=0.9, macro_f1=0.8, per_class=per_class,
                confusion=confusion, clips=80, fold="5",
            )
        )  # fmt: skip
        events.append(RunFinished(state="finished", epochs_done=40, seconds=160.0))
        (run.path / "events.jsonl").open("a").write("".join(event.to_json() + "\n" for event in events))
        (run.path / "weights.safetensors").touch()


def made(workspace: Workspace) -> Run:
    """A new run. Older versions gave some of the many of one second the same name."""
    while True:
        with contextlib.suppress(WorkspaceError):
            return Run.create(workspace, RunConfig(), queued=True)


def command(environment: dict[str, str], repeats: int) -> None:
    times, worked = [], []
    for _ in range(repeats):
        began, before = time.perf_counter(), os.times()
        listing = [sys.executable, "-m", "labcore", "runs", "list"]
        subprocess.run(listing, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
        after = os.times()
        worked.append(after.children_user + after.children_system - before.children_user - before.children_system)
    again, of_that = statistics.median(times[1:]), statistics.median(worked[1:])
    print(
        f"{'labcore runs list':20} first {times[0]:6.2f} s, {worked[0]:.2f} s of it work; "
        f"again {again:6.2f} s, {of_that:.2f} s of it work",
        flush=True,
    )


def idle(home: str, asked: argparse.Namespace) -> None:
    """The server's work while the Overview is open and nobody does anything."""
    from playwright.sync_api import sync_playwright

    with app(home) as (lab, server), sync_playwright() as playwright:
        browser = chromium(playwright, asked)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        began = time.perf_counter()
        page.goto(lab)
        page.get_by_text("Latest runs" if asked.runs else "First steps").first.wait_for()
        print(f"{'Overview, a visit':20} first {time.perf_counter() - began:6.2f} s", flush=True)
        page.wait_for_timeout(15_000)
        before = cpu_seconds(server)
        page.wait_for_timeout(1000 * asked.idle)
        busy = (cpu_seconds(server) - before) / asked.idle
        print(f"{'idle, a page open':20} {100 * busy:.1f} % of a core", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
