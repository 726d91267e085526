"""Folders of classes, also under folders of parts, and with lists of the files of each part as Speech Commands has them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from labcore.datasets.assemble import DatasetDraft, assembled, join_equal_files, source_of, without_single_fold
from labcore.datasets.labels import like_none, speakers
from labcore.datasets.lookup import for_lists
from labcore.datasets.parts import FOLD_NAMES, PartLists, is_aside, part_named, parts_among
from labcore.datasets.scan import NOT_CLASSES, Found, find_audio, holds_audio, is_audio, is_folder, listed
from labcore.datasets.several import taken_apart
from labcore.datasets.table import Dataset, Finding, natural_order, some
from labcore.errors import DatasetError
from labcore.texts import counted, shown

LIST_REMEDY = (
    "Put the clips of each class into a folder of the class's name, or write a CSV file with the columns path and label"
)


def read_folders(root: Path, name: str, findings: Sequence[Finding] = (), lists_in: Path | None = None) -> Dataset:
    """Class folders: ``<class>/…``, ``train|val|test/<class>/…`` or ``fold1/<class>/…``, also ``audio_train/<class>/…`` and the like.

    A clip is a recording of its own, unless its name tells the recording or the speaker; files of equal contents belong together.

    Args:
        findings: what else is to tell of the folder.
        lists_in: where the lists of parts lie, if it is another folder.
    """
    found = find_audio(root)
    lists = PartLists.beside(lists_in or root, found)
    reading = DatasetDraft(name, root, "speech_commands" if lists.speech_commands else "folders")
    reading.problems, reading.passed_over = found.problems, found.passed_over
    reading.findings = [finding for finding in findings if not set(finding.files) & set(lists.paths)]
    reading.findings += lists.findings
    reading.official = lists.speech_commands
    _read(reading, found, lists)
    reading.rows = without_single_fold(reading.rows)
    if not reading.official:
        taken_apart(reading, ",;", "They stand in the order of the folder's name")
    if not lists:
        reading.rows = join_equal_files(reading.rows)
    reading.findings += like_none(row[1] for row in reading.rows)
    reading.findings += speakers([(row[1], row[0].rpartition(os.sep)[2]) for row in reading.rows])
    reading.findings += _noises(root)
    return assembled(reading)


def _parts(root: Path, found: Found) -> dict[str, str]:
    """Top folder → fold, where the folders at the top are parts; empty where they are classes. Parts without classes are an error."""
    depth: Counter[str] = Counter()
    for parts in found.files:
        if len(parts) > 1:
            depth[parts[0]] = max(depth[parts[0]], len(parts) - 1)
    folds = parts_among(depth)
    others = [top for top in depth if top not in folds]
    several = len(set(folds.values())) > 1
    classes = {parts[1] for parts in found.files if len(parts) > 2 and parts[0] in folds}
    if folds and classes and (several or all(is_aside(top) or top in classes for top in others)):
        return folds
    if several or (folds and not others):
        raise DatasetError(
            f"the folders {some(sorted(folds))} of {root} contain audio, but no class folders", LIST_REMEDY
        )
    return {}


def _read(reading: DatasetDraft, found: Found, lists: PartLists) -> None:
    """Each file below a folder of a class as a clip; what lies outside of them is told."""
    folds, root = _parts(reading.root, found), str(reading.root)
    inner = {} if folds or lists else _inner_parts(found)
    outside = []
    for parts in found.files:
        below = parts if not folds else parts[1:] if parts[0] in folds else ()
        if len(below) < 2:
            outside.append(parts)
            continue
        path = os.path.join(root, *parts)  # noqa: PTH118 (called for every file)
        fold = folds[parts[0]] if folds else inner[parts[1]] if inner and len(parts) > 2 else lists.fold_of(parts)
        if fold is not None:
            reading.rows.append((path, below[0], fold, source_of(parts[-1]) or path, 0.0, math.nan))
    reading.findings += _left_aside(reading.root, outside, folds)
    reading.findings += _without_sounds(reading, folds)
    if not (folds or inner or lists):
        reading.findings += _of_two_levels(found)
    if not folds:
        reading.findings += _named_like_parts({row[1] for row in reading.rows})


def _left_aside(root: Path, outside: list[tuple[str, ...]], folds: dict[str, str]) -> Iterator[Finding]:
    """What lies beside the folders of classes; beside those of parts, folder by folder."""
    if not outside:
        return
    of = where = in_part = ""
    if folds:
        by_folder = Counter("/".join(parts[:-1]) or "." for parts in outside)
        where = f", by folder: {some(f'{folder} ({count})' for folder, count in by_folder.items())}"
        of, in_part = f" of {some(natural_order(list(folds)))}", " in one of the parts"
    yield Finding(
        "outside",
        f"{'1 file lies' if len(outside) == 1 else f'{len(outside)} files lie'} outside the class folders{of} (skipped){where}",
        tuple(str(root.joinpath(*parts)) for parts in outside),
        f"Move them into the folder of their class{in_part}, if they belong to the data set",
    )


def _without_sounds(reading: DatasetDraft, folds: dict[str, str]) -> Iterator[Finding]:
    """Folders where those of classes lie that hold nothing to read; those whose files are problems are told by these."""
    root = str(reading.root)
    places = [os.path.join(root, top) for top in folds] or [root]  # noqa: PTH118
    held = [entry for place in places for entry in listed(Path(place)) if is_folder(entry)]
    told = {os.path.dirname(problem.path) for problem in reading.problems}  # noqa: PTH120
    known = {row[1] for row in reading.rows} | {*NOT_CLASSES, *folds}
    empty = [
        entry
        for entry in held
        if entry.name not in known
        and not (is_aside(entry.name) or for_lists(Path(entry.name)))
        and not any(f"{place}{os.sep}".startswith(f"{entry.path}{os.sep}") for place in told)
        and not holds_audio(Path(entry.path))
    ]
    if names := natural_order({entry.name for entry in empty}):
        where, which = ("folders", "are no classes") if len(names) > 1 else ("folder", "is no class")
        what = f"no sounds are in the {where} {some(map(shown, names))}, which {which}"
        yield Finding("no sounds", what, tuple(entry.path for entry in empty), level="note")


def _of_two_levels(found: Found) -> Iterator[Finding]:
    """Folders that all hold folders of the same names: which of both are the classes, nothing says. Parts and numbers tell nothing."""
    below: dict[str, set[str]] = {parts[0]: set() for parts in found.files if len(parts) > 1}
    for top, inner in {parts[:2] for parts in found.files if len(parts) > 2}:
        if not (is_aside(inner) or inner.isdecimal()):
            below[top].add(inner)
    same = set.intersection(*below.values()) if len(below) > 1 else set()
    if len(same) > 1:
        yield Finding(
            "two levels",
            f"the folders {some(map(shown, natural_order(list(below))))} are read as the classes, and all of them hold folders of the same "
            f"names ({some(map(shown, natural_order(same)))}), which count for nothing",
            remedy="If these are the classes, or sources that must not be on both sides of a split, write a CSV file with the columns "
            "path, label and group",
        )


def _noises(root: Path) -> Iterator[Finding]:
    """The folders of noises, which are no class."""
    for name in NOT_CLASSES:
        files = [entry.path for entry in listed(root / name) if is_audio(entry.name)]
        if files:
            what = (
                f"{counted(len(files), 'file')} in {name} {'is' if len(files) == 1 else 'are'} long noise and no class"
            )
            remedy = f"One of them can be mixed into training clips: --noise 0.5 --augment.noise_file {files[0]}"
            yield Finding("noises", what, tuple(files), remedy, "note")


def _inner_parts(found: Found) -> dict[str, str]:
    """Folder below a class → fold, where all classes hold folders of parts (``dog/train/…``) and nothing else."""
    inner = {parts[1] if len(parts) > 2 else "" for parts in found.files if len(parts) > 1}
    folds = parts_among(inner)
    return folds if len(set(folds.values())) > 1 and set(folds) == inner else {}


def _named_like_parts(labels: set[str]) -> Iterator[Finding]:
    """Classes that are called as parts are: a train is one, a part of a data set is none."""
    strange = sorted(
        label for label in labels if label.casefold() in FOLD_NAMES or ((n := part_named(label)) and n.plain)
    )
    if strange:
        yield Finding(
            "class like a part",
            f"the folder {some(strange)} is read as a class, since it is next to {some(sorted(labels - set(strange))) or 'no other'}",
            remedy="If it is a part of the data set, have nothing but parts (train, val, test) at the top, and the folders of the classes "
            "below each of them",
        )
