"""Folders of classes, also under folders of parts, and with lists of the files of each part as Speech Commands has them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from labcore.datasets.assemble import DatasetDraft, assembled, join_equal_files, source_of, without_single_fold
from labcore.datasets.by_time import Row
from labcore.datasets.class_folders import INNER, OUTER, ClassFolders
from labcore.datasets.labels import like_none, places, speakers
from labcore.datasets.lookup import for_lists
from labcore.datasets.parts import FOLD_NAMES, PartLists, is_aside, part_named, parts_among
from labcore.datasets.scan import NOT_CLASSES, Found, find_audio, holds_audio, is_audio, is_folder, listed
from labcore.datasets.several import taken_apart
from labcore.datasets.table import Dataset, Finding, natural_order, some
from labcore.errors import DatasetError
from labcore.texts import counted, shown

TWO_LEVELS, INNER_FOLDERS = "two levels", "inner folders"
"""Kinds of findings: outer folders are the classes, and may be sources of theirs; inner folders are, and outer ones their groups."""
LIST_REMEDY = (
    "Put the clips of each class into a folder of the class's name, or write a CSV file with the columns path and label"
)


def read_folders(
    root: Path,
    name: str,
    findings: Sequence[Finding] = (),
    lists_in: Path | None = None,
    class_folders: ClassFolders = OUTER,
) -> Dataset:
    """Class folders: ``<class>/…``, ``train|val|test/<class>/…`` or ``fold1/<class>/…``, also ``audio_train/<class>/…`` and the like.

    A clip is a recording of its own, unless its name tells the recording or the speaker; files of equal contents belong together. Of
    ``<source>/<class>/…``, where the inner folders are the classes, the sources are the groups, as a column of a list would have them.

    Args:
        findings: what else is to tell of the folder.
        lists_in: where the lists of parts lie, if it is another folder.
        class_folders: which of two levels of folders are the classes.
    """
    found = find_audio(root)
    lists = PartLists.beside(lists_in or root, found)
    reading = DatasetDraft(name, root, "speech_commands" if lists.speech_commands else "folders")
    reading.problems, reading.passed_over = found.problems, found.passed_over
    reading.findings = [finding for finding in findings if not set(finding.files) & set(lists.paths)]
    reading.findings += lists.findings
    reading.official = lists.speech_commands
    inner = class_folders == INNER
    _read(reading, found, lists, inner)
    reading.rows = without_single_fold(reading.rows)
    if not reading.official:
        taken_apart(reading, ",;", "They stand in the order of the folder's name")
    if not (lists or inner):
        reading.rows = join_equal_files(reading.rows)
    reading.findings += like_none(row[1] for row in reading.rows)
    if not inner:
        reading.findings += places(row[1] for row in reading.rows)
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


def _read(reading: DatasetDraft, found: Found, lists: PartLists, inner: bool) -> None:
    """Each file below a folder of a class as a clip; what lies outside of them is told."""
    folds, root = _parts(reading.root, found), str(reading.root)
    parts_below = {} if folds or lists or inner else _inner_parts(found)
    outside = []
    for parts in found.files:
        below = parts if not folds else parts[1:] if parts[0] in folds else ()
        source, below = (below[0] if below else "", below[1:]) if inner else ("", below)
        if len(below) < 2:
            outside.append(parts)
            continue
        path = os.path.join(root, *parts)  # noqa: PTH118 (called for every file)
        fold = folds[parts[0]] if folds else parts_below[parts[1]] if parts_below else lists.fold_of(parts)
        if fold is not None:
            reading.rows.append((path, below[0], fold, source or source_of(parts[-1]) or path, 0.0, math.nan))
    sources = list(dict.fromkeys(parts[0] for parts in found.files if len(parts) > 1)) if inner else []
    reading.findings += _left_aside(reading.root, outside, list(folds) or sources, "parts" if folds else "sources")
    reading.findings += _without_sounds(reading, list(folds) or sources)
    if inner and reading.rows:
        reading.group = "outer folder"
        reading.findings.append(_by_source(reading.rows))
    elif not (folds or parts_below or lists):
        reading.findings += _of_two_levels(found)
    if not folds:
        reading.findings += _named_like_parts({row[1] for row in reading.rows})


def _left_aside(root: Path, outside: list[tuple[str, ...]], tops: list[str], what: str) -> Iterator[Finding]:
    """What lies beside the folders of classes; where these lie in others, ``what`` in a word, folder by folder."""
    if not outside:
        return
    of = where = in_one = ""
    if tops:
        by_folder = Counter("/".join(parts[:-1]) or "." for parts in outside)
        where = f", by folder: {some(f'{folder} ({count})' for folder, count in by_folder.items())}"
        of, in_one = f" of {some(natural_order(tops))}", f" in one of the {what}"
    yield Finding(
        "outside",
        f"{'1 file lies' if len(outside) == 1 else f'{len(outside)} files lie'} outside the class folders{of} (skipped){where}",
        tuple(str(root.joinpath(*parts)) for parts in outside),
        f"Move them into the folder of their class{in_one}, if they belong to the data set",
    )


def _without_sounds(reading: DatasetDraft, tops: list[str]) -> Iterator[Finding]:
    """Folders where those of classes lie that hold nothing to read; those whose files are problems are told by these."""
    root = str(reading.root)
    places = [os.path.join(root, top) for top in tops] or [root]  # noqa: PTH118
    held = [entry for place in places for entry in listed(Path(place)) if is_folder(entry)]
    told = {os.path.dirname(problem.path) for problem in reading.problems}  # noqa: PTH120
    known = {row[1] for row in reading.rows} | {*NOT_CLASSES, *tops}
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
    many = Counter(inner for held in below.values() for inner in held)
    same = {inner for inner, count in many.items() if count > 1}
    if len(same) > 1 and all(held & same for held in below.values()):
        yield Finding(
            TWO_LEVELS,
            f"the folders {some(map(shown, natural_order(list(below))))} are read as the classes, and all of them hold folders of the same "
            f"names ({some(map(shown, natural_order(same)))}), which count for nothing",
            remedy="If the inner ones are the classes, and the outer ones sources such as sites, recorders or speakers, each of which then "
            "stays on one side of a split: `labcore datasets import PATH --class-folders inner`. For anything else write a CSV file with "
            "the columns path, label and group",
        )


def _by_source(rows: Sequence[Row]) -> Finding:
    """What is told where the inner folders are the classes."""
    labels, sources = (natural_order({shown(row[column]) for row in rows}) for column in (1, 3))
    groups = f"the outer ones ({some(sources)}) the groups: each on one side of a split"
    what = f"the inner folders ({some(labels)}) are the classes, and {groups}"
    remedy = "`labcore datasets import PATH --class-folders outer` has the outer ones be the classes"
    return Finding(INNER_FOLDERS, what, remedy=remedy, level="note")


def require_inner(dataset: Dataset, title: str) -> None:
    """Refuse a data set whose classes are no inner folders.

    Args:
        title: what people call its layout.

    Raises:
        DatasetError: it is one.
    """
    if any(finding.kind == INNER_FOLDERS for finding in dataset.findings):
        return
    why = "these hold no folders with sounds" if dataset.layout == "folders" else f"they are read as {title}"
    raise DatasetError(
        f"the classes in {dataset.root} cannot be the inner folders of two or more outer ones: {why}",
        "Put the sounds of each class into a folder of its name in that of their source, or have the outer folders be the classes: "
        "`labcore datasets import PATH --class-folders outer`",
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
