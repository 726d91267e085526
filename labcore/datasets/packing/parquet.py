"""Parquet files that hold the sounds themselves, as data sets of Hugging Face do: a column of bytes and path, and what is told of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from labcore.audio.containers import AUDIO_SUFFIXES, container_of
from labcore.datasets.columns import column_for
from labcore.datasets.listfiles import audio_column, columns_of, opened_parquet, texts_of
from labcore.datasets.packing.members import Member, Names
from labcore.datasets.packing.samples import from_bytes, listing
from labcore.datasets.parts import part_named
from labcore.datasets.scan import suffix_of
from labcore.errors import DatasetError

AT_ONCE = 32
"""Rows whose sounds are in memory at a time."""
ENDINGS = {"WAV": ".wav", "FLAC": ".flac", "OGG": ".ogg", "AIFF": ".aiff", "AU": ".au", "CAF": ".caf", "W64": ".w64"}


def holds_sounds(path: Path) -> bool:
    """Whether a Parquet file holds sounds; False for one that cannot be read."""
    try:
        with opened_parquet(path) as file:
            return bool(audio_column(file, with_bytes=True))
    except DatasetError:
        return False


def members(files: Iterable[tuple[Path, tuple[str, ...]]], names: Names) -> Iterator[Member]:
    """The sounds of some Parquet files, then the list of what they are.

    Args:
        files: each with the parts of its path, by which its sounds go.

    Raises:
        DatasetError: one cannot be read.
    """
    rows: list[dict[str, Any]] = []
    for path, place in files:
        part = next((named.part for text in reversed(place) if (named := part_named(text))), "")
        with opened_parquet(path) as file:
            audio = audio_column(file)
            told = [name.removesuffix(".path") if name == f"{audio}.path" else name for name in columns_of(file)]
            number = 0
            for batch in file.iter_batches(batch_size=AT_ONCE, columns=told):
                facts = texts_of(file, batch.drop_columns([audio]))
                for sound, row in zip(batch.column(audio).to_pylist(), facts, strict=True):
                    number += 1
                    content = (sound or {}).get("bytes") or b""
                    parts = names.take("/".join((*place, _name(sound or {}, content, number))))
                    if parts is None:
                        continue
                    fold = {"split": part} if part and not column_for("fold", list(row)) else {}
                    rows.append({"file_name": "/".join(parts)} | row | fold)
                    yield from_bytes(parts, content)
    yield listing(rows)


def _name(sound: dict[str, Any], content: bytes, number: int) -> str:
    """The name of a sound: its own with its number before it, since several may be called alike."""
    own = PurePosixPath(str(sound.get("path") or "").replace("\\", "/")).name.lstrip(".")[-100:]
    if suffix_of(own) in AUDIO_SUFFIXES:
        return f"{number:06}-{own}"
    ending = ENDINGS.get(container_of(content[:40].ljust(40, b"\0")), ".mp3")
    return f"{number:06}{'-' + own if own else ''}{ending}"
