"""The processes of this container as ``/proc`` shows them: which are ours to stop, and which runs they work on."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

from labcore.jobs.folder import JobFolder
from labcore.jobs.kind import TABLE, folder_class
from labcore.workspace import Workspace

PROC = Path("/proc")
_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants that lose theirs, as process 1 is by itself. Without Linux, nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def others() -> set[int]:
    """The numbers of the processes that end with this one: all of the container where this is process 1, else what it started.

    Those that a shell brought into the container (``docker exec``) are descendants of nobody here, and belong to it nevertheless. Zombies
    are left out.
    """
    me, parents = os.getpid(), {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                parents[int(folder.name)] = int(parent) if state not in "ZX" else -1
    living = {number for number, parent in parents.items() if parent != -1 and number != me}
    return living if me == 1 else {number for number in living if _descends(number, me, parents)}


def _descends(number: int, ancestor: int, parents: dict[int, int]) -> bool:
    seen = set()
    while number > 1 and number not in seen:
        seen.add(number)
        number = parents.get(number, 0)
        if number == ancestor:
            return True
    return False


def is_of_the_lab(number: int) -> bool:
    """Whether a process runs something of the lab, going by its command line: a shell that idles is not waited for."""
    try:
        return b"labcore" in (PROC / str(number) / "cmdline").read_bytes()
    except OSError:
        return False


def jobs_of(workspace: Workspace, numbers: set[int]) -> list[JobFolder]:
    """The jobs of a workspace that these processes work on: those whose lock one of them has open.

    Processes of other users cannot be looked into; theirs are left out.
    """
    home = workspace.home.resolve()
    found = set()
    for number in numbers:
        with contextlib.suppress(OSError):
            for descriptor in (PROC / str(number) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    opened = descriptor.readlink()
                    room = opened.parent.parent
                    if opened.name == "lock" and room.parent == home and room.name in TABLE:
                        found.add((room.name, opened.parent.name))
    jobs = [folder_class(room)(workspace.home / room / name) for room, name in sorted(found)]
    return [job for job in jobs if job.held]
