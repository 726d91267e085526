"""Lists of clips that are no CSV: a JSON object a line, and Parquet. Rows as text, as those of a CSV file."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from labcore.allowed_paths import is_open
from labcore.datasets import several
from labcore.datasets.csvtext import decode_text
from labcore.datasets.scan import open_regular
from labcore.errors import DatasetError, LabError

if TYPE_CHECKING:
    import pyarrow.parquet

JSON_LINES, PARQUET = (".jsonl", ".ndjson"), (".parquet",)
MOST_ROWS = 5_000_000
FIRST_ROWS = 4
BUFFER_BYTES = 1 << 20
"""So much of a column is read at a time: sounds of a group of rows come to hundreds of megabytes."""
Row = dict[str, str]


def read_json_lines(path: Path) -> tuple[list[Row], list[int], bool]:
    """The rows of a file with a JSON object a line, the number of each line from 1, and whether a cell held several values.

    Raises:
        DatasetError: it cannot be read, or a line is no object.
    """
    with DatasetError.on_os_error(f"{path} cannot be read", "Check the path"), open_regular(path) as file:
        content = file.read()
    rows, lines, many = list[Row](), list[int](), False
    for number, line in enumerate(io.StringIO(decode_text(content)), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"line {number} of {path} is not JSON: {error}", "Write one JSON object a line"
            ) from error
        if not isinstance(found, dict):
            raise DatasetError(f"line {number} of {path} is not a JSON object", "Write one JSON object a line")
        many = many or any(isinstance(value, list) and len(value) > 1 for value in found.values())
        rows.append({str(name).strip(): as_text(value) for name, value in found.items()})
        lines.append(number)
    return rows, lines, many


def as_text(value: Any) -> str:
    """A value as a cell: several ones joined as several labels are, "" for none."""
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return several.joined(str(each) for each in value)
    if value is None or isinstance(value, dict | list | bytes):
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value).strip()


@contextmanager
def opened_parquet(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    """A Parquet file, to be read inside the block. Whatever pyarrow raises for bad bytes is told alike.

    Raises:
        DatasetError: it is none, damaged, or has more rows than a list can have.
    """
    import pyarrow.parquet

    try:
        if not is_open(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        with pyarrow.parquet.ParquetFile(path, buffer_size=BUFFER_BYTES) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise DatasetError(f"{path} has {file.metadata.num_rows:,} rows, more than a list of clips can have")
            yield file
    except LabError:
        raise
    except Exception as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DatasetError(
            f"{path} cannot be read: {' '.join(why.split())[:200]}", "Fetch or write it again"
        ) from error


def read_parquet(path: Path) -> tuple[list[Row], list[int], bool]:
    """The rows of a Parquet file, as :func:`read_json_lines` gives them. Classes by number get the names that Hugging Face keeps with them.

    Raises:
        DatasetError: it cannot be read, or holds the sounds themselves.
    """
    with opened_parquet(path) as file:
        if audio_column(file, with_bytes=True):
            raise DatasetError(
                f"{path} holds the sounds themselves", f"Unpack them: `labcore datasets import {quote(str(path))}`"
            )
        names = columns_of(file)
        rows: list[Row] = []
        many = False
        for batch in file.iter_batches(batch_size=8192, columns=names):
            for each in texts_of(file, batch):
                many = many or any(isinstance(value, list) and len(value) > 1 for value in each.values())
                rows.append({name: as_text(value) for name, value in each.items()})
    return rows, list(range(1, len(rows) + 1)), many


def texts_of(file: pyarrow.parquet.ParquetFile, batch: Any) -> Iterator[dict[str, Any]]:
    """The rows of a batch with class names in place of numbers, and of an audio column its path."""
    classes = class_names(file)
    for row in batch.to_pylist():
        yield {name: _value(value, classes.get(name)) for name, value in row.items()}


def _value(value: Any, names: list[str] | None) -> Any:
    if isinstance(value, dict):  # an audio column
        return value.get("path")
    if names is None:
        return value
    if isinstance(value, list):
        return [_value(each, names) for each in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def columns_of(file: pyarrow.parquet.ParquetFile) -> list[str]:
    """The columns that can be read as text: texts, numbers, lists of them; of an audio column its path."""
    import pyarrow.types as kinds

    def plain(kind: Any) -> bool:
        texts = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_boolean(kind)
        return texts or kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_dictionary(kind)

    audio = audio_column(file)
    found = []
    for field in file.schema_arrow:
        many = kinds.is_list(field.type) and (
            kinds.is_string(field.type.value_type) or kinds.is_integer(field.type.value_type)
        )
        if plain(field.type) or many:
            found.append(field.name)
        elif field.name == audio:
            found.append(f"{field.name}.path")
    return found


def audio_column(file: pyarrow.parquet.ParquetFile, *, with_bytes: bool = False) -> str:
    """The column of sounds, a struct of bytes and path as Hugging Face writes it; "" for none.

    Args:
        with_bytes: only where the bytes are there, and not the paths of files alone.
    """
    import pyarrow.types as kinds

    for field in file.schema_arrow:
        inner = {child.name for child in field.type} if kinds.is_struct(field.type) else set()
        if inner == {"bytes", "path"} and not (with_bytes and not _has_bytes(file, field.name)):
            return field.name
    return ""


def _has_bytes(file: pyarrow.parquet.ParquetFile, name: str) -> bool:
    """Whether the first sounds are there. They are read: pyarrow ends the process where it looks at damaged statistics of a column."""
    for batch in file.iter_batches(batch_size=FIRST_ROWS, columns=[f"{name}.bytes"]):
        return any((sound or {}).get("bytes") is not None for sound in batch.column(0).to_pylist())
    return False


def class_names(file: pyarrow.parquet.ParquetFile) -> dict[str, list[str]]:
    """Column → the names of its classes by number, as Hugging Face keeps them in the schema."""
    kept = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(kept)["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    found = {}
    for name, about in features.items() if isinstance(features, dict) else ():
        inner = about.get("feature") if isinstance(about, dict) else None
        about = inner if isinstance(inner, dict) else about
        if isinstance(about, dict) and isinstance(about.get("names"), list):
            found[name] = [str(each) for each in about["names"]]
    return found
