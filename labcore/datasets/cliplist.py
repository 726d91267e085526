"""Lists of clips: CSV files as people write them, whatever the separator, the encoding and the names of the columns."""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from labcore.datasets.scan import is_audio
from labcore.datasets.table import Problem
from labcore.errors import DatasetError

LIST_SUFFIXES = (".csv", ".tsv", ".txt")

SYNONYMS: dict[str, list[str]] = {
    "path": [
        "path",
        "file",
        "filename",
        "file_name",
        "filepath",
        "file_path",
        "slice_file_name",
        "audio",
        "clip",
        "wav",
    ],
    "label": [
        "label",
        "class",
        "category",
        "class_name",
        "classname",
        "label_name",
        "target",
        "tag",
        "species",
        "event",
    ],
    "fold": ["fold", "split", "subset", "part", "partition", "set"],
    "group": ["group", "source", "src_file", "source_file", "recording", "recording_id", "fsid", "session", "speaker"],
    "start": ["start", "start_s", "start_time", "begin", "onset", "start_seconds"],
    "end": ["end", "end_s", "end_time", "stop", "offset", "end_seconds"],
}
"""Names under which a column is recognised, in any case; the first one that is there is taken."""

FOLD_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation"), "test"),
}
"""Names of the parts of a data set, as folders or in a column."""


@dataclass(frozen=True)
class ClipList:
    """A list of clips as text: ``rows`` maps the names of the header, in lower case, to the cells; ``lines`` counts from 1."""

    path: Path
    header: list[str]
    rows: list[dict[str, str]]
    lines: list[int]

    def column(self, kind: str) -> str | None:
        """The name of the column that is meant by path, label, fold, group, start or end."""
        return next((name for name in SYNONYMS[kind] if name in self.header), None)

    @property
    def usable(self) -> bool:
        return self.column("path") is not None and self.column("label") is not None

    def finds_files(self) -> bool:
        """Whether any of the first files it names is there: a list of sources or licences beside the data is not meant."""
        column = self.column("path") or ""
        return any(find_file(self.path.parent, row[column]) for row in self.rows[:50] if row.get(column))


def read_list(path: Path) -> ClipList:
    """Read a CSV file: comma, semicolon, tab or bar; UTF-8, UTF-16 or Latin; with a header, or the order path, label, fold, group,
    start, end where the first cell of the first line is the name of an audio file.

    Raises:
        DatasetError: it cannot be read, or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}", "Check the path") from error
    text = _decode(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise DatasetError(f"{path} is empty", "It needs a header `path,label` and a row for each clip")
    delimiter = max("\t;,|", key=first.count) if any(mark in first for mark in "\t;,|") else ","
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        numbered = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DatasetError(f"{path} is not a CSV file: {error}", "Save it as CSV again") from error
    if numbered and is_audio(numbered[0][1][0].strip()):
        header = list(SYNONYMS)[: len(numbered[0][1])]
    else:
        header = [cell.strip().lower().replace(" ", "_") for cell in numbered[0][1]]
        numbered = numbered[1:]
    rows = [{name: cell.strip() for name, cell in zip(header, row, strict=False) if name} for _, row in numbered]
    return ClipList(path, header, rows, [line for line, _ in numbered])


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def tidy_fold(text: str) -> str:
    """A fold as the lab names it: train, val, test, or a number without its trimmings (fold3, 3.0 → 3)."""
    low = text.strip().lower()
    if low in FOLD_NAMES:
        return FOLD_NAMES[low]
    number = low.removeprefix("fold").strip(" _-")
    try:
        value = float(number)
        return str(int(value)) if value == int(value) else text.strip()
    except (ValueError, OverflowError):
        return text.strip()


def find_file(base: Path, cell: str) -> Path | None:
    """The file that a cell of a list names: relative to the list, to an ``audio`` folder beside it, or to the folder above.

    Paths written on Windows and names without an ending are understood.
    """
    slashed = cell.replace("\\", "/")
    spellings = [cell, slashed, unicodedata.normalize("NFC", slashed), unicodedata.normalize("NFD", slashed)]
    for spelling in dict.fromkeys(spellings):
        endings = ("",) if is_audio(spelling) else ("", ".wav", ".flac", ".ogg", ".mp3")
        for folder in (base, base / "audio", base.parent / "audio", base.parent):
            for ending in endings:
                if _is_file(path := folder / (spelling + ending)):
                    return path
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return False


def read_span(start: str, end: str) -> tuple[float, float]:
    """The cells of start and end as seconds; empty ones are 0 and nan (the end of the file). A decimal comma is understood.

    Raises:
        ValueError: with what is wrong, in words.
    """
    try:
        start_s = float(start.replace(",", ".")) if start else 0.0
        end_s = float(end.replace(",", ".")) if end and end.lower() != "nan" else math.nan
    except ValueError:
        raise ValueError(f"start {start!r} and end {end!r} are not both numbers of seconds") from None
    if not 0 <= start_s < math.inf:
        raise ValueError(f"the start {start!r} is not a time in seconds from 0 on")
    if end_s <= start_s:
        raise ValueError(f"the end {end!r} does not lie behind the start {start or '0'!r}")
    return start_s, math.nan if math.isinf(end_s) else end_s


def left_out(path: Path, line: int, cell: str, what: str) -> Problem:
    """A row that is left out."""
    return Problem(cell or f"line {line} of {path.name}", f"{what} ({path.name}, line {line})")
