"""One reader a layout: from files and lists to a clip table."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from labcore.datasets.cliplist import FOLD_NAMES, ClipList, find_file, left_out, read_span, tidy_fold
from labcore.datasets.contents import equal_files
from labcore.datasets.folds import assign_folds, join_groups
from labcore.datasets.scan import find_audio
from labcore.datasets.table import Dataset, Problem, fold_order, folder_of, make_table, way_from
from labcore.errors import DatasetError
from labcore.texts import counted, shown

URBANSOUND_LABELS = (
    "air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling",
    "engine_idling", "gun_shot", "jackhammer", "siren", "street_music",
)  # fmt: skip
"""UrbanSound8K's classes by their number. Salamon, Jacoby, Bello: A Dataset and Taxonomy for Urban Sound Research, 2014."""

URBANSOUND_NAME = re.compile(r"(?P<source>\d+)-(?P<target>\d)-\d+-\d+$")
ESC50_NAME = re.compile(r"(?P<fold>[1-5])-(?P<source>\d+)-[A-Z]-(?P<target>\d+)$")
FOLD_FOLDER = re.compile(r"fold[ _-]?(\d+)$", re.IGNORECASE)
MISSING = "is missing"

Row = tuple[str, str, str, str, float, float]


def urbansound_name(name: str) -> re.Match[str] | None:
    """Source and class number in a name ``fsID-classID-occurrence-slice.wav``."""
    return URBANSOUND_NAME.match(Path(name).stem)


def read_urbansound8k(root: Path, clips: ClipList | None, name: str) -> Dataset:
    """UrbanSound8K: by its list, or by the names of its files where the list is missing. Groups are the Freesound recordings."""
    base = root / "audio" if (root / "audio").is_dir() else root
    rows: list[Row] = []
    problems: list[Problem] = []
    passed_over = 0
    if clips is not None:
        order: dict[int, str] = {}
        for row, line in zip(clips.rows, clips.lines, strict=True):
            file, fold = row["slice_file_name"], tidy_fold(row.get("fold", ""))
            path = base / f"fold{fold}" / file
            known = urbansound_name(file)
            number = row.get("classid", "")
            label = row.get("class") or (_urbansound_label(number) if number.isdecimal() else "")
            if not label or not fold:
                problems.append(left_out(clips.path, line, file, "has no class or no fold"))
            elif not path.is_file():
                problems.append(left_out(clips.path, line, str(path), MISSING))
            else:
                order.setdefault(int(number) if number.isdecimal() else len(order) + 1000, label)
                source = row.get("fsid") or (known["source"] if known else Path(file).stem)
                rows.append((str(path), label, fold, source, 0.0, math.nan))
        labels = tuple(label for _, label in sorted(order.items()))
    else:
        found = find_audio(base)
        problems, passed_over, labels = found.problems, found.passed_over, URBANSOUND_LABELS
        for parts in found.files:
            known, folder = urbansound_name(parts[-1]), FOLD_FOLDER.match(parts[0])
            if known is None or folder is None:
                problems.append(Problem(str(base.joinpath(*parts)), "is not named as UrbanSound8K names its clips"))
                continue
            label = _urbansound_label(known["target"])
            rows.append((str(base.joinpath(*parts)), label, str(int(folder[1])), known["source"], 0.0, math.nan))
    return _with_folds(name, root, "urbansound8k", rows, problems, passed_over, labels)


def _urbansound_label(number: str) -> str:
    return URBANSOUND_LABELS[int(number)] if int(number) < len(URBANSOUND_LABELS) else f"class {int(number)}"


def read_esc50(root: Path, clips: ClipList, name: str) -> Dataset:
    """ESC-50, or a part of it such as ESC-10, by its list. Groups are the Freesound recordings."""
    base = root / "audio" if (root / "audio").is_dir() else root
    rows: list[Row] = []
    problems: list[Problem] = []
    order: dict[int, str] = {}
    for row, line in zip(clips.rows, clips.lines, strict=True):
        file, label, fold = row["filename"], row.get("category", ""), tidy_fold(row.get("fold", ""))
        path = base / file
        if not file or not label or not fold:
            problems.append(left_out(clips.path, line, file, "has no file name, no category or no fold"))
        elif not path.is_file():
            problems.append(left_out(clips.path, line, str(path), MISSING))
        else:
            known = ESC50_NAME.match(Path(file).stem)
            source = row.get("src_file") or (known["source"] if known else Path(file).stem)
            target = row.get("target", "")
            order.setdefault(int(target) if target.isdecimal() else len(order) + 1000, label)
            rows.append((str(path), label, fold, source, 0.0, math.nan))
    labels = tuple(label for _, label in sorted(order.items()))
    return _with_folds(name, root, "esc50", rows, problems, 0, labels)


