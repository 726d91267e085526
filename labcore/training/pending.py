"""Settings of a run that trains, as a form holds them: what counts, what was asked for, and what the form would ask for now. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from labcore.config import RunConfig, Setting, all_settings, live_config
from labcore.events import Advice, Event, SettingsChanged, each_of, last_of
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.training.live_settings import LiveSettings

EVERYDAY = (
    "model.dropout",
    "augment.time_mask",
    "augment.freq_mask",
    "augment.mixup",
    "optim.label_smoothing",
    "optim.lr_factor",
)
"""What is changed most while a run trains."""
EPOCHS = "optim.epochs"
EARLY = "finish early"
"""The reason of a change that ends a run before its time."""
USUAL_REST = 0.1
"""This share of the epochs that were planned is usually enough for the learning rate to fall to its end."""


def live_settings() -> list[Setting]:
    """The settings that can be changed while a run trains, the everyday ones first; not how long it trains, see :func:`finish_early`."""
    table = {path: setting for path, setting in all_settings().items() if setting.live and path != EPOCHS}
    return [table.pop(path) for path in EVERYDAY if path in table] + list(table.values())


def usual_rest(status: JobStatus) -> int:
    """How many epochs a run that is to finish early should still train."""
    return max(1, min(math.ceil(USUAL_REST * status.epochs), status.epochs - status.epoch))


def finish_early(run: Run, more: int, *, by: str, who: str = "") -> None:
    """Let a run end after so many epochs more, not counting one that has begun, and at its planned end at the latest.

    Raises:
        ConfigError: no epoch more, or more than a run may have.
        RunError, WorkspaceError: as :meth:`Run.override`.
    """
    status = run.status()
    epochs = status.epoch + status.active + more
    planned = status.epochs or epochs  # of one that never began
    run.override({EPOCHS: min(epochs, planned)}, by=by, who=who, reason=EARLY)


class PendingSettings:
    """The values of a form beside those of a run.

    Attributes:
        values: path → value, as the form shows it; whoever draws the form writes here.
        generations: path → how many times a value was changed elsewhere while the form was there: a widget of a new name shows it.
        counts: the values that count in the run now.
        asked: what was asked for and does not count yet.
    """

    counts: RunConfig
    asked: dict[str, Any]

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.generations: dict[str, int] = {}
        self._seen: dict[str, Any] = {}
        self._wanted: dict[str, Any] = {}
        self._start: dict[str, Any] = {}

    def look(self, run: Run) -> None:
        """Take up how the run stands. A value that was changed elsewhere is taken over; what the form has changed stays."""
        start = run.config
        self.counts, self.asked = live_config(start, run.events()), LiveSettings(run, start).pending()
        wanted, paths = self.counts.replace(self.asked), [setting.path for setting in live_settings()]
        self._start, self._wanted = ({path: config.value(path) for path in paths} for config in (start, wanted))
        for path, value in self._wanted.items():
            if path not in self._seen:
                self.values[path], self.generations[path] = value, 0
            elif self._seen[path] != value:
                self.values[path] = value
                self.generations[path] += 1
            self._seen[path] = value

    @property
    def changes(self) -> dict[str, Any]:
        """What the form would ask for: path → value."""
        return {path: value for path, value in self.values.items() if value != self._wanted[path]}

    @property
    def undone(self) -> dict[str, Any]:
        """What would go back to the values of the start: path → value."""
        return {path: value for path, value in self._start.items() if value != self._wanted[path]}


def open_advice(run: Run, events: Sequence[Event], put_aside: int = 0) -> Advice | None:
    """The latest advice, unless something of what it suggests was changed since or is asked for.

    Args:
        put_aside: the epoch up to which advice is not wanted.
    """
    event = last_of(events, Advice)
    if event is None or not event.changes or put_aside >= event.epoch:
        return None
    changed = [change.changes for change in each_of(events, SettingsChanged) if change.epoch > event.epoch]
    if any(event.changes.keys() & changes.keys() for changes in [*changed, LiveSettings(run, run.config).pending()]):
        return None
    return event
