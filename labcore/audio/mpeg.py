"""MPEG audio (MP3, layers I to III): where its frames lie and how many there are.

Without a Xing, Info or VBRI header such a file does not say how long it is, and a decoder's estimate from its first frame is
wrong by a factor where the bit rate varies. So the frames are counted: they follow each other, each with a header of four bytes.
Files that were joined end to end hold several streams; each begins with such a header of its own, or is told by a promise that is kept.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from labcore.audio.raw import Piece, Read

RATES = (44100, 48000, 32000)
KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by (version, layer) and the index in a header less one; versions 2 and 2.5 share theirs, layers II and III of them too."""

JUNK = 1 << 17
"""How far into a file its first frame is looked for."""

SURE = 3
"""So many frames in a row, or as many as there are, tell MPEG audio from chance."""

TRIES = 1 << 16
"""So many places that begin like a frame and are none, and the rest of the file holds none: 250 MB of noise have as many."""

MOST_TAGS = 100
"""Tags that follow each other."""

BEGIN = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]", re.DOTALL)
"""The first bytes of a frame, or of what :func:`header_of` refuses."""

SLACK = 2
"""By so many frames a promise may be wrong: encoders differ in whether they count the frame that holds it."""


@dataclass(frozen=True)
class FrameHeader:
    """Of a frame. ``version`` is 1, or 2 for MPEG-2 and 2.5; ``length`` is in bytes."""

    version: int
    layer: int
    rate: int
    channels: int
    length: int
    samples: int

    @property
    def kind(self) -> tuple[int, int, int, int]:
        """What does not change inside of a stream."""
        return self.version, self.layer, self.rate, self.channels

    @property
    def side(self) -> int:
        """Bytes of side information behind the header, in layer III."""
        if self.version == 1:
            return 17 if self.channels == 1 else 32
        return 9 if self.channels == 1 else 17


