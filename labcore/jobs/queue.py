"""What waits and what is at work in a workspace, read off the run directories, which device each keeps busy, and whose turn it is.

On each device people take turns: next is a run of whoever was served there the longest ago, and among one person's own runs the one
that came first. With one person that is first come first served. A run that was at work when its machine went away goes on before all.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labcore.device import ALL
from labcore.glances import asked_of, keep, known, remember
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

_log = logging.getLogger(__name__)
UNKNOWN = "?"
"""The device of a run that will choose it by itself: it may be any, so the run shares none."""


@dataclass(frozen=True)
class Waiting:
    """A run that waits: whose it is, which device it asks for, and when it came, in seconds since 1970.

    ``cut_short``: it was at work, and took its old place in the line when its machine was back (:mod:`labcore.jobs.cut_short`).
    """

    run: Run
    person: str
    device: str
    came: float
    cut_short: bool = False

    @property
    def place(self) -> tuple[float, str]:
        """Tells who came before whom."""
        return self.came, self.run.id


@dataclass
class Survey:
    """Looks over the runs of a workspace again and again; cheap where nothing has changed."""

    workspace: Workspace
    _told: set[Path] = field(default_factory=set)
    _quiet: int | None = None
    """What the files of the runs looked like when nothing waited or worked; None where something did."""

    def look(self) -> tuple[list[Run], list[tuple[Run, str]]]:
        """The runs that wait, in the order in which they will start, and those at work with the device each keeps busy.

        A run that cannot be read is passed over, whatever is wrong with it.
        """
        files = self._files()
        if files == self._quiet:
            return [], []
        remember(self.workspace)
        waiting: list[Waiting] = []
        working: list[tuple[Run, str]] = []
        served: dict[tuple[str, str], float] = {}
        runs = list_runs(self.workspace)
        for run in runs:
            try:
                self._place(run, waiting, working, served)
            except Exception:  # one run must never stop the others
                if run.path not in self._told:
                    self._told.add(run.path)
                    _log.exception("run %s is passed over", run.id)
        keep(self.workspace, runs)
        self._quiet = None if waiting or working else files
        return [each.run for each in fair_order(waiting, served)], working

    def _files(self) -> int:
        """Another number where a run came or went, or was told an event, with which all work begins."""
        room, stamps = os.fspath(self.workspace.runs), []
        for name in os.listdir(room):  # noqa: PTH208
            with contextlib.suppress(OSError, ValueError):
                found = os.stat(f"{room}/{name}/events.jsonl")  # noqa: PTH116
                stamps.append((name, found.st_ino, found.st_size, found.st_mtime_ns))
        return hash(tuple(stamps))

    def _place(
        self,
        run: Run,
        waiting: list[Waiting],
        working: list[tuple[Run, str]],
        served: dict[tuple[str, str], float],
    ) -> None:
        """Put a run among those that wait or work, and tell when its person was served."""
        asked, story = known(run)
        person = story.owner or ""
        if story.served_at:
            where = person, device_name(story.served_on)
            served[where] = max(served.get(where, story.served_at), story.served_at)
        if story.last == "run_finished":
            return
        if run.held:
            device = device_name(story.device or asked.device)
            working.append((run, device))
            served[person, device] = math.inf
        elif story.last == "run_queued":
            cut_short = story.served_at > 0 and story.queued_at <= story.served_at
            waiting.append(Waiting(run, person, device_name(asked.device), story.queued_at, cut_short))

    def ahead(self, run: Run) -> list[Run]:
        """What a waiting run waits for on its device: runs at work, then those before it in the queue.

        Empty for a run that does not wait.
        """
        waiting, working = self.look()
        places = {each.path: place for place, each in enumerate(waiting)}
        if run.path not in places:
            return []
        device = wanted_device(run)
        before = waiting[: places[run.path]]
        return [each for each, on in working if _same(on, device)] + [
            each for each in before if _same(wanted_device(each), device)
        ]


def fair_order(waiting: Sequence[Waiting], served: Mapping[tuple[str, str], float]) -> list[Waiting]:
    """Runs in the order in which they will start: people take turns on each device, and one's own runs keep their order.

    Of runs that cannot meet on a device the earlier one stands first, so that one person's list is in the order of coming.

    Args:
        served: person and device → when a run of theirs began there last, in seconds since 1970; infinity while one is at work.
    """
    turns = {where: (when, 0) for where, when in served.items()}
    queues: dict[tuple[str, str], deque[Waiting]] = {}
    for each in sorted(waiting, key=lambda one: one.place):
        queues.setdefault((each.person, each.device), deque()).append(each)

    def last_turn(person: str, device: str) -> tuple[float, int]:
        return max(
            (turn for (who, on), turn in turns.items() if who == person and _same(on, device)), default=(-math.inf, 0)
        )

    order: list[Waiting] = []
    while queues:
        heads = [queue[0] for queue in queues.values()]
        free = [
            head
            for head in heads  # behind an earlier run of one's own that may take the same device, one waits
            if not any(
                other.person == head.person and other.place < head.place and _same(other.device, head.device)
                for other in heads
            )
        ]
        first = min(free, key=lambda head: head.place)
        rivals = [head for head in free if _same(head.device, first.device)]
        chosen = min(rivals, key=lambda head: (not head.cut_short, last_turn(head.person, first.device), head.place))
        order.append(chosen)
        where = chosen.person, chosen.device
        turns[where] = math.inf, len(order)
        queues[where].popleft()
        if not queues[where]:
            del queues[where]
    return order


def device_name(wanted: str) -> str:
    """A device as the configuration names it, spelled one way; ``?`` for one that is still to be chosen."""
    return {"": UNKNOWN, "auto": UNKNOWN, "cuda": "cuda:0"}.get(wanted, wanted)


def wanted_device(run: Run) -> str:
    """The device a run asks for; ``?`` where that is open or its configuration cannot be read."""
    return device_name(asked_of(run).device)


def _same(one: str, other: str) -> bool:
    """Whether two runs on these devices may meet on one."""
    names = {one, other}
    return len(names) == 1 or UNKNOWN in names or (ALL in names and "cpu" not in names)


def startable(waiting: list[Run], busy: list[str], device_of: Callable[[Run], str] = wanted_device) -> list[Run]:
    """The waiting runs whose device is free, so that each device has one run and nobody is overtaken on it.

    Args:
        waiting: in the order in which they are to start.
        busy: devices at work.
        device_of: tells which device a run asks for.
    """
    taken, chosen = list(busy), []
    for run in waiting:
        device = device_of(run)
        if not any(_same(device, other) for other in taken):
            chosen.append(run)
        taken.append(device)
    return chosen
