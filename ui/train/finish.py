"""To end a run before its time."""

from __future__ import annotations

from labcore.jobs.glances import glance
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.texts import counted, duration
from labcore.training.pending import finish_early, usual_rest
from ui.components.finish_early import UNKNOWN, Rest, popover, seconds_per_epoch


def button(run: Run, status: JobStatus) -> None:
    """Opens how many epochs are still to be trained."""

    def look() -> Rest:
        now = glance(run)
        left = now.epochs - now.epoch
        why = "It is about to end by itself." if now.epochs else UNKNOWN
        return Rest(left if left > 1 else 0, usual_rest(now), told, why)

    def told(more: int) -> str:
        pace = seconds_per_epoch(run)
        time = "" if pace is None else f"About {duration(more * pace)}. "
        return f"{time}Over them the learning rate falls to its end; then the weights are evaluated and saved."

    def finish(more: int, me: str) -> str:
        finish_early(run, more, by="page", who=me)
        return f"It ends after {counted(more, 'more epoch')}"

    popover(run, status.by, look, finish, going=status.active)
