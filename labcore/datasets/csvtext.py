"""CSV files as people and their programs write them: any encoding, any separator, comments, quotes. Bytes to rows with line numbers."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from labcore.datasets.scan import is_audio, open_regular
from labcore.errors import DatasetError
from labcore.sheets import unguarded

csv.field_size_limit(2**31 - 1)  # of all readers: a cell of Label Studio's holds all events of a recording
SEPARATORS = "\t;,|"
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(\\t|[^"\r\n]?)"?\s*$', re.IGNORECASE)  # Excel's, before the header
LINE_END = re.compile(r"\r\n|\r|\n")
OTHERS = {
    b"pk\x03\x04": ("a spreadsheet or an archive", "Save it as CSV, which renaming does not do"),
    b"version https://git-lfs": ("a Git LFS pointer", "Fetch the files with `git lfs pull`"),
    b"<!doctype html": ("a web page", "The download failed: fetch the file again"),
    b"<html": ("a web page", "The download failed: fetch the file again"),
}
"""How files begin that are often found under the name of a CSV file, in lower case → what they are, and what to do."""
Numbered = list[tuple[int, list[str]]]


def read_rows(path: Path) -> Numbered:
    """The rows of a CSV file that are not blank, each with the number of its first line, from 1. Comments stay in.

    Raises:
        DatasetError: it cannot be read, is empty, or a quote in it does not close.
    """
    with DatasetError.on_os_error(f"{path} cannot be read", "Check the path"), open_regular(path) as file:
        content = file.read()
    _refuse_others(path, content)
    lines = list(io.StringIO(decode_text(content), newline=""))
    separator = ""
    begin = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
    if begin is not None and (named := _SEPARATOR_LINE.match(lines[begin])):
        separator = "\t" if named[1] == "\\t" else named[1]
        lines[begin] = "\n"
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    first = first or next((line for line in lines if line.strip()), "")
    if not first:
        raise DatasetError(f"{path} is empty", "It needs a header `path,label` and one row per clip")
    if not separator:
        separator = max(SEPARATORS, key=first.count) if any(mark in first for mark in SEPARATORS) else ","
    return list(_rows(path, _without_comments(lines, separator), separator))


def _refuse_others(path: Path, content: bytes) -> None:
    head = content[:100].lstrip(codecs.BOM_UTF8 + b" \r\n").lower()
    for start, (kind, remedy) in OTHERS.items():
        if head.startswith(start):
            raise DatasetError(f"{path} is {kind}, not a CSV file", remedy)


def decode_text(content: bytes) -> str:
    """UTF-8, UTF-16, or else what Windows writes (cp1252), line by line, since lists are put together from several sources."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if content[1:200:2].count(0) > 80 or content[:200:2].count(0) > 80 or (len(content) < 200 and b"\0" in content):
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = content.removeprefix(codecs.BOM_UTF8)
        return "".join(_decode_line(line) for line in content.splitlines(keepends=True))


def _decode_line(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


def _rows(path: Path, lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    first = 0
    for row in reader:
        if reader.line_num > first + 1:
            _check_quotes(path, lines[first : reader.line_num], first + 1, separator)
        if any(cell.strip() for cell in row):
            yield first + 1, [unguarded(cell) for cell in row]
        first = reader.line_num


def _check_quotes(path: Path, lines: list[str], number: int, separator: str) -> None:
    """A row of several lines is one only where its quotes close, and no line inside them is a row itself; else that is an error."""
    text, mark = "".join(lines), re.escape(separator)
    bare = re.compile(rf"[^{mark}\r\n]*")
    quoted = re.compile(rf'"([^"]*(?:""[^"]*)*)"[^\S{mark}\r\n]*(?={mark}|\r|\n|$)')
    at = 0
    while at < len(text):
        while text[at : at + 1] == " ":
            at += 1
        cell = (quoted if text[at : at + 1] == '"' else bare).match(text, at)
        if cell is None or (cell.re is quoted and _holds_row(cell[1], separator)):
            line = number + len(LINE_END.findall(text, 0, at))
            raise DatasetError(
                f"the quote that opens in line {line} of {path} is not closed: it would include the rows below it",
                'Close it, or write "" for a quote inside a quoted cell',
            )
        at = cell.end() + 1


def _holds_row(text: str, separator: str) -> bool:
    below = LINE_END.split(text)[1:]
    return any(separator in line and is_audio(line.split(separator)[0].strip()) for line in below)


def _without_comments(lines: list[str], separator: str) -> list[str]:
    """Lines that begin with ``#`` made blank. Those before the header stay, and names of files: whoever knows columns and files decides."""
    kept, begun = [], False
    for line in lines:
        comment = line.lstrip().startswith("#")
        begun = begun or not (comment or not line.strip())
        drop = comment and begun and not is_audio(line.split(separator)[0].strip())
        kept.append("\n" if drop else line)
    return kept
