"""Sound files and folders of them, as people name them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore.datasets.scan import find_audio
from labcore.datasets.walk import looking
from labcore.errors import AudioError, DatasetError, LabError
from labcore.jobs.following import OnProgress
from labcore.typed import typed_path


@dataclass
class Inputs:
    """What somebody names.

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


def named_path(name: str | Path) -> Path:
    """Where the name of a file or folder leads, see :func:`labcore.typed.typed_path`.

    Raises:
        AudioError: it is empty, as of a variable that is not set: it would be the current folder.
    """
    if not str(name).strip():
        raise AudioError("the name of a sound file is empty", "Name a file or a folder; `.` is the current folder")
    return typed_path(name)


def find_sounds(names: Iterable[str], progress: OnProgress | None = None) -> Inputs:
    """The files named, whatever they are called, and the sound files in and below the folders named; each once.

    Raises:
        AudioError: there is not one, or a name is empty.
    """
    inputs = Inputs()
    refused: list[LabError] = []
    for name in names:
        path = named_path(name)
        if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where a folder above may not be entered)
            inputs.files.append(path)
            continue
        try:
            _add_folder(path, inputs, progress)
        except (AudioError, DatasetError) as error:
            inputs.unread[path] = str(error)
            refused.append(error)
    inputs.files = list(dict.fromkeys(inputs.files))
    if refused and len(inputs) <= len(refused):
        raise refused[0]
    return inputs


def _add_folder(folder: Path, inputs: Inputs, progress: OnProgress | None) -> None:
    with looking(progress):
        found = find_audio(folder, foreign=True, noises=True)
    if not (found.files or found.problems):
        raise AudioError(f"there are no sound files in {folder}", "Name the files themselves, or another folder")
    inputs.files += [folder.joinpath(*parts) for parts in found.files]
    inputs.unread |= {Path(problem.path): f"{problem.path} {problem.what}." for problem in found.problems}
