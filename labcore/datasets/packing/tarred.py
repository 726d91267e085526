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
                raise not_a_file(str(path), info.name)
            unpacked += info.size
            check_ratio(str(path), unpacked, packed)
            parts = names.take(info.name)
            if parts is not None:
                yield Member(parts, info.size, partial(_content, archive, info))
        if mode == "r:" and not _has_end(archive):
            raise tarfile.TarError("its end is missing")


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"))


def _has_end(archive: tarfile.TarFile) -> bool:
    """Whether zeros follow the last file, as they have to: without them others may have stood there."""
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    return archive.fileobj.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)


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
        what = "is empty or is no tar archive" if isinstance(error, tarfile.ReadError) else "is damaged or cut off"
        raise DatasetError(f"{path} cannot be unpacked: it {what} ({error})", "Fetch it again") from error
