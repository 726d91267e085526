"""Zip archives of a data set."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from glob import escape
from pathlib import Path
from typing import IO

from labcore.datasets.packing.members import DISTRUST, MOST_MEMBERS, Member, Names, check_ratio, not_a_file, parts_of
from labcore.datasets.packing.zip_names import names_of
from labcore.datasets.scan import hidden, is_audio, suffix_of
from labcore.errors import DatasetError
from labcore.zips import opened_zip

DEFLATE_MOST = 1100
"""What deflate makes of silence: the sum of all entries is bounded, not the single one."""
BY_HAND = "Unpack it by hand and give the folder; where that fails too, fetch it again"
LISTS = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Endings of lists that say what the sounds beside them are, under one name in each archive: ``metadata.csv``."""
LONGEST_END = 65536 + 22
"""Bytes of the end of a zip, with its comment."""


def contents(path: Path) -> dict[tuple[str, ...], tuple[int, int]]:
    """The sounds and lists of a zip archive: parts of the path → bytes and checksum.

    Raises:
        DatasetError: as :func:`members`.
    """
    with _opened(path) as archive:
        infos = archive.infolist()
        named = {
            parts_of(name): (info.file_size, info.CRC)
            for info, name in zip(infos, names_of(path.name, infos)[0], strict=True)
        }
    kept = {parts: content for parts, content in named.items() if parts and not any(map(hidden, parts))}
    return {parts: content for parts, content in kept.items() if is_audio(parts[-1]) or suffix_of(parts[-1]) in LISTS}


def members(path: Path, names: Names, folder: str = "") -> Iterator[Member]:
    """The files of a zip archive, in its order.

    Args:
        folder: that they are put into.

    Raises:
        DatasetError: it is damaged, encrypted, or holds what no data set does.
    """
    with _opened(path) as archive:
        infos = archive.infolist()
        packed = path.stat().st_size
        if sum(info.compress_size for info in infos) > packed:
            raise DatasetError(f"{path} holds entries that lie over each other", DISTRUST)
        check_ratio(str(path), sum(info.file_size for info in infos), packed)
        called, reading = names_of(path.name, infos)
        names.readings += [reading] if reading is not None else []
        for info, name in zip(infos, called, strict=True):
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise not_a_file(str(path), name, link=kind == stat.S_IFLNK)
            if info.is_dir():
                continue
            parts = names.take(f"{folder}/{name}" if folder else name)
            if parts is not None:
                yield Member(parts, info.file_size, partial(archive.open, info))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with DatasetError.on_os_error(f"{path} cannot be read", "Check its permissions"), path.open("rb") as file:
        _refuse_part(path, file)
        try:
            with opened_zip(file, MOST_MEMBERS, most_ratio=DEFLATE_MOST) as archive:
                yield archive
        except zipfile.BadZipFile as error:
            raise DatasetError(f"{path} cannot be unpacked: {error}", BY_HAND) from error


def _refuse_part(path: Path, file: IO[bytes]) -> None:
    """Raises DatasetError for the last part of an archive in several files, by its own number or by the files beside it."""
    file.seek(max(0, path.stat().st_size - LONGEST_END))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    number = int.from_bytes(tail[at + 4 : at + 6], "little") if at >= 0 else 0
    parts = sorted(each.name for each in path.parent.glob(f"{escape(path.stem)}.[zZ][0-9][0-9]"))
    if parts or 0 < number < 0xFFFF:
        beside = f"with {parts[0]}{' …' * (len(parts) > 1)}" if parts else "with the other parts"
        raise DatasetError(
            f"{path} is the last part of a zip archive in several files",
            f"Join it {beside} and import the whole: `zip -s 0 {path.name} --out whole.zip`",
        )
