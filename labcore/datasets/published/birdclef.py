"""BirdCLEF and its like: a folder of recordings for each species, and a list that says who recorded them."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath

from labcore.datasets.assemble import DatasetDraft, assembled, join_equal_files
from labcore.datasets.cliplist import ClipList, left_out, read_list, value_of
from labcore.datasets.columns import column_for
from labcore.datasets.parts import tidy_fold
from labcore.datasets.published.glimpse import Glimpse, Layout, Reader, columns_in, head_of
from labcore.datasets.published.located import Located
from labcore.datasets.scan import is_dir, is_file
from labcore.datasets.table import MISSING, Dataset, Finding
from labcore.texts import counted

LISTS = ("train_metadata.csv", "train.csv", "metadata.csv")
AUDIO = ("train_audio", "train_short_audio")
LABELS = ("primary_label", "ebird_code")
WHO = ("author", "recordist")


def recognise(glimpse: Glimpse) -> Reader | None:
    """The reader, where a list gives the species and the author of each file of the folder of recordings."""
    folder = next((name for name in AUDIO if is_dir(glimpse.folder / name)), "")
    for name in LISTS if folder else ():
        path = glimpse.folder / name
        if is_file(path) and _owns(path):
            return lambda called, path=path: _read(glimpse.folder, folder, read_list(path), called)  # type: ignore[misc]
    return None


def _owns(path: Path) -> bool:
    columns = columns_in(head_of(path)) if path.name in LISTS else []
    return any("filename" in line and line.intersection(LABELS) for line in columns)


def _read(root: Path, folder: str, clips: ClipList, name: str) -> Dataset:
    reading = DatasetDraft(name, root, "birdclef", group="author")
    columns = clips.lowered_header
    of_label = next(column for column in LABELS if column in columns)
    of_author = next((column for column in WHO if column in columns), "")
    of_fold, others = column_for("fold", sorted(columns)), 0
    there = Located(root / folder)
    for row, line in zip(clips.lowered, clips.lines, strict=True):
        cell, label = value_of(row, "filename").replace("\\", "/"), value_of(row, of_label)
        if not cell or not label:
            reading.problems.append(
                left_out(clips.path, line, cell, f"has no {'file name' if not cell else 'species'}")
            )
            continue
        path = there.find(cell) or there.find(f"{label}/{PurePosixPath(cell).name}")
        if path is None:
            reading.problems.append(left_out(clips.path, line, f"{folder}/{cell}", MISSING))
            continue
        others += value_of(row, "secondary_labels") not in ("", "[]", "['']")
        author = value_of(row, of_author)
        reading.rows.append(
            (path, label, tidy_fold(value_of(row, of_fold)), f"author {author}" if author else path, 0.0, math.nan)
        )
    reading.rows = join_equal_files(reading.rows)
    reading.findings += _told(there, clips, reading, others, of_author)
    return assembled(reading)


def _told(there: Located, clips: ClipList, reading: DatasetDraft, others: int, of_author: str) -> list[Finding]:
    found = []
    if others:
        what = (
            f"secondary labels of {counted(others, 'clip')}, other species heard in the background, are not used; a clip counts as its "
            "primary label alone"
        )
        found.append(Finding("secondary labels", what, level="note"))
    if not of_author:
        what = f"{clips.path.name} does not tell who recorded a file, so that each file is a source of its own"
        found.append(Finding("no author", what, level="note"))
    named = {row[0] for row in reading.rows}
    left = [path for path in there.files if path not in named]
    if left:
        what = f"{counted(len(left), 'audio file')} in {there.folder.name} skipped: not listed in {clips.path.name}"
        found.append(Finding("unlisted", what, tuple(left)))
    return found


LAYOUT = Layout("birdclef", "BirdCLEF", "train_audio/abethr1/XC128013.ogg, train_metadata.csv", recognise, _owns, AUDIO)
