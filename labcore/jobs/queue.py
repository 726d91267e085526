"""What waits and what is at work in a workspace, read off the run directories, and which device each keeps busy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore.device import ALL
from labcore.errors import RunError
from labcore.runs import EventReader, Run, list_runs
from labcore.workspace import Workspace

UNKNOWN = "?"
"""The device of a run that will choose it by itself: it may be any, so the run shares none."""


@dataclass
class _Life:
    """What a run's events say about its life, kept up as they come."""

    reader: EventReader
    last: str = ""
    queued_at: float = 0.0
    device: str = UNKNOWN

    def update(self) -> None:
        try:
            size = (self.reader.run.path / "events.jsonl").stat().st_size
        except OSError:
            return
        if size < self.reader.offset:  # rewritten by hand
            self.reader.offset, self.last = 0, ""
        if size > self.reader.offset:
            for event in self.reader.read():
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind in ("run_queued", "run_started", "run_finished"):
            self.last, self.device = kind, UNKNOWN
        if kind == "run_queued":
            self.queued_at = event["time"]
        elif kind == "training_started":
            self.device = device_name(event.get("device", "auto"))


@dataclass
class Survey:
    """Looks over the runs of a workspace again and again; cheap where nothing has changed."""

    workspace: Workspace
    _lives: dict[Path, _Life] = field(default_factory=dict)

    def look(self) -> tuple[list[Run], list[tuple[Run, str]]]:
        """The runs that wait, first come first, and those at work with the device each keeps busy."""
        runs = list_runs(self.workspace)
        self._lives = {run.path: self._lives.get(run.path) or _Life(EventReader(run)) for run in runs}
        waiting: list[tuple[float, str, Run]] = []
        working: list[tuple[Run, str]] = []
        for run in runs:
            life = self._lives[run.path]
            life.update()
            if life.last == "run_finished":
                continue
            if run.held:
                working.append((run, life.device if life.device != UNKNOWN else wanted_device(run)))
            elif life.last == "run_queued":
                waiting.append((life.queued_at, run.id, run))
        return [run for _, _, run in sorted(waiting, key=lambda entry: entry[:2])], working


def device_name(wanted: str) -> str:
    """A device as the configuration names it, spelled one way; ``?`` for one that is still to be chosen."""
    return {"auto": UNKNOWN, "cuda": "cuda:0"}.get(wanted, wanted)


def wanted_device(run: Run) -> str:
    """The device a run asks for; ``?`` where that is open or its configuration cannot be read."""
    try:
        return device_name(run.config.runtime.device)
    except RunError:
        return UNKNOWN


def _same(one: str, other: str) -> bool:
    """Whether two runs on these devices may meet on one."""
    names = {one, other}
    return len(names) == 1 or UNKNOWN in names or (ALL in names and "cpu" not in names)


def startable(waiting: list[Run], busy: list[str]) -> list[Run]:
    """The waiting runs whose device is free, so that each device has one run and nobody is overtaken on it.

    Args:
        waiting: in the order in which they came.
        busy: devices at work.
    """
    taken, chosen = list(busy), []
    for run in waiting:
        device = wanted_device(run)
        if not any(_same(device, other) for other in taken):
            chosen.append(run)
        taken.append(device)
    return chosen
