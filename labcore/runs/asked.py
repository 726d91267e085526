"""What was asked for in a run, beside what came of it: ``config.json`` holds values for all that was automatic once a run has started.

``asked.json`` in the run's folder holds the settings that the lab worked out, each with what was asked for (path → value, null for
automatic). Whoever does a run again asks for the same, and the lab works it out for the data, the machine and the version at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labcore.config import RunConfig, all_settings
from labcore.errors import ConfigError
from labcore.events import Event, SettingsChanged, each_of
from labcore.runs import Run

NAME = "asked"
FRONT_END = "front_end"
"""The JSON file in a run's folder that says why its automatic front end is as it is."""


def save_worked_out(run: Run, before: RunConfig, after: RunConfig) -> None:
    """Save a run's configuration in which the lab has worked something out, and remember what was asked for.

    Args:
        before: as it was before; ``after`` with what was worked out. What was worked out earlier stays remembered.

    Raises:
        WorkspaceError: the disk is full or the directory is gone.
    """
    changed = {path: before.value(path) for path in all_settings() if before.value(path) != after.value(path)}
    known = _remembered(run)
    if changed or known:
        run.save(NAME, changed | known)  # first: whoever reads in between finds both as they were asked for
    run.save_config(after)


def asked_for(run: Run) -> RunConfig:
    """The configuration of a run as it was asked for: what was automatic is automatic again.

    Raises:
        RunError: the run's configuration cannot be read.
    """
    config = run.config
    try:
        return config.replace(_remembered(run))
    except ConfigError:  # values that do not go with each other in this version of the lab
        return config


def front_end_reason(run: Run) -> str:
    """Why the automatic front end of a run is as it is, a sentence without the final stop; "" where it was not automatic."""
    content = run.load(FRONT_END, {})
    reason = content.get("reason", "") if isinstance(content, dict) else ""
    return reason if isinstance(reason, str) else ""


def live_changes_of(events: Iterable[Event]) -> dict[int, dict[str, Any]]:
    """What people changed while a run trained: epoch from which it counts → path → value.

    What the lab changed it changes again by itself.
    """
    told = {(change.epoch, change.number): change for change in each_of(events, SettingsChanged)}
    changes: dict[int, dict[str, Any]] = {}
    for (epoch, _), change in sorted(told.items()):
        if change.by != "lab":
            changes.setdefault(epoch, {}).update(change.changes)
    return changes


def _remembered(run: Run) -> dict[str, Any]:
    content, table = run.load(NAME), all_settings()
    return {path: value for path, value in content.items() if path in table} if isinstance(content, dict) else {}
