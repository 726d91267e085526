"""A run at a glance, and whose it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labcore.people import clean

ENDED = ("finished", "stopped", "failed", "interrupted", "unreadable")
RESUMABLE = ("stopped", "failed", "interrupted")
LIFE = ("run_queued", "run_started", "run_finished")
"""The events that tell of a run's life: it waits, somebody works on it, it has ended."""


@dataclass(frozen=True)
class RunStatus:
    """A run at a glance, worked out from its events and its lock.

    ``state`` is queued, running, stopping, finished, stopped, failed, interrupted (its worker is gone without a word) or, in a list,
    unreadable (then ``error`` says why). ``by`` made
    the run, ``stopped_by`` asked for it to stop, where it does or did; both are "" where that is not known.
    """

    state: str
    epoch: int = 0
    epochs: int = 0
    fraction: float = 0.0
    seconds_left: float | None = None
    accuracy: float | None = None
    preparing: dict[str, Any] | None = None
    error: str = ""
    remedy: str = ""
    queued_at: float = 0.0
    changed_at: float = 0.0
    by: str = ""
    stopped_by: str = ""

    @property
    def active(self) -> bool:
        """Whether it is waiting or at work."""
        return self.state not in ENDED


def owner_of(events: Iterable[dict[str, Any]]) -> str:
    """Who made a run: whoever queued or started it first. "" where that event names nobody, as in runs of older versions."""
    return next((clean(event.get("by")) for event in events if event["type"] in ("run_queued", "run_started")), "")
