"""What accuracy costs: time, size and energy of all runs of a workspace that have ended with a result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labcore.comparison.candidates import of_run
from labcore.errors import RunError
from labcore.jobs.glances import glances
from labcore.runs import Run
from labcore.workspace import Workspace

MOST_RUNS = 300
"""So many of the newest runs are looked at."""


@dataclass(frozen=True)
class RunCost:
    """A finished run: its accuracy, seconds of training, bytes of its weights, joules of its GPU (None where nobody counted them)."""

    id: str
    fold: str
    accuracy: float
    seconds: float
    bytes: int
    joules: float | None


def costs(workspace: Workspace, place: Path, excluded: tuple[str, ...] = ()) -> list[RunCost]:
    """All finished runs of a data set, newest first, that leave out the same classes: of fewer classes more is right. What cannot be
    read is left out.

    Args:
        place: where the data set lies, as :attr:`labcore.comparison.candidates.Candidate.place`.
        excluded: the classes that they leave out.
    """
    found = []
    for run, status in glances(workspace, Run)[:MOST_RUNS]:
        if status.state != "finished":
            continue
        try:
            each = of_run(workspace, run, with_predictions=False)
        except RunError:
            continue
        alike = each.place == place and each.config.data.exclude_classes == excluded
        if alike and each.accuracy is not None:
            found.append(RunCost(each.id, ", ".join(each.folds), each.accuracy, each.seconds, each.bytes, each.joules))
    return found
