"""Lists of clips: CSV files as people write them, the columns meant by path, label, fold, group and times, and which list to take."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from labcore.audio.containers import AUDIO_SUFFIXES, FOREIGN_SUFFIXES
from labcore.datasets.columns import KINDS, Taken, column_for, told_apart, weak_paths
from labcore.datasets.csvtext import read_rows
from labcore.datasets.labels import is_missing
from labcore.datasets.listfiles import JSON_LINES, PARQUET, read_json_lines, read_parquet
from labcore.datasets.lookup import FileFinder, for_lists
from labcore.datasets.parts import part_named
from labcore.datasets.scan import holds_audio, is_audio, is_file, listed, subfolders, suffix_of
from labcore.datasets.spans import SpanColumns, parsed, time_columns
from labcore.datasets.table import DataProblem, Finding
from labcore.errors import DatasetError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
LIST_NOT_TAKEN = "list not taken"
"""What a finding on a list is that says nothing of the clips."""
NAME_FOLDERS = "Write their paths from the folder of the list on, as in folder/name.wav"
NAME_LABELS = "If it says what the clips are of, call its columns path and label"
NONE_THERE = "none of its files exists"
LIST_SUFFIXES = (*TEXT_SUFFIXES, *JSON_LINES, *PARQUET)
TAKEN_SUFFIXES = (".csv", ".tsv", *JSON_LINES, *PARQUET)
SHEETS = (".xlsx", ".xls", ".ods")
"""Lists in a form that is not read."""
SOUNDS = AUDIO_SUFFIXES | FOREIGN_SUFFIXES | {""}
"""Endings of files that a list of clips names, not those of texts."""
RESULTS = (
    frozenset(("file", "label", "probability", "notes")),
    frozenset(("clip", "label", "suggested", "flagged")),
    frozenset(("file", "recording", "label", "outcome", "why")),
)
"""Columns of what `labcore classify`, `labcore runs suspicious` and `labcore datasets labels` write, which may lie among the sounds."""
LOOKED_AT = 50
"""So many of the first rows tell whether a column holds names of files that are there."""


@dataclass(frozen=True)
class ClipList:
    """A list of clips as text: ``rows`` maps the names of the header to the cells; ``lines`` counts from 1.

    ``several``: a cell may hold several labels, joined as :mod:`labcore.datasets.several` does. ``longer``: line → its cells, of rows with
    more of them than the header has columns, as where a cell holds a separator and no quotes.
    """

    path: Path
    header: list[str]
    rows: list[dict[str, str]]
    lines: list[int]
    several: bool = False
    longer: dict[int, int] = field(default_factory=dict)

    @cached_property
    def finder(self) -> FileFinder:
        return FileFinder(self.path.parent)

    @cached_property
    def taken(self) -> Taken:
        """Which column was read as what."""
        label, fold, group = (column_for(kind, self.header) for kind in ("label", "fold", "group"))
        path = column_for("path", self.header)
        if not path or not self._names_audio(path):
            others = [name for name in weak_paths(self.header) if name not in (label, fold)]
            others += [
                name for name in self.header if name not in (label, fold, path, *others) and self._names_audio(name)
            ]
            path = next((name for name in filter(None, (path, *others)) if self.holds_files(name)), path)
        if group == path or (group and len({row.get(group, "") for row in self.rows}) == 1):
            group = ""  # a source that all clips have in common tells no recordings apart
        return Taken(path, label, fold, group)

    @cached_property
    def times(self) -> SpanColumns:
        """The columns of times.

        Raises:
            DatasetError: one looks like a time and cannot be understood.
        """
        taken = self.taken
        used = (taken.path, taken.label, taken.fold, taken.group)
        return time_columns(self.header, self.column, [name for name in used if name], self.path.name)

    @property
    def lowered(self) -> list[dict[str, str]]:
        """The rows with the names of the columns in lower case, as official lists are read."""
        return [{name.lower(): cell for name, cell in row.items()} for row in self.rows]

    @property
    def lowered_header(self) -> set[str]:
        return {name.lower() for name in self.header}

    def column(self, name: str) -> list[str]:
        return [row.get(name, "") for row in self.rows]

    @property
    def lacks(self) -> str:
        """Why it is no list of clips, in words that follow its name; "" where it is one."""
        missing = [kind for kind in ("path", "label") if not getattr(self.taken, kind)]
        if not missing:
            return ""
        named = "no columns for path and label" if len(missing) == 2 else f"no column for the {missing[0]}"
        return f"has {named}; it has: {', '.join(filter(None, self.header)) or 'none'}"

    def holds_files(self, column: str) -> bool:
        """Whether any of the first cells of a column names a file that is there, and no text."""
        return any(_found(self.finder, cell) for cell in self._first(column))

    def fits_several(self, column: str) -> str:
        """A cell among the first ones that several files fit, with them, in words; "" where there is none."""
        for cell in self._first(column):
            try:
                self.finder.find(cell)
            except ValueError as several:
                return f"{cell} {several}"
        return ""

    def _first(self, column: str) -> list[str]:
        return [row[column] for row in self.rows[:LOOKED_AT] if row.get(column)]

    def _names_audio(self, column: str) -> bool:
        cells = self._first(column)
        return bool(cells) and sum(is_audio(cell.strip("\"'")) for cell in cells) > 0.5 * len(cells)


def read_list(path: Path) -> ClipList:
    """Read a CSV file: any usual separator and encoding; with a header, or the order path, label, fold, group, start, end where the
    first cell of the first line is the name of an audio file. Lines that begin with ``#`` are comments, unless they are the header.
    A JSON object a line, and Parquet, are lists too.

    Raises:
        DatasetError: it cannot be read, is empty, or a quote in it does not close.
    """
    if (read := _OTHERS.get(path.suffix.lower())) is not None:
        found, numbers, several = read(path)
        return ClipList(path, list(dict.fromkeys(name for row in found for name in row)), found, numbers, several)
    numbered = read_rows(path)
    header: list[str] | None = None
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    longer: dict[int, int] = {}
    for number, cells in numbered:
        cells = [cell.strip() for cell in cells]
        if cells[0].startswith("#") and not (is_audio(cells[0]) and is_file(path.parent / cells[0])):
            cells[0] = cells[0].lstrip("# ")
            if header is None and column_for("path", cells) and column_for("label", cells):
                header = told_apart(cells)
            continue
        if header is None:
            if not is_audio(cells[0].strip("\"'")):
                header = told_apart(cells)
                continue
            header = [*KINDS, *[""] * len(cells)][: len(cells)]
        if any(cells[len(header) :]):
            longer[number] = len(cells)
        rows.append({name: cell for name, cell in zip(header, cells, strict=False) if name})
        lines.append(number)
    if header is None:
        raise DatasetError(f"{path} contains only comments", "It needs a header `path,label` and one row per clip")
    return ClipList(path, header, rows, lines, longer=longer)


_OTHERS = {**dict.fromkeys(JSON_LINES, read_json_lines), **dict.fromkeys(PARQUET, read_parquet)}
"""Endings of lists that are no CSV → what reads them."""


def left_out(path: Path, line: int, cell: str, what: str) -> DataProblem:
    """A row that is left out."""
    return DataProblem(cell or f"line {line} of {path.name}", f"{what} ({path.name}, line {line})")


def value_of(row: dict[str, str], column: str) -> str:
    """A cell; "" for what stands for no value."""
    cell = row.get(column, "") if column else ""
    return "" if is_missing(cell) else cell


def _found(finder: FileFinder, cell: str) -> bool:
    try:
        found = finder.find(cell)
        return found is not None and suffix_of(found[0].name) in SOUNDS
    except ValueError:  # several files fit: it is not these that are meant
        return False


def lists_beside(
    folder: Path, without: frozenset[Path] = frozenset()
) -> tuple[list[tuple[ClipList, str]], list[Finding]]:
    """The lists that lie in the folder of a data set, and in folders for lists in it.

    Args:
        without: files that are no lists of clips.

    Returns:
        Those that say what the clips are, each with the part that its name tells ("" where it stands alone); and a note on each that
        was not taken, with the reason.

    Raises:
        DatasetError: several lists name clips that are there, and their names are not those of parts; or one that names them
            cannot be understood.
    """
    usable: list[ClipList] = []
    findings: list[Finding] = []
    for path in _paths(folder):
        if path in without:
            continue
        clips, reason, broken = _looked_at(path)
        if clips is not None and not reason:
            usable.append(clips)
            continue
        what = f"the list {path.name} was not used: {reason}"
        level = "warning" if broken else "note"
        remedy = (NAME_LABELS if clips.lacks else NAME_FOLDERS) if broken and clips is not None else ""
        findings.append(Finding(LIST_NOT_TAKEN, what, (str(path),), remedy, level))
    return _by_part(folder, usable) if len(usable) > 1 else [(clips, "") for clips in usable], findings


def _looked_at(path: Path) -> tuple[ClipList | None, str, bool]:
    """A list, why it is not taken ("" where it is), and whether the file is at fault, or may say labels all the same."""
    if path.suffix.lower() in SHEETS:
        return None, "it is not a CSV file; save it as one", False
    if "submission" in path.name.casefold():
        return None, "it is a template for predictions", False
    try:
        clips = read_list(path)
    except DatasetError as error:
        return None, error.what, not error.what.endswith(("is empty", "only comments"))
    if any(columns.issubset(clips.header) for columns in RESULTS):
        return clips, "it holds results of this lab; give the file itself to take them for labels", False
    if clips.lacks:
        return clips, f"it {clips.lacks}", _may_say_labels(clips)
    if clips.holds_files(clips.taken.path):  # else it may be one of sources or licences beside the data
        return clips, "", False
    if several := clips.fits_several(clips.taken.path):
        return clips, f"no file of its names is the only one, as {several}", True
    return clips, NONE_THERE, False


def _may_say_labels(clips: ClipList) -> bool:
    """Whether a list without a column of a known name for labels names files that are there, and has one of words that recur."""
    taken = clips.taken
    if taken.label or not (taken.path and clips.holds_files(taken.path)):
        return False
    rest = (clips.column(name) for name in clips.header if name and name not in (taken.path, taken.fold, taken.group))
    distinct = (({*cells} - {""}, len(cells)) for cells in rest)
    return any(1 < len(words) <= rows / 2 and not any(map(parsed, words)) for words, rows in distinct)


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
