"""Ogg: the streams of a file one after the other, their codecs, and whether the last page is whole (RFC 3533)."""

from __future__ import annotations

from itertools import pairwise

from labcore.audio.raw import Read

CODECS = {
    b"\x01vorbis": "Vorbis",
    b"OpusHead": "Opus",
    b"Speex   ": "Speex",
    b"\x7fFLAC": "FLAC",
    b"fLaC": "FLAC",
    b"\x80theora": "Theora",
    b"\x01video": "OGM video",
    b"\x01audio": "OGM audio",
    b"PCM     ": "PCM",
    b"CELT    ": "CELT",
    b"BBCD": "Dirac",
    b"\x80kate": "Kate",
}
"""By the first bytes of a stream."""

READ = ("Vorbis", "Opus")
PAGE = b"OggS\0"
"""How a page begins; the zero is its version."""
BEGINS = 2  # flag of the first page of a stream


def walk(read: Read, size: int) -> tuple[list[tuple[int, int]], list[list[str]], bool]:
    """Go through the pages from their headers alone. Damage between pages is passed over, as decoders do.

    Returns:
        (first byte, the one behind the last) of the streams that follow each other, where streams beside each other are one; the
        codecs of each, those beside each other; and whether the last page is all there.
    """
    starts: list[int] = []
    codecs: list[list[str]] = []
    at, whole, begun = 0, True, False
    while at < size:
        head = read(at, 27 + 255 + 16)
        if not head.startswith(PAGE):
            found = _next(read, at + 1, size)
            if found is None:
                break
            at = found
            continue
        table = 27 + head[26] if len(head) > 26 else 27
        length = table + sum(head[27:table])
        if len(head) < table or at + length > size:
            whole = False
            break
        begins = bool(head[5] & BEGINS)
        if begins and not begun:
            starts.append(at)
            codecs.append([])
        if begins:
            codecs[-1].append(_codec(head[table:]))
        begun = begins
        at += length
    return list(pairwise([*starts, size])), codecs, whole


def _codec(packet: bytes) -> str:
    return next((name for start, name in CODECS.items() if packet.startswith(start)), "an unknown codec")


def _next(read: Read, at: int, size: int) -> int | None:
    """Where the next page begins."""
    while at < size:
        block = read(at, 1 << 16)
        place = block.find(PAGE)
        if place >= 0:
            return at + place
        at += max(1, len(block) - len(PAGE) + 1)
    return None
