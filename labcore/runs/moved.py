"""Where the paths that a workspace keeps lie now, after it was copied, mounted elsewhere or restored on another machine.

A configuration may name files that lie in the workspace itself by their absolute paths: a data set, a recording of noise, the folder of a
run with pretrained weights. Where the workspace lay before is told by its runs, each of which says at its start which folder it works in.
"""

from __future__ import annotations

import os
from pathlib import Path

from labcore.jobs.glances import keep, known, remember
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace


def here(workspace: Workspace, path: str | Path) -> Path:
    """A path as it leads now: what lay in the workspace where that was before is looked for in the workspace.

    A path that leads nowhere there either stays as it is. Says nothing about whether anything is there.
    """
    asked = Path(os.path.expanduser(path))  # noqa: PTH111 (a user that is not known raises nothing)
    try:
        if not asked.is_absolute() or asked.is_relative_to(workspace.home):
            return asked
        if asked.exists() and not any((folder / "runs").is_dir() for folder in asked.parents):
            return asked  # in no workspace at all
        for home in former_homes(workspace):
            if asked.is_relative_to(home) and (moved := workspace.home / asked.relative_to(home)).exists():
                return moved
    except (OSError, ValueError):  # too long for a path, a zero byte, a folder that may not be looked into
        pass
    return asked


def former_homes(workspace: Workspace) -> list[Path]:
    """Where the workspace lay when its runs were made, other than where it lies; the place of the newest run first."""
    remember(workspace)
    runs = list_runs(workspace)
    homes = {home: None for run in runs for home in homes_of(run)}
    keep(workspace, runs)
    return [home for home in homes if home != workspace.home]


def homes_of(run: Run) -> list[Path]:
    """The workspaces that a run says it was worked on in, the latest first."""
    places = (Path(place).parents for place in reversed(known(run)[1].run_dirs))
    return list(dict.fromkeys(above[1] for above in places if len(above) > 1))
