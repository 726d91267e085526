"""What a run was made for: for itself, or as a part of a search, a cross-validation and so on; and which run is meant by "last"."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

from labcore.errors import LabError
from labcore.jobs.glances import known
from labcore.jobs.status import JobRequest
from labcore.runs import Run

SEARCH, EXPERIMENT, ENSEMBLE, HIDDEN, CURVE = "search", "experiment", "ensemble", "hidden", "curve"
"""The JSON files in a run's directory that tell it: of a trial, of a fold of a cross-validation, of an ensemble, of a run without one of
the classes, of a learning curve."""


def parts(runs: Sequence[Run]) -> dict[str, str]:
    """Those of some runs that are a part of something, by id, with what that is in words: ``trial 3``, ``fold 2``.

    What a search trained at its end with the best settings stands by itself, and so does an ensemble. A member of an ensemble is a part
    as long as the ensemble is among the runs.
    """
    found: dict[str, str] = {}
    for run in runs:
        asked = remembered(run)
        if asked.part:
            found[run.id] = asked.part
        for member in asked.members:
            found.setdefault(member, "ensemble member")
    there = {run.id for run in runs}
    return {run_id: what for run_id, what in found.items() if run_id in there}


def remembered(run: Run) -> JobRequest:
    """What a run asks for, without opening a file of one that was seen before; empty where it cannot be read."""
    with contextlib.suppress(LabError, OSError):
        return known(run)[0]
    return JobRequest()


def belonging(run: Run) -> tuple[str, str]:
    """The id of the search, cross-validation, hidden-class test or learning curve that a run is a part of, and which part in words;
    twice "" where it is none."""
    search, experiment, hidden, curve = (run.load(mark, {}) for mark in (SEARCH, EXPERIMENT, HIDDEN, CURVE))
    if search and not search.get("final"):
        return str(search.get("search", "")), f"trial {search.get('trial', '?')}"
    if experiment:
        random = "random " if experiment.get("split") == "random" else ""
        return str(experiment.get("experiment", "")), f"{random}fold {experiment.get('fold', '?')}"
    if hidden:
        return str(hidden.get("hidden", "")), f"without {hidden.get('class', '?')}"
    if curve:
        sample, size = curve.get("sample", "?"), curve.get("recordings", "?")
        return str(curve.get("curve", "")), f"size {size}, sample {sample}"
    return "", ""


def usual(
    runs: Sequence[Run], accuracy: Callable[[Run], float | None], belonging: Mapping[str, str] | None = None
) -> Run | None:
    """Which of some trained runs is meant where none is named: the newest that stands by itself, else the most accurate.

    Args:
        runs: newest first.
        accuracy: of a run; asked for only where all of them are parts of something.
        belonging: those that are, as :func:`parts` tells them, where that is known.
    """
    belonging = parts(runs) if belonging is None else belonging
    own = next((run for run in runs if run.id not in belonging), None)
    if own is not None or not runs:
        return own
    figures = [(run, accuracy(run)) for run in runs]
    return max(figures, key=lambda item: -1.0 if item[1] is None else item[1])[0]


def ensemble_members(run: Run) -> list[str]:
    """The ids of the runs that an ensemble was made of; none for another run."""
    listed = run.load(ENSEMBLE, {}).get("members")
    named = [each.get("run") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return [name for name in named if isinstance(name, str)]
