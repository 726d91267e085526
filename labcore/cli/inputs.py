"""What a command line names: sound files and folders of them, trained runs and weights."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore import builtin
from labcore.config import RunConfig
from labcore.errors import AudioError, DatasetError, LabError, RunError
from labcore.jobs.glances import glance
from labcore.runs import Run, list_runs
from labcore.runs.origin import usual
from labcore.typed import typed_path
from labcore.workspace import Workspace


@dataclass
class Inputs:
    """What a command line names.

    Attributes:
        files: to be read, in order. Whether they can be read is found out by decoding them.
        unread: path → why what lies there cannot be read: links to nowhere, folders that cannot be listed or hold no sound.
    """

    files: list[Path] = field(default_factory=list)
    unread: dict[Path, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files) + len(self.unread)

    def errors(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What is unread, as :func:`labcore.batch.predicting.predict_files` reports a file that cannot be read."""
        return ((path, {"file": str(path), "error": reason}) for path, reason in self.unread.items())


def sound_files(names: Iterable[str]) -> Inputs:
    """The files named, whatever they are called, and the sound files in and below the folders named; each once.

    Raises:
        AudioError: there is not one.
    """
    inputs = Inputs()
    refused: list[LabError] = []
    for name in names:
        path = typed_path(name)
        if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where a folder above may not be entered)
            inputs.files.append(path)
            continue
        try:
            _add_folder(path, inputs)
        except (AudioError, DatasetError) as error:
            inputs.unread[path] = str(error)
            refused.append(error)
    inputs.files = list(dict.fromkeys(inputs.files))
    if refused and len(inputs) <= len(refused):
        raise refused[0]
    return inputs


def _add_folder(folder: Path, inputs: Inputs) -> None:
    from labcore.cli.progress import bars, scanning
    from labcore.datasets.scan import find_audio
    from labcore.datasets.walk import looking

    with looking(scanning("reading")):
        found = find_audio(folder, foreign=True, noises=True)
    bars.clear()
    if not (found.files or found.problems):
        raise AudioError(f"there are no sound files in {folder}", "Name the files themselves, or another folder")
    inputs.files += [folder.joinpath(*parts) for parts in found.files]
    inputs.unread |= {Path(problem.path): f"{problem.path} {problem.what}." for problem in found.problems}


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
            "no run has weights yet",
            f"Train one with `labcore train`, name a file of weights, or take the built-in demo network: `{builtin.NAME}`",
        )
    return found


def last_trained() -> Run | None:
    """The run that ``last`` means where weights are wanted; None where no run has any."""
    trained = [run for run in list_runs(Workspace.default()) if run.weights.is_file()]
    return usual(trained, lambda run: glance(run).accuracy)
