"""What a search tells while it goes; what its trials came to stands in its journal."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, Union

from pydantic import AliasChoices, Field

from labcore.events import Event, Finished, JobQueued, Kinds, Started, kinds_of


class SearchStarted(Started):
    """A driver took the search up. ``done`` trials of ``trials`` are over already."""

    type: Literal["search_started"] = "search_started"
    search_id: str
    search_dir: str
    trials: int
    done: int
    varied: list[str]
    test_fold: str = Field(validation_alias=AliasChoices("test_fold", "reported"))  # reported: in the version before
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


class SearchFinished(Finished):
    """The driver ends: finished, stopped or failed."""

    type: Literal["search_finished"] = "search_finished"
    done: int
    best_trial: int | None = None
    best_value: float | None = None
    best_run: str | None = None
    changes: dict[str, Any]


SearchEvent: TypeAlias = Union[JobQueued, SearchStarted, TrialStarted, TrialProgress, TrialEnded, SearchFinished]  # noqa: UP007
EVENTS: Kinds = kinds_of(SearchEvent)
"""The events of a search, told apart by their type."""
