"""About how long a run, or several, will take: a line before they start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labcore.cli.output import duration
from labcore.config import RunConfig
from labcore.device import cpu_name
from labcore.errors import RunError
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.runs.times import RunTime
    from labcore.training.run_time import Planned


def expected(
    workspace: Workspace, config: RunConfig, runs: int = 1, *, most: bool = False, all_folds: bool = False
) -> str:
    """A sentence without the final stop on what so many runs like this take, one after the other.

    Args:
        most: they can take less.
        all_folds: they are of a cross-validation.

    Raises:
        DatasetError: there is no data set, or none that can be split so.
    """
    from labcore.training.run_time import planned

    return expected_of(workspace, config, [planned(workspace, config, all_folds=all_folds)] * runs, most=most)


def expected_of(workspace: Workspace, config: RunConfig, plans: Sequence[Planned], *, most: bool = False) -> str:
    """The same of runs that differ in their clips."""
    from labcore.training.run_time import known_speeds, time_of

    try:
        known = known_speeds(workspace)
    except RunError:
        known = []
    device = cpu_name() if config.runtime.device == "cpu" else None
    times = [time_of(config, each, known, device) for each in plans]
    there = [each for each in times if each is not None]
    if not there or len(there) < len(times):
        return (
            "how long it takes is unknown until this network has trained here for more than an epoch; "
            "`labcore train --estimate` measures it"
        )
    total = sum(each.seconds for each in there)
    runs = f" for {counted(len(plans), 'run')}, one after the other" if len(plans) > 1 else ""
    return f"takes {'at most ' if most else ''}about {duration(total)}{runs}, {_source(there)}"


def _source(times: Sequence[RunTime]) -> str:
    """Where the times of some runs are from."""
    if times[0].source == "steps":
        return "by a few steps of the default network here; `labcore train --estimate` measures this one"
    if times[0].source == "usual":
        return "as usual for a processor like this; `labcore train --estimate` measures it"
    if not times[0].busy:
        return "by earlier runs here"
    idle = sum(each.seconds if each.idle is None else each.idle for each in times)
    known = any(each.idle is not None for each in times)
    less = f"about {duration(idle)}, as usual for a processor like this" if known else "less"
    return f"by earlier runs here, which had other work beside them: on an idle machine {less}"
