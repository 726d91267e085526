"""Ogg: the streams of a file one after the other, their codecs, and whether the last page is whole (RFC 3533)."""

from __future__ import annotations

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
LONGEST = 27 + 255 + 255 * 255
"""Bytes of the longest page. A damaged header may tell too long a page: the one behind it lies within so many bytes then."""


def walk(read: Read, size: int) -> tuple[list[list[tuple[int, int]]], list[list[str]], bool]:
    """Go through the pages from their headers alone. Damage between pages is passed over, as decoders do.

    Returns:
        (first byte, the one behind the last) of the stretches of each of the streams that follow each other, where streams beside each
        other are one; the codecs of each, those beside each other; and whether the last page is all there. A stream has several
        stretches, or ends before the file does, where so much lies between or behind its pages that no page is hidden in it: a decoder
        looks into all of that, again at each byte that could begin a page.
    """
    streams: list[list[tuple[int, int]]] = []
    codecs: list[list[str]] = []
    at = since = 0
    whole, begun = True, False
    while at < size:
        head = read(at, 27 + 255 + 16)
        if not head.startswith(PAGE):
            found = _next(read, at + 1, size)
            if found - at > LONGEST and streams:
                streams[-1].append((since, at + LONGEST))
                since = found
            at = found
            continue
        table = 27 + head[26] if len(head) > 26 else 27
        length = table + sum(head[27:table])
        if len(head) < table or at + length > size:
            whole = False
            break
        begins = bool(head[5] & BEGINS)
        if begins and not begun:
            if streams and since < at:
                streams[-1].append((since, at))
            streams.append([])
            codecs.append([])
            since = at
        if begins:
            codecs[-1].append(_codec(head[table:]))
        begun = begins
        at += length
    if streams and since < size:
        streams[-1].append((since, size))
    return streams, codecs, whole


def _codec(packet: bytes) -> str:
    return next((name for start, name in CODECS.items() if packet.startswith(start)), "an unknown codec")


def _next(read: Read, at: int, size: int) -> int:
    """Where the next page begins; ``size`` where there is none."""
    while at < size:
        block = read(at, 1 << 16)
        place = block.find(PAGE)
        if place >= 0:
            return at + place
        at += max(1, len(block) - len(PAGE) + 1)
    return size
