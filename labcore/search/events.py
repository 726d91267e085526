"""What a search tells while it goes, for whoever drives it in the foreground; what lasts stands in its journal."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, Union

from labcore.events import Event


class SearchStarted(Event):
    """A driver took the search up. ``done`` trials of ``trials`` are over already."""

    type: Literal["search_started"] = "search_started"
    search_id: str
    search_dir: str
    trials: int
    done: int
    varied: list[str]
    reported: str
    validation: str


class TrialStarted(Event):
    """A trial's run was put into the queue, or, where ``resumed``, back into it."""

    type: Literal["trial_started"] = "trial_started"
    trial: int
    run_id: str
    changes: dict[str, Any]
    resumed: bool = False


class TrialProgress(Event):
    """A trial's run has an epoch behind it; ``value`` is the objective after it."""

    type: Literal["trial_progress"] = "trial_progress"
    trial: int
    run_id: str
    epoch: int
    epochs: int
    value: float


class TrialEnded(Event):
    """A trial is over: finished, pruned or failed. ``best`` says whether none before it was as good."""

    type: Literal["trial_ended"] = "trial_ended"
    trial: int
    run_id: str | None
    state: str
    value: float | None
    note: str
    best: bool


class SearchFinished(Event):
    """The driver ends: finished, stopped or failed."""

    type: Literal["search_finished"] = "search_finished"
    state: str
    done: int
    best_trial: int | None
    best_value: float | None
    best_run: str | None
    changes: dict[str, Any]
    error: str = ""
    remedy: str = ""


SearchEvent: TypeAlias = Union[SearchStarted, TrialStarted, TrialProgress, TrialEnded, SearchFinished]  # noqa: UP007
"""What a driver tells."""
