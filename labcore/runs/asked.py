"""What was asked for in a run, beside what came of it: ``config.json`` holds values for all that was automatic once a run has started.

``asked.json`` in the run's folder holds the settings that the lab worked out, each with what was asked for (path → value, null for
automatic). Whoever does a run again asks for the same, and the lab works it out for the data, the machine and the version at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from labcore.config import RunConfig, all_settings
from labcore.errors import ConfigError
from labcore.events import Event, Log, SettingsChanged, TrainingStarted, each_of, last_of
from labcore.runs import Run

NAME = "asked"
FRAMING = ("features.n_fft", "features.win_length", "features.hop_length")


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

    Of runs of older versions, which did not write it down, as far as their events and figures tell.

    Raises:
        RunError: the run's configuration cannot be read.
    """
    config = run.config
    if (run.path / f"{NAME}.json").exists():
        return _with(config, _remembered(run))
    events = run.events()
    if last_of(events, TrainingStarted) is None:
        return config
    return _with(config, _framing(config) | _epochs(events))


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


def _with(config: RunConfig, asked: dict[str, Any]) -> RunConfig:
    """A configuration with other values; as it is where these do not go with each other in this version of the lab."""
    try:
        return config.replace(asked)
    except ConfigError:
        return config


def _remembered(run: Run) -> dict[str, Any]:
    content, table = run.load(NAME), all_settings()
    return {path: value for path, value in content.items() if path in table} if isinstance(content, dict) else {}


def _framing(config: RunConfig) -> dict[str, Any]:
    """FFT size, window and hop where they are what the lab would have taken: nothing is lost by leaving them to it."""
    automatic = config.replace(dict.fromkeys(FRAMING))
    same = [path for path in FRAMING if config.value(path) == getattr(automatic.framing, path.partition(".")[2])]
    left = _with(config, dict.fromkeys(same))
    return dict.fromkeys(same) if left.framing == config.framing else {}


def _epochs(events: list[Event]) -> dict[str, Any]:
    """Epochs and training clips where the log says that they came from the training budget."""
    told = [event.message for event in each_of(events, Log)]
    line = next((text for text in told if re.match(r"\d+ epochs of .*training budget", text)), "")
    sampled = {"data.train_clips": None} if "drawn by class" in line else {}
    return {"optim.epochs": None, **sampled} if line else {}
