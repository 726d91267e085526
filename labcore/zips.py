"""Zip archives: from anywhere, where it is known how much memory one may take before any of it is unpacked; and to hand on."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO

from labcore.texts import as_utf8

MOST_ENTRIES = 1000
MOST_RATIO = 50
"""So many times its size in the archive an entry may be; weights and sounds come to two or three."""
SMALL = 1024**2
"""Bytes of an entry that may be packed as tightly as it likes."""
READABLE = 0o644
"""Permissions of a file that is unpacked; by themselves Python's archives let their owner alone read it."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """Files by their paths as an archive; whoever unpacks it, others may read them."""
    packed, now = io.BytesIO(), time.localtime()[:6]
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, now)
            info.external_attr = READABLE << 16
            archive.writestr(info, as_utf8(content) if isinstance(content, str) else content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


@contextlib.contextmanager
def opened_zip(file: IO[bytes], most: int = MOST_ENTRIES, *, most_ratio: int = MOST_RATIO) -> Iterator[zipfile.ZipFile]:
    """A zip archive with at most ``most`` entries, none of which is larger than its bytes in the archive can honestly be.

    Args:
        most_ratio: so many times its size in the archive an entry may be; for whoever bounds the sum of all in another way.

    Raises:
        zipfile.BadZipFile: it is none, or one that would take more memory than it should; also for whatever goes wrong while it is read.
    """
    try:
        count = _entries(file)
        if count > most:
            raise zipfile.BadZipFile(f"{count} entries; {most} are allowed")
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                _check(info, most_ratio)
            yield archive
    except (zipfile.BadZipFile, OSError, MemoryError):
        raise
    except (ValueError, RuntimeError, LookupError, EOFError, struct.error, zlib.error, zipfile.LargeZipFile) as error:
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from error


def _check(info: zipfile.ZipInfo, most_ratio: int) -> None:
    if info.flag_bits & 1:
        raise zipfile.BadZipFile("it is encrypted")
    if info.compress_type not in _METHODS:
        raise zipfile.BadZipFile("it uses a compression other than deflate")
    if info.file_size > SMALL and info.file_size > most_ratio * info.compress_size:
        raise zipfile.BadZipFile(f"it would unpack to {info.file_size / max(1, info.compress_size):.0f} times its size")


def _entries(file: IO[bytes]) -> int:
    """How many entries a zip says it has, and at least how many its directory has room for; zipfile reads them all before it tells."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - 65536 - 22 - 20 - 56)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("it is not a zip file, or truncated")
    count, directory = struct.unpack_from("<HL", tail, at + 10)
    if (
        (count == 0xFFFF or directory == 0xFFFFFFFF)
        and (large := tail.rfind(b"PK\6\6", 0, at)) >= 0
        and at - large >= 56
    ):
        count, directory = struct.unpack_from("<QQ", tail, large + 32)
    return max(count, directory // (46 + 512))  # an entry is 46 bytes and its name
