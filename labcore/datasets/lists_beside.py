"""The lists that lie in the folder of a data set: which one says what the clips are, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from labcore.datasets.cliplist import ClipList, read_list
from labcore.datasets.lookup import for_lists
from labcore.datasets.parts import part_named
from labcore.datasets.scan import holds_audio, is_file, listed, subfolders
from labcore.datasets.table import Finding
from labcore.errors import DatasetError

TAKEN_SUFFIXES = (".csv", ".tsv")
SHEETS = (".xlsx", ".xls", ".ods", ".parquet", ".jsonl")
"""Lists in a form that is not read."""


@dataclass
class ListsBeside:
    """Attributes:
    root: the folder that was looked through.
    taken: the lists that say what the clips are, each with the part that its name tells ("" where it stands alone).
    findings: a note on each list that was not taken, with the reason.
    """

    root: Path
    taken: list[tuple[ClipList, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def lists_beside(folder: Path) -> ListsBeside:
    """The lists in a folder, and in folders for lists in it.

    Raises:
        DatasetError: several lists name clips that are there, and their names are not those of parts; or one that names them
            cannot be understood.
    """
    beside = ListsBeside(folder)
    usable: list[ClipList] = []
    for path in _paths(folder):
        clips, reason, broken = _looked_at(path)
        if clips is not None and not reason:
            usable.append(clips)
            continue
        what = f"the list {path.name} was not used: {reason}"
        level = "warning" if broken else "note"
        beside.findings.append(Finding("list not taken", what, (str(path),), level=level))
    if len(usable) == 1:
        beside.taken = [(usable[0], "")]
    elif usable:
        beside.taken = _by_part(folder, usable)
    return beside


def _looked_at(path: Path) -> tuple[ClipList | None, str, bool]:
    """A list, why it is not taken ("" where it is), and whether that is a fault of the file itself."""
    if path.suffix.lower() in SHEETS:
        return None, "it is not a CSV file; save it as one", False
    if "submission" in path.name.casefold():
        return None, "it is a template for predictions", False
    try:
        clips = read_list(path)
    except DatasetError as error:
        return None, error.what, "quote" in error.what
    if clips.lacks:
        return clips, f"it {clips.lacks}", False
    if clips.holds_files(clips.taken.path):  # else it may be one of sources or licences beside the data
        return clips, "", False
    return clips, "none of its files exists, or several match each", False


def _paths(folder: Path) -> list[Path]:
    below = (folder / child for child in subfolders(folder))
    places = [folder, *(each for each in below if for_lists(each) and not holds_audio(each))]
    found = [place / entry.name for place in places for entry in listed(place)]
    return [path for path in found if path.suffix.lower() in TAKEN_SUFFIXES + SHEETS and is_file(path)]


def _by_part(folder: Path, usable: list[ClipList]) -> list[tuple[ClipList, str]]:
    """Lists named train, test and the like are parts of one data set."""
    parts = [named.part if (named := part_named(clips.path.stem)) else "" for clips in usable]
    if all(parts) and len(set(parts)) == len(parts):
        return list(zip(usable, parts, strict=True))
    raise DatasetError(
        f"{folder} holds {len(usable)} lists of clips: {', '.join(clips.path.name for clips in usable)}",
        "Give the one to use",
    )
