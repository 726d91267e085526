"""The files of a run, as whoever looks into its folder sees them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from labcore.errors import RunError
from labcore.reading import DamagedError, open_file
from labcore.runs import Run
from labcore.texts import shown

PURPOSES = {
    "about.json": "name, tags and note",
    "asked.json": "settings that were left automatic",
    "checkpoints/last.pt": "to resume from",
    "clips.json.gz": "clips and split",
    "config.json": "settings",
    "environment.json": "versions and machine",
    "events.jsonl": "what happened, an event a line",
    "front_end.json": "why the automatic front end is as it is",
    "labels.json": "classes, in the order of the network's outputs",
    "pretrained.json": "what its pretrained weights had learnt of the held-out clips",
    "predictions.parquet": "what it says of each held-out clip",
    "weights.safetensors": "the trained classifier",
    "worker.log": "what its process printed",
}
PASSING = (".lock", ".tmp")
RECORDS = (".json", ".json.gz")
DEEPEST = 3
MOST = 500


@dataclass(frozen=True)
class RunFile:
    """A file of a run: its name from the run's folder on, bytes, and what it is for; "" where that is not known."""

    name: str
    size: int
    purpose: str = ""


def files_of(run: Run) -> list[RunFile]:
    """The files in a run's folder by name. Locks, hidden files and links are left out, and what has no name that can be shown."""
    found: list[RunFile] = []
    _collect(run.path, "", found)
    return sorted(found, key=lambda file: (file.name.count("/"), file.name))[:MOST]


def content_of(run: Run, name: str) -> bytes:
    """The content of one of its files.

    Raises:
        RunError: it is none of them, or cannot be read.
    """
    if not any(file.name == name for file in files_of(run)):
        raise RunError(f"run {run.id} has no file {shown(name)}")
    try:
        with open_file(run.path / name) as file:
            return file.read()
    except (OSError, DamagedError) as error:
        raise RunError(f"{shown(name)} of run {run.id} cannot be read: {error}") from error


def records_of(run: Run) -> dict[str, bytes]:
    """What a run has written down of itself, by the names of the files: its settings, labels, split, clips, what it is a part of.

    Raises:
        RunError: a file cannot be read.
    """
    try:
        return {file.name: file.read_bytes() for file in run.path.iterdir() if file.name.endswith(RECORDS)}
    except OSError as error:
        raise RunError(f"what run {run.id} has written down cannot be read: {error.strerror or error}") from error


def _collect(folder: Path, above: str, found: list[RunFile]) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = f"{above}{entry.name}"
            if (
                entry.name.startswith(".")
                or entry.name in ("lock", "stop")
                or name.endswith(PASSING)
                or shown(name) != name
            ):
                continue
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    found.append(RunFile(name, size, PURPOSES.get(name, "")))
                elif entry.is_dir(follow_symlinks=False) and name.count("/") < DEEPEST:
                    _collect(Path(entry.path), f"{name}/", found)
