"""What a command line names: sound files and folders of them, trained runs and weights."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labcore import builtin
from labcore.cli.output import say
from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.jobs.glances import glance
from labcore.remembered import forget_timings
from labcore.runs import Run, list_runs
from labcore.runs.origin import usual
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.batch.inputs import Inputs


def sound_files(names: Iterable[str]) -> Inputs:
    """:func:`labcore.batch.inputs.find_sounds`, with its progress in the terminal."""
    from labcore.batch.inputs import find_sounds
    from labcore.cli.progress import bars, scanning

    try:
        return find_sounds(names, scanning("reading"))
    finally:
        bars.clear()


def time_again(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Forget what was timed, where ``--time-again`` asks for it."""
    if arguments.time_again:
        say(f"{counted(forget_timings(workspace), 'timing')} forgotten; precisions and routes are measured again")


def weights_of(name: str) -> Path:
    """The folder of a run by its name, or a file of weights by its path; ``builtin`` is the network that travels with the lab.

    Raises:
        RunError: there is none.
    """
    if name == builtin.NAME:
        return builtin.require_weights().path
    path = Path(name)
    if os.path.isfile(path) or os.path.isfile(path / "weights.safetensors"):  # noqa: PTH113 (never raises)
        return path
    return trained_run(name).path


def weights_named(workspace: Workspace, name: str) -> str:
    """The same as :func:`weights_of`, as jobs name it: by the id of a run of this workspace, else by its whole path."""
    path = weights_of(name)
    return path.name if path.parent == workspace.runs and path.is_dir() else str(path.absolute())


def dataset_named(workspace: Workspace, name: str | None) -> str | None:
    """A data set as jobs name it: by its name in this workspace, else by its whole path."""
    if name is None:
        return None
    from labcore.datasets.registry import with_whole_paths

    return with_whole_paths(workspace, RunConfig().replace({"data.dataset": name})).data.dataset


def trained_run(name: str) -> Run:
    """A run by its name; of ``last`` those count that have weights, so that a running one is not in the way.

    It is the newest that somebody started. Where there are only trials, folds and members of ensembles, it is the best of them.

    Raises:
        RunError: there is none.
    """
    if name != "last":
        return Run.open(Workspace.default(), name)
    found = last_trained()
    if found is None:
        raise RunError(
            f"no run has weights yet in {Workspace.default().home}",
            f"Train one with `labcore train`, name a file of weights, or take the built-in demo network: `{builtin.NAME}`",
        )
    return found


def last_trained() -> Run | None:
    """The run that ``last`` means where weights are wanted; None where no run has any."""
    trained = [run for run in list_runs(Workspace.default()) if run.weights.is_file()]
    return usual(trained, lambda run: glance(run).accuracy)
