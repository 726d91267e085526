"""What a run's events say of its life."""

from __future__ import annotations

from labcore.events import RunFinished, RunStarted
from labcore.runs import Run


def state(run: Run) -> str:
    return run.status().state


def began(run: Run) -> float:
    event = run.last_event(RunStarted)
    assert event is not None
    return float(event.time)


def ended(run: Run) -> RunFinished:
    event = run.last_event(RunFinished)
    assert event is not None
    return event