@dataclass(eq=False)
class Stream:
    """``frames`` are those that hold sound; ``promised`` is what its header says, None where it says nothing."""

    first: bytes
    kind: tuple[int, int, int, int]
    promised: int | None
    tagged: bool
    frames: int = 0
    stretches: list[tuple[int, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.frames * _samples(self.kind[0], self.kind[1]) / self.kind[2]

    @property
    def keeps_its_promise(self) -> bool:
        return self.promised is not None and abs(self.frames - self.promised) <= SLACK

    @property
    def complete(self) -> bool:
        return self.promised is not None and self.frames >= self.promised

    def pieces(self) -> tuple[Piece, ...]:
        """The stream, with a header that says how long it is."""
        if self.keeps_its_promise or self.kind[1] != 3:
            return tuple(self.stretches)
        return (info_frame(self.first, self.frames), *self.stretches)


def header_of(head: bytes) -> FrameHeader | None:
    """What four bytes say, where they begin a frame. Frames of free bit rate are not known."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version_bits, layer_bits = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate_index = head[2] >> 4, head[2] >> 2 & 3
    if version_bits == 1 or layer_bits == 0 or bitrate in (0, 15) or rate_index == 3:
        return None
    version, layer = (1 if version_bits == 3 else 2), 4 - layer_bits
    rate = RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version_bits]
    kbits = KBITS[version, min(layer, 2) if version == 2 else layer][bitrate - 1]
    padding, samples = head[2] >> 1 & 1, _samples(version, layer)
    slots = (12 if layer == 1 else samples // 8) * kbits * 1000 // rate + padding
    length = slots * (4 if layer == 1 else 1)
    return FrameHeader(version, layer, rate, 1 if head[3] >> 6 == 3 else 2, length, samples)


def _samples(version: int, layer: int) -> int:
    return 384 if layer == 1 else 576 if layer == 3 and version == 2 else 1152


def streams_of(read: Read, start: int, end: int) -> list[Stream]:
    """The streams of MPEG audio between two offsets; none where there is no such audio.

    Tags before, between and behind the frames are passed over, and so is a last frame that is not whole.
    """
    streams: list[Stream] = []
    tries = iter(range(TRIES))
    begun = _next_row(read, start, end, tries, JUNK)
    if begun is None:
        return streams
    for at, header in _frames(read, begun, end, tries):
        tag = _length_tag(read(at, min(header.length, 256)), header)
        if not streams or tag is not None or header.kind != streams[-1].kind or streams[-1].complete:
            streams.append(Stream(read(at, 4), header.kind, tag or None, tag is not None))
        stream = streams[-1]
        if tag is None:
            stream.frames += 1
        if stream.stretches and stream.stretches[-1][1] == at:
            stream.stretches[-1] = (stream.stretches[-1][0], at + header.length)
        else:
            stream.stretches.append((at, at + header.length))
    miscounted = [stream for stream in streams[1:] if not stream.tagged and stream.frames <= SLACK]
    return [_settled(stream, read) for stream in streams if stream.frames and stream not in miscounted]


def _settled(stream: Stream, read: Read) -> Stream:
    # where its header is wrong or says nothing, another one takes its place
    if stream.tagged and not stream.keeps_its_promise:
        start, end = stream.stretches[0]
        header = header_of(read(start, 4))
        assert header is not None
        stream.stretches[:1] = [(start + header.length, end)] if start + header.length < end else []
    return stream


def _is_row(read: Read, at: int, end: int) -> bool:
    """Whether frames of one kind follow each other here, to the end or for long enough."""
    kind = None
    for _ in range(SURE):
        header = header_of(read(at, 4))
        if header is None or (kind is not None and header.kind[:3] != kind):
            return kind is not None and behind_tags(read, at, end) >= end
        kind = header.kind[:3]
        at += header.length
        if at >= end:
            return at == end
    return True


def _frames(read: Read, at: int, end: int, tries: Iterator[int]) -> Iterator[tuple[int, FrameHeader]]:
    kind = None
    while at < end:
        header = header_of(read(at, 4))
        if header is not None and header.kind[:3] != kind and kind is not None and not _is_row(read, at, end):
            header = None  # what looks like a frame of another kind is chance, unless more of them follow
        if header is not None:
            if at + header.length > end:
                return
            kind = header.kind[:3]
            yield at, header
            at += header.length
            continue
        found = _next_row(read, at, end, tries)
        if found is None:
            return
        at = found


def _next_row(read: Read, at: int, end: int, tries: Iterator[int], most: int | None = None) -> int | None:
    """Where frames begin, or go on, behind tags or damage; ``most`` bytes behind the tags are looked through, or all, as long as there
    are ``tries``."""
    at = behind_tags(read, at, end)
    limit = end if most is None else min(end, at + most)
    while at < limit:
        block = read(at, min(1 << 16, limit - at) + 2)  # with those of a frame that begins with its last byte
        if len(block) < 3:
            return None
        for begin in BEGIN.finditer(block):
            if next(tries, None) is None:
                return None
            if _is_row(read, at + begin.start(), end):
                return at + begin.start()
        at += len(block) - 2
    return None


def behind_tags(read: Read, at: int, end: int) -> int:
    """The offset behind ID3, APE and Lyrics tags that begin here."""
    for _ in range(MOST_TAGS):
        head = read(at, 32)
        if at >= end:
            break
        if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 128:
            at += 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (10 if head[5] & 16 else 0)
        elif head.startswith(b"TAG"):
            at += 128
        elif head.startswith(b"APETAGEX") and len(head) == 32:
            size, flags = struct.unpack("<I", head[12:16])[0], struct.unpack("<I", head[20:24])[0]
            at += 32 + size if flags & 1 << 29 else 32
        elif head.startswith(b"LYRICSBEGIN"):
            text = read(at, 1 << 16)
            stop = max(text.find(b"LYRICSEND"), text.find(b"LYRICS200"))
            if stop < 0:
                return at
            at += stop + 9
        else:
            return at
    return at


def _length_tag(frame: bytes, header: FrameHeader) -> int | None:
    """The frames that a Xing, Info or VBRI header promises, 0 where it promises none; None for a frame of sound."""
    if header.layer != 3:
        return None
    for at in (4 + header.side, 6 + header.side):  # the latter with a check sum
        if frame[at : at + 4] in (b"Xing", b"Info") and len(frame) >= at + 12:
            flags, frames = struct.unpack(">II", frame[at + 4 : at + 12])
            return frames if flags & 1 and frames < 1 << 31 else 0
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return 0  # its count is not what mpg123 goes by: the frames are counted, and an Info header takes its place
    return None


def info_frame(first: bytes, frames: int) -> bytes:
    """A silent frame with an Info header, which tells a decoder how many frames follow. ``first`` is the header of a frame of theirs."""
    for bitrate in range(1, 15):
        head = bytes([0xFF, first[1] | 1, bitrate << 4 | first[2] & 0x0C, first[3]])
        header = header_of(head)
        if header is not None and header.length >= 64:
            tag = head + bytes(header.side) + b"Info" + struct.pack(">II", 1, frames)
            return tag.ljust(header.length, b"\0")
    raise ValueError("no frame of this kind is long enough")