def read_folders(root: Path, name: str) -> Dataset:
    """Class folders: ``<class>/…``, ``train|val|test/<class>/…`` or ``fold1/<class>/…``.

    A clip is a recording of its own, unless its name is one of UrbanSound8K or ESC-50; files of equal contents belong together.
    """
    found = find_audio(root)
    tops = {parts[0] for parts in found.files if len(parts) > 1}
    folds = {top: fold for top in tops if (fold := _fold_of_folder(top))}
    nested = set(folds) == tops and len(tops) > 0 and any(len(parts) > 2 for parts in found.files)
    if len(tops) > 1 and set(folds) == tops and not nested:
        raise DatasetError(
            f"the folders {', '.join(sorted(tops))} of {root} hold audio, but no folders of classes",
            "Put the clips of each class into a folder of the class's name, or write a CSV file with the columns path and label",
        )
    depth = 2 if nested else 1
    rows: list[Row] = []
    for parts in found.files:
        path = str(root.joinpath(*parts))
        if len(parts) <= depth:
            found.problems.append(Problem(path, "lies in no folder of a class"))
            continue
        fold = folds[parts[0]] if nested else ""
        rows.append((path, parts[depth - 1], fold, _source_of(parts[-1]) or path, 0.0, math.nan))
    if len({row[2] for row in rows}) == 1:  # a single part holds nothing out
        rows = [(row[0], row[1], "", *row[3:]) for row in rows]
    rows = _join_equal_files(rows)
    return _with_folds(name, root, "folders", rows, found.problems, found.passed_over)


def _fold_of_folder(folder: str) -> str:
    match = FOLD_FOLDER.match(folder)
    return str(int(match[1])) if match else FOLD_NAMES.get(folder.lower(), "")


def _source_of(file: str) -> str:
    stem = Path(file).stem
    match = URBANSOUND_NAME.match(stem) or ESC50_NAME.match(stem)
    return match["source"] if match else ""


def read_clip_list(clips: ClipList, name: str) -> Dataset:
    """A CSV file of path and label, and optionally fold, group, start and end (seconds)."""
    rows: list[Row] = []
    problems: list[Problem] = []
    columns = {kind: clips.column(kind) or "" for kind in ("path", "label", "fold", "group", "start", "end")}
    for row, line in zip(clips.rows, clips.lines, strict=True):
        cell = {kind: row.get(column, "") for kind, column in columns.items()}
        path = find_file(clips.path.parent, cell["path"]) if cell["path"] else None
        try:
            start_s, end_s = read_span(cell["start"], cell["end"])
        except ValueError as error:
            problems.append(left_out(clips.path, line, cell["path"], str(error)))
            continue
        if not cell["path"] or not cell["label"]:
            problems.append(left_out(clips.path, line, cell["path"], f"has no {'label' if cell['path'] else 'path'}"))
        elif path is None:
            problems.append(left_out(clips.path, line, cell["path"], MISSING))
        else:
            absolute = str(path.absolute())
            group = cell["group"] or _source_of(absolute) or absolute
            rows.append((absolute, cell["label"], tidy_fold(cell["fold"]), group, start_s, end_s))
    if not columns["group"]:
        rows = _join_equal_files(rows)
    if rows and len({row[2] for row in rows}) == 1:  # a single fold holds nothing out
        rows = [(*row[:2], "", *row[3:]) for row in rows]
    return _with_folds(name, clips.path, "csv", rows, problems, 0)


def _join_equal_files(rows: list[Row]) -> list[Row]:
    """Clips of one file, and of files with equal contents, become one group."""
    content: dict[str, int] = {}
    for number, same in enumerate(equal_files(row[0] for row in rows)):
        content.update(dict.fromkeys(same, number))
    groups = join_groups([row[3] for row in rows], [[row[0] for row in rows], [content.get(row[0]) for row in rows]])
    return [(*row[:3], group, *row[4:]) for row, group in zip(rows, groups, strict=True)]


def _with_folds(
    name: str,
    root: Path,
    layout: str,
    rows: Sequence[Row],
    problems: list[Problem],
    passed_over: int,
    label_order: tuple[str, ...] = (),
) -> Dataset:
    """The data set, with folds drawn where it brings none; clips without a fold among clips with one are trained on."""
    folder = folder_of(root, (row[0] for row in rows))
    rows = [
        (*row[:3], way_from(folder, row[3]), *row[4:]) for row in rows
    ]  # folds are the same wherever the data set lies
    named = Counter(row[2] for row in rows)
    empty = named.pop("", 0)
    if rows and not named:
        folds, note = assign_folds([row[1] for row in rows], [row[3] for row in rows])
        rows = [(*row[:2], fold, *row[3:]) for row, fold in zip(rows, folds, strict=True)]
    else:
        kind = "official folds" if layout in ("urbansound8k", "esc50") else "folds as the data set gives them"
        note = f"{kind}: {', '.join(fold_order(set(named)))}"
        if empty:
            rows = [(*row[:2], row[2] or "train", *row[3:]) for row in rows]
            note += f"; {counted(empty, 'clip')} without a fold {'is' if empty == 1 else 'are'} only trained on"
    rows = [(row[0], unicodedata.normalize("NFC", shown(row[1])), *row[2:]) for row in rows]
    return Dataset(name, root, layout, make_table(rows), problems, note, passed_over, label_order)
