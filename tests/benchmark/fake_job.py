"""A benchmark process whose measuring is make-believe: the plan's name says how it goes. Also loaded as a module by the tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from labcore.benchmark import job
from labcore.benchmark.events import BenchmarkFinished, BenchmarkStarted, Measurement, Progress
from labcore.benchmark.report import ReportFolder
from labcore.errors import DeviceError
from labcore.events import Event

SECONDS = {"patient": 0.05, "deaf": 0.05}


def measure(folder: ReportFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Every case takes a moment and the same figures; what is told is appended, as the real one does."""
    plan = folder.plan
    with folder.hold():
        for event in _events(folder, should_stop):
            folder.append(event)
            yield event
        folder.clear_stop()
    assert plan.cases


def _events(folder: ReportFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    plan = folder.plan
    yield BenchmarkStarted(pid=os.getpid(), cases=len(plan.cases), seconds=plan.seconds)
    for number, case in enumerate(plan.cases):
        print(f"case {number} of {plan.name}", flush=True)
        yield Progress(done=number, total=len(plan.cases), what=case.model, seconds_left=1.0)
        time.sleep(SECONDS.get(plan.name, 0.0))
        if should_stop() and plan.name != "deaf":
            yield BenchmarkFinished(state="stopped")
            return
        yield Measurement(case=case, repeats=3, median_ms=2.0, q1_ms=1.9, q3_ms=2.1, clips_per_second=500.0, threads=1)
        match plan.name:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "mute":
                os._exit(7)
            case "device":
                raise DeviceError("the GPU is gone", "Bring it back")
            case "fault":
                raise ZeroDivisionError("division by nothing")
    yield BenchmarkFinished(state="finished", seconds=1.0)


if __name__ == "__main__":
    sys.exit(job.main(measure=measure))
