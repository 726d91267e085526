"""What a look at a run costs that has trained for a day, or for a week: how it stands, and its events, as a page asks for them.

Events are told as the lab at hand tells them, progress once a second. The first look is that of a new server; the next ones come after
each further event; "anew" is the median of as many looks of a process that remembers nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from labcore.config import RunConfig
from labcore.events import Epoch, Event, Progress, RunStarted, TrainingStarted
from labcore.jobs import event_log
from labcore.runs import Run
from labcore.workspace import Workspace

EPOCHS = 2000
LOOKS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--told-hours", type=float, default=24, help="how long the told run is (default: %(default)s)")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as home:
        run = Run.create(Workspace(Path(home)), RunConfig())
        for event in events(run, asked.told_hours):
            run.append(event)
        look(f"told, {asked.told_hours:g} h", run)


def events(run: Run, hours: float) -> Iterable[Event]:
    shape = {"device": "cpu", "device_reason": "", "precision": "fp32", "memory_format": "contiguous"}
    yield RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="host")
    yield TrainingStarted(
        labels=["a", "b"], train_clips=320, val_clips=80, fold="5", precision_reason="", parameters=10**6, epochs=EPOCHS + 1,
        first_epoch=1, **shape,
    )  # fmt: skip
    steps = int(hours * 3600 / EPOCHS)
    for epoch in range(1, EPOCHS + 1):
        for step in range(1, steps + 1):
            yield progress(epoch, step, steps)
        yield Epoch(
            epoch=epoch, epochs=EPOCHS + 1, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.8, lr=0.01,
            clips_per_second=300.0, seconds=float(steps), seconds_left=1.0, averaged=False, spent={"network": 3.0},
        )  # fmt: skip


def progress(epoch: int, step: int, steps: int) -> Progress:
    return Progress(epoch=epoch, step=step, steps=steps, train_loss=1.0, seconds_left=9.0, spent={"network": 1.0})


def look(what: str, run: Run) -> None:
    size = sum(file.stat().st_size for file in run.path.glob("*") if file.is_file())
    before = psutil.Process().memory_info().rss
    first, times = timed(run), []
    for step in range(LOOKS):
        run.append(progress(EPOCHS + 1, step + 1, LOOKS))
        times.append(timed(run))
    held = (psutil.Process().memory_info().rss - before) / 1e6
    anew = []
    for _ in range(LOOKS):
        event_log._logs.clear()  # what a process remembers of runs
        anew.append(timed(run))
    print(
        f"{what:16} {size / 1e6:7.1f} MB: first look {first:6.2f} s, the next {1000 * statistics.median(times):8.1f} ms, "
        f"{held:6.0f} MB more memory; read anew {1000 * statistics.median(anew):6.1f} ms",
        flush=True,
    )


def timed(run: Run) -> float:
    """Seconds of what a page asks at each look: how the run stands, and its events."""
    began = time.perf_counter()
    assert run.status().state in ("interrupted", "running")
    run.events()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
