"""FLAC whose header leaves its length open, as a file does that was written into a pipe (RFC 9639)."""

from __future__ import annotations

import struct

from labcore.audio.raw import Piece, Read

STREAMINFO_AT = 8
LOOKED_BACK = 1 << 20
"""Where the last frame is looked for: frames are far smaller."""

CODED_SIZES = {
    1: 192,
    **{code: 576 << (code - 2) for code in range(2, 6)},
    **{code: 256 << (code - 8) for code in range(8, 16)},
}


def mended(read: Read, size: int) -> tuple[tuple[Piece, ...], ...]:
    """The file with its length in the header; nothing where it stands there already, or cannot be told.

    The last frame says with which sample it begins and how many it holds.
    """
    info = read(STREAMINFO_AT, 34)
    if read(4, 1)[:1] not in (b"\0", b"\x80") or len(info) < 34 or int.from_bytes(info[13:18], "big") & (1 << 36) - 1:
        return ()
    least, most = struct.unpack(">HH", info[:4])
    start = max(STREAMINFO_AT + 34, size - LOOKED_BACK)
    tail = read(start, size - start)
    at = tail.rfind(b"\xff")
    while at >= 0:
        total = _end_of(tail[at : at + 16], most if least == most else 0)
        if total:
            kept = info[13] & 0xF0
            length = bytes([kept | total >> 32 & 0x0F]) + (total & 0xFFFFFFFF).to_bytes(4, "big")
            return (((0, STREAMINFO_AT + 13), length, (STREAMINFO_AT + 18, size)),)
        at = tail.rfind(b"\xff", 0, at)
    return ()


def _end_of(head: bytes, fixed: int) -> int:
    """The samples up to the end of the frame that begins here; 0 where none does. Its header has a check sum."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return 0
    variable, size_code, rate_code = head[1] & 1, head[2] >> 4, head[2] & 15
    number, at = _coded_number(head, 4)
    if not at or size_code == 0 or rate_code == 15:
        return 0
    if size_code in (6, 7):
        width = size_code - 5
        samples = int.from_bytes(head[at : at + width], "big") + 1
        at += width
    else:
        samples = CODED_SIZES[size_code]
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if len(head) <= at or _check_sum(head[:at]) != head[at]:
        return 0
    return (number if variable else number * (fixed or samples)) + samples


def _coded_number(head: bytes, at: int) -> tuple[int, int]:
    """A number coded like a character of UTF-8, up to 36 bits, and the offset behind it; 0 as the offset where it is none."""
    first = head[at]
    if first < 0x80:
        return first, at + 1
    ones = 8 - (first ^ 0xFF).bit_length()
    more = ones - 1 if 2 <= ones <= 7 else 0
    rest = head[at + 1 : at + 1 + more]
    if not more or len(rest) < more or any(byte & 0xC0 != 0x80 for byte in rest):
        return 0, 0
    number = first & (0x7F >> ones)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, at + 1 + more


def _check_sum(content: bytes) -> int:
    """CRC-8 with the polynomial x⁸ + x² + x + 1."""
    value = 0
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
    return value
