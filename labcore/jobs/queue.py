"""What waits and what is running in a workspace, read off the directories of the jobs, what each needs, and which are next.

A job needs a device, or the whole machine, or nothing for itself. On what is needed everybody gets a fair share: next
is a job of whoever was served there the longest ago, and among one person's own jobs the one that came first. With
one person that is first come first served. A job that was running when its machine went away goes on before all.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labcore.device import ALL, open_gpus
from labcore.jobs.folder import MACHINE, NOTHING, SHARED, JobFolder
from labcore.jobs.glances import keep, known, remember
from labcore.jobs.kind import TABLE, names, working_kinds
from labcore.workspace import Workspace

_log = logging.getLogger(__name__)
UNKNOWN = "?"
"""The device of a job that will choose it by itself: it may be any, so the job shares none."""


@dataclass(frozen=True)
class Waiting:
    """A job that waits: whose it is, what it needs, and when it came, in seconds since 1970.

    ``preempted``: it was running, and took its old place in the line when its machine was back (:mod:`labcore.jobs.preemption`).
    """

    job: JobFolder
    person: str
    device: str
    came: float
    preempted: bool = False

    @property
    def place(self) -> tuple[float, str]:
        """Tells who came before whom."""
        return self.came, self.job.id


@dataclass
class QueueState:
    """Looks over the jobs of a workspace again and again; cheap where nothing has changed."""

    workspace: Workspace
    _told: set[Path] = field(default_factory=set)
    _quiet: int | None = None
    """What the files of the jobs looked like when nothing waited or worked; None where something did."""

    def look(self) -> tuple[list[JobFolder], list[tuple[JobFolder, str]]]:
        """The jobs that wait, in the order in which they will start, and those running with what each keeps busy.

        A job that cannot be read is passed over, whatever is wrong with it.
        """
        files = self._files()
        if files == self._quiet:
            return [], []
        remember(self.workspace)
        waiting: list[Waiting] = []
        working: list[tuple[JobFolder, str]] = []
        served: dict[tuple[str, str], float] = {}
        for kind in working_kinds(self.workspace):
            jobs = kind.every(self.workspace)
            for job in jobs:
                try:
                    self._place(job, waiting, working, served)
                except Exception:  # one job must never stop the others
                    if job.path not in self._told:
                        self._told.add(job.path)
                        _log.exception("%s is skipped", job.title)
            keep(self.workspace, jobs)
        self._quiet = None if waiting or working else files
        return [each.job for each in fair_order(waiting, served)], working

    def _files(self) -> int:
        """Another number where a job came or went, or was told an event, with which all work begins."""
        stamps = []
        for room in TABLE:
            for name in names(self.workspace, room):
                with contextlib.suppress(OSError, ValueError):
                    found = os.stat(f"{self.workspace.home}/{room}/{name}/events.jsonl")  # noqa: PTH116
                    stamps.append((name, found.st_ino, found.st_size, found.st_mtime_ns))
        return hash(tuple(stamps))

    def _place(
        self,
        job: JobFolder,
        waiting: list[Waiting],
        working: list[tuple[JobFolder, str]],
        served: dict[tuple[str, str], float],
    ) -> None:
        """Put a job among those that wait or work, and tell when its person was served."""
        asked, story = known(job)
        person = story.owner or ""
        if story.served_at and asked.needs not in (SHARED, NOTHING):
            where = person, device_name(story.served_on or asked.needs)
            served[where] = max(served.get(where, story.served_at), story.served_at)
        if story.last == "finished":
            return
        if job.held:
            device = device_name(asked.needs if asked.needs in (SHARED, NOTHING) else story.device or asked.needs)
            working.append((job, device))
            served[person, device] = math.inf
        elif story.last == "queued":
            preempted = story.served_at > 0 and story.queued_at <= story.served_at
            waiting.append(Waiting(job, person, device_name(asked.needs), story.queued_at, preempted))

    def ahead_of(self, jobs: Sequence[JobFolder]) -> dict[Path, list[JobFolder]]:
        """Path → what that job waits for, running jobs, then those before it in the queue; without the jobs that do not wait."""
        waiting, line = self.look()
        wanted, found = {job.path for job in jobs}, dict[Path, list[JobFolder]]()
        for each in waiting:
            needs = needed(each)
            if each.path in wanted:
                found[each.path] = _in_the_way(line, needs)
            line.append((each, needs))
        return found

    def before(self, needs: str) -> list[JobFolder]:
        """What a job that came now and needs this would wait for: running jobs, then those in the queue."""
        waiting, working = self.look()
        return _in_the_way([*working, *((each, needed(each)) for each in waiting)], device_name(needs))


def _in_the_way(others: Sequence[tuple[JobFolder, str]], needs: str) -> list[JobFolder]:
    found = [each for each, on in others if _same(on, needs)]
    if found and needs == UNKNOWN:
        free = (gpu for gpu in open_gpus() if not any(_same(on, gpu) for _, on in others))
        return [] if any(free) else found
    return found


def fair_order(waiting: Sequence[Waiting], served: Mapping[tuple[str, str], float]) -> list[Waiting]:
    """Jobs in the order in which they will start: each person gets a fair share of each device, and one's own jobs keep their order.

    Of jobs that cannot meet on a device the earlier one stands first, so that one person's list is in the order of coming.

    Args:
        served: person and device → when a job of theirs began there last, in seconds since 1970; infinity while one is running.
    """
    served_last = {where: (when, 0) for where, when in served.items()}
    queues: dict[tuple[str, str], deque[Waiting]] = {}
    for each in sorted(waiting, key=lambda one: one.place):
        queues.setdefault((each.person, each.device), deque()).append(each)

    def last_served(person: str, device: str) -> tuple[float, int]:
        return max(
            (last for (who, on), last in served_last.items() if who == person and _same(on, device)),
            default=(-math.inf, 0),
        )

    order: list[Waiting] = []
    while queues:
        heads = [queue[0] for queue in queues.values()]
        free = [
            head
            for head in heads  # behind an earlier job of one's own that may take the same device, one waits
            if not any(
                other.person == head.person and other.place < head.place and _same(other.device, head.device)
                for other in heads
            )
        ]
        first = min(free, key=lambda head: head.place)
        rivals = [head for head in free if head is first or _same(head.device, first.device)]
        chosen = min(rivals, key=lambda head: (not head.preempted, last_served(head.person, first.device), head.place))
        order.append(chosen)
        where = chosen.person, chosen.device
        served_last[where] = math.inf, len(order)
        queues[where].popleft()
        if not queues[where]:
            del queues[where]
    return order


def device_name(wanted: str) -> str:
    """A device as the configuration names it, spelled one way; ``?`` for one that is still to be chosen."""
    return {"": UNKNOWN, "auto": UNKNOWN, "cuda": "cuda:0"}.get(wanted, wanted)


def needed(job: JobFolder) -> str:
    """What a job needs; ``?`` for a device that is open or cannot be read."""
    return device_name(known(job)[0].needs)


def _same(one: str, other: str) -> bool:
    """Whether two jobs that need these get in each other's way."""
    names = {one, other}
    if NOTHING in names:
        return False
    if MACHINE in names:
        return True
    return SHARED not in names and (len(names) == 1 or UNKNOWN in names or (ALL in names and "cpu" not in names))


def startable(waiting: list[JobFolder], busy: list[str], gpus: Sequence[str] = ()) -> dict[JobFolder, str]:
    """The waiting jobs for which there is room, so that each device has one and nobody is overtaken on it.

    Args:
        waiting: in the order in which they are to start.
        busy: what running jobs keep busy.
        gpus: where there are several: a job that leaves its device open takes the first that is free.

    Returns:
        Job → what it has then for itself.
    """
    taken, chosen = list(busy), dict[JobFolder, str]()
    for job in waiting:
        wanted = needed(job)
        able = gpus if wanted == UNKNOWN and gpus else (wanted,)
        free = next((each for each in able if not any(_same(each, other) for other in taken)), None)
        if free is not None:
            chosen[job] = free
        taken += able if free is None else (free,)
    return chosen
