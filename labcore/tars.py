"""Tar archives from anywhere: how much memory a header may take is known before it is read, and none ends before its end."""

from __future__ import annotations

import tarfile
from typing import Any

LARGEST_EXTENSION = 64 * 1024
"""Bytes of a header that goes before a member, for what an ordinary one cannot hold: tarfile takes it into memory."""
_OTHERS = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)


class BoundedHeader(tarfile.TarInfo):
    """A header whose extensions are refused where they are larger than any name needs. Only the zeros at the end of an archive end it:
    tarfile takes a damaged header, and one that is cut off, for its end as well."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Any:
        try:
            member = super().frombuf(buf, encoding or "utf-8", errors)
        except tarfile.HeaderError as error:
            if buf == bytes(tarfile.BLOCKSIZE):
                raise
            cut = len(buf) < tarfile.BLOCKSIZE
            raise tarfile.ReadError("its end is missing" if cut else str(error)) from error
        extension = member.type not in (*tarfile.REGULAR_TYPES, *_OTHERS)
        if member.size < 0 or (extension and member.size > LARGEST_EXTENSION):
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member


def is_plain_file(member: tarfile.TarInfo) -> bool:
    """Whether a member is a regular file: no link, no device, no file with holes."""
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and member.sparse is None and member.size >= 0
