"""Data sets that a CSV file lists, or several, one for each part."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

from labcore.audio import probe
from labcore.datasets import several
from labcore.datasets.assemble import DatasetDraft, assembled, join_equal_files, source_of, without_single_fold
from labcore.datasets.by_time import Row
from labcore.datasets.cliplist import ClipList, left_out, value_of
from labcore.datasets.contents import identity_of
from labcore.datasets.labels import doubtful
from labcore.datasets.parts import tidy_fold
from labcore.datasets.scan import find_audio, is_audio, listed
from labcore.datasets.table import MISSING, DataProblem, Dataset, Finding, some
from labcore.errors import AudioError
from labcore.texts import composed, counted


def read_clip_lists(
    lists: Sequence[tuple[ClipList, str]], root: Path, name: str, findings: Sequence[Finding] = ()
) -> Dataset:
    """CSV files of path and label, and optionally fold, group, start and end.

    Args:
        lists: each with the part that its name tells, used where it has no column for the fold; "" for none.
        root: the list itself, or the folder in which it was found: then files there that it does not name are told.
        findings: what else is to tell of the folder.

    Raises:
        DatasetError: a column looks like a time and cannot be understood.
    """
    reading = DatasetDraft(name, root, "csv", findings=list(findings))
    for clips, part in lists:
        _read(reading, clips, part)
    if not any(clips.taken.group for clips, _ in lists):
        reading.rows = join_equal_files(reading.rows)
    _unify_folds(reading)
    reading.rows = without_single_fold(reading.rows)
    reading.several_labels = any(clips.several for clips, _ in lists) and any(
        several.MARK in row[1] for row in reading.rows
    )
    several.taken_apart(reading, ";|,", "They stand in the order of the list")
    reading.findings += _unlisted(reading, [clips for clips, _ in lists])
    reading.findings += doubtful([row[1] for row in reading.rows])
    return assembled(reading)


def _read(reading: DatasetDraft, clips: ClipList, part: str) -> None:
    taken, times = clips.taken, clips.times
    told = f"{clips.path.name}: {taken.told(clips.header, times.told)}"
    reading.findings.append(Finding("columns", f"in {told}", (str(clips.path),), level="note"))
    missing: Counter[str] = Counter()
    gone: dict[str, list[int]] = {}
    doubtful_rows: list[tuple[int, str, Row]] = []
    rate_of = cache(_rate_of)
    for row, line in zip(clips.rows, clips.lines, strict=True):
        cell, label = value_of(row, taken.path), value_of(row, taken.label)
        if line in clips.longer:
            what = f"has {clips.longer[line]} cells, but the header names {counted(len(clips.header), 'column')}"
            reading.problems.append(
                left_out(clips.path, line, cell, f"{what}: a cell that holds a separator needs quotes")
            )
            continue
        try:
            found = clips.finder.find(cell) if cell else None
            start_s, end_s = times.span(row, partial(rate_of, found[0] if found else None))
        except ValueError as error:
            reading.problems.append(left_out(clips.path, line, cell, str(error)))
            continue
        if cell and not label:
            missing[row.get(taken.label, "")] += 1
        if not cell or not label:
            written = row.get(taken.label, "") if cell else ""
            what = f"has no {'label' if cell else 'path'}" + (f" ({written})" if written else "")
            reading.problems.append(left_out(clips.path, line, cell, what))
        elif found is None:
            gone.setdefault(cell, []).append(line)
        else:
            path = str(found[0].absolute())
            group = composed(value_of(row, taken.group)) or source_of(path) or path
            fold = tidy_fold(value_of(row, taken.fold)) if taken.fold else part
            clip = (path, label, fold, group, start_s, end_s)
            if found[1]:
                reading.rows.append(clip)
            else:
                doubtful_rows.append((line, cell, clip))
    reading.problems += [_missing(clips, cell, lines) for cell, lines in gone.items()]
    _take_doubtful(reading, clips, doubtful_rows)
    reading.findings += _without_label(clips, missing)


def _unify_folds(reading: DatasetDraft) -> None:
    """Folds that differ in case and blanks alone become one, as two of one site would be on both sides of a split; it is told."""
    spelled: dict[str, Counter[str]] = {}
    for fold, many in Counter(row[2] for row in reading.rows).items():
        spelled.setdefault(" ".join(fold.split()).casefold(), Counter())[fold] += many
    alike = {each: same.most_common(1)[0][0] for same in spelled.values() if len(same) > 1 for each in same}
    if alike:
        reading.rows = [(*row[:2], alike.get(row[2], row[2]), *row[3:]) for row in reading.rows]
        sets = some([" = ".join(map(repr, same)) for same in spelled.values() if len(same) > 1])
        what = f"folds that differ only in case or blanks are read as one: {sets}"
        reading.findings.append(
            Finding("folds alike", what, remedy="Name them apart if they are not one", level="note")
        )


def _missing(clips: ClipList, cell: str, lines: list[int]) -> DataProblem:
    """A file that is not there, once, however many rows name it."""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return DataProblem(cell, f"{MISSING} ({clips.path.name}, line {lines[0]}{more})", len(lines))


def _take_doubtful(reading: DatasetDraft, clips: ClipList, rows: list[tuple[int, str, Row]]) -> None:
    """Rows whose file was found by its name in another folder than they say: taken where no other row means that file."""
    known = {row[0] for row in reading.rows}
    meant: dict[str, set[str]] = {}
    for _, cell, row in rows:
        meant.setdefault(row[0], set()).add(cell)
    taken = 0
    for line, cell, row in rows:
        if row[0] in known or len(meant[row[0]]) > 1:
            reading.problems.append(left_out(clips.path, line, cell, MISSING))
        else:
            reading.rows.append(row)
            taken += 1
    if taken:
        what = f"{taken} clips of {clips.path.name} were found by file name, in other folders than listed"
        files = tuple(dict.fromkeys(row[0] for _, _, row in rows))
        reading.findings.append(Finding("found by name", what, files, "Check that these are the right files", "note"))


def _without_label(clips: ClipList, missing: Counter[str]) -> Iterator[Finding]:
    if not missing:
        return
    count = missing.total()
    written = some(repr(cell) if cell else "empty" for cell in missing)
    yield Finding(
        "no label",
        f"{count} row{'s' * (count != 1)} of {clips.path.name} without a label ({written}) skipped",
        remedy='If such a word is a class, as "None" for no event, rename it, for example to no_event',
    )


def _unlisted(reading: DatasetDraft, lists: list[ClipList]) -> Iterator[Finding]:
    """Audio files beside the listed ones that no list names."""
    named = {row[0] for row in reading.rows}
    in_folder = reading.root.is_dir()
    if in_folder:
        files = [str(reading.root.joinpath(*parts)) for parts in find_audio(reading.root).files]
    else:
        folders = {os.path.dirname(path) for path in named}  # noqa: PTH120 (called for every clip)
        held = (entry for folder in sorted(folders) for entry in listed(Path(folder)))
        files = [entry.path for entry in held if is_audio(entry.name)]
    others = [path for path in files if path not in named]
    if others:  # known by another path, or by a row that was left out, which is told by itself
        known = {identity_of(path) for path in named}
        left = {problem.path.replace("\\", "/").rpartition("/")[2].casefold() for problem in reading.problems}
        others = [path for path in others if identity_of(path) not in known and _names(path).isdisjoint(left)]
    if not others:
        return
    count, names = len(others), some(clips.path.name for clips in lists)
    where = f"in {reading.root}" if in_folder else "in the folders of the clips"
    yield Finding(
        "unlisted",
        f"{count} of {count + len(named)} audio files {where} {'is' if count == 1 else 'are'} not listed in {names} and skipped",
        tuple(others),
        f"Add them to {names}, or take the list away where folders say what the clips are of",
        "warning" if in_folder else "note",
    )


def _names(path: str) -> set[str]:
    name = os.path.basename(path).casefold()  # noqa: PTH119
    return {name, os.path.splitext(name)[0]}  # noqa: PTH122


def _rate_of(path: Path | None) -> int:
    """The sample rate of a file in Hz; a ValueError where there is no such file, or it tells none."""
    if path is None:
        raise ValueError(MISSING)
    try:
        return probe(path).sample_rate
    except AudioError as error:
        raise ValueError(f"has times in samples, and its sample rate is unknown: {error.what}") from None
