"""Who uses a named split, to be told before it goes or is called otherwise."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from labcore.datasets.in_split import split_of
from labcore.datasets.keeping import AT_WORK, NAMED, use_of
from labcore.datasets.named_splits import NamedSplit, named_now, remove_split
from labcore.datasets.table import some
from labcore.errors import RunError
from labcore.jobs.status import RESUMABLE
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

UNBEGUN = ("queued", *AT_WORK, *RESUMABLE)


@dataclass(frozen=True)
class SplitUse:
    """The runs that ask for a split, newest first.

    Attributes:
        waiting: those that do not keep it in their folder yet: without it they cannot begin.
    """

    split: str
    runs: tuple[Run, ...]
    waiting: tuple[Run, ...]

    @property
    def sentence(self) -> str:
        """Which runs use it, without the final stop; "" for none."""
        if not self.runs:
            return ""
        verb = "uses" if len(self.runs) == 1 else "use"
        return f"{counted(len(self.runs), 'run')} {verb} the split {self.split}: {_ids(self.runs)}"


def use_of_split(workspace: Workspace, name: str, split: str) -> SplitUse:
    """Who uses a split of a data set of the workspace, under whatever name they ask for it.

    Raises:
        DatasetError: there is no such data set or split.
    """
    now = named_now(workspace, name, split)
    runs, waiting = list[Run](), list[Run]()
    for run, status in use_of(workspace, name).runs:
        with contextlib.suppress(RunError):
            asked = run.config.data.named_split
            if asked is not None and named_now(workspace, name, asked) == now:
                runs.append(run)
                if status.state in UNBEGUN and split_of(run) is None:
                    waiting.append(run)
    return SplitUse(now, tuple(runs), tuple(waiting))


def forget_split(workspace: Workspace, name: str, split: str, *, who: str = "", anyone: bool = False) -> NamedSplit:
    """Remove a split that no run waits for. Those that began with it keep it.

    Raises:
        RunError: a run that has not begun asks for it.
        DatasetError, NotYoursError, WorkspaceError: as for :func:`labcore.datasets.named_splits.remove_split`.
    """
    if waiting := use_of_split(workspace, name, split).waiting:
        one = counted(len(waiting), "run has", "runs have", figure=str)
        raise RunError(
            f"the split {split!r} cannot be removed now: {one} not begun with it yet, {_ids(waiting)}",
            "Wait until it has begun, or delete it",
        )
    return remove_split(workspace, name, split, who=who, anyone=anyone)


def _ids(runs: tuple[Run, ...]) -> str:
    return some((run.id for run in runs), NAMED)
