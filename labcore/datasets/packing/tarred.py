"""Tar archives of a data set, compressed or not."""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from labcore.datasets.packing.members import Member, Names, check_ratio, not_a_file
from labcore.errors import DatasetError, LabError
from labcore.tars import BoundedHeader, is_plain_file

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def members(path: Path, names: Names) -> Iterator[Member]:
    """The files of a tar archive, in its order. Of a compressed one each has to be read before the next is asked for.

    Raises:
        DatasetError: it is damaged, or holds what no data set does.
    """
    packed, unpacked = path.stat().st_size, 0
    mode = "r|*" if _is_compressed(path) else "r:"  # what is not compressed is skipped where nobody reads it
    with _refusing(path), tarfile.open(path, mode, tarinfo=BoundedHeader) as archive:  # type: ignore[call-overload]
        while (info := archive.next()) is not None:
            archive.members = []
            if info.isdir():
                continue
            if not is_plain_file(info):
                raise not_a_file(str(path), info.name, link=info.islnk() or info.issym())
            unpacked += info.size
            check_ratio(str(path), unpacked, packed)
            parts = names.take(info.name)
            if parts is not None:
                yield Member(parts, info.size, partial(_content, archive, info))


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"))


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> contextlib.closing[IO[bytes]]:
    content = archive.extractfile(info)
    assert content is not None  # a plain file has one
    return contextlib.closing(content)


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Whatever tarfile raises for bad bytes, and that is more than its own errors, is told alike."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        what = f"{path} cannot be unpacked: it is no tar archive, damaged or cut off ({error})"
        raise DatasetError(what, "Fetch it again") from error
