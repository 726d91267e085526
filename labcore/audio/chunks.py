"""Containers of chunks (WAV, RF64, W64, AIFF, CAF) and AU: where their sound lies, and how much of it their headers promise.

Who writes into a pipe does not know the length yet, and a recorder that is killed does not come back to write it. Both leave
a number that says nothing; the sound is there all the same, up to the end of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from labcore.audio.containers import W64_RIFF, W64_WAVE, container_of
from labcore.audio.raw import Piece, Read

MOST_CHUNKS = 1000
GUIDS = {
    "riff": W64_RIFF,
    "wave": W64_WAVE,
    "fmt ": bytes.fromhex("666d7420f3acd3118cd100c04f8edb8a"),
    "data": bytes.fromhex("64617461f3acd3118cd100c04f8edb8a"),
}
"""Names of chunks in Sony's W64: the letters of RIFF, each with a tail of its own."""

FOUR_LETTERS = {
    b"aac ": "AAC", b"aach": "HE-AAC", b"aacp": "HE-AAC", b".mp1": "MPEG layer I", b".mp2": "MPEG layer II",
    b".mp3": "MP3", b"ac-3": "AC-3", b"alac": "ALAC", b"flac": "FLAC", b"opus": "Opus", b"ima4": "IMA ADPCM",
    b"MAC3": "MACE 3:1", b"MAC6": "MACE 6:1", b"QDM2": "QDesign", b"QDMC": "QDesign", b"Qclp": "QUALCOMM PureVoice",
    b"G722": "G.722", b"G726": "G.726", b"G728": "G.728", b"samr": "AMR-NB", b"sawb": "AMR-WB",
    b"ADP4": "4-bit ADPCM",
}  # fmt: skip
"""Codecs in AIFF-C and CAF."""

AU_CODECS = {1: "µ-law", 23: "G.721", 24: "G.722", 25: "G.723", 26: "G.723", 27: "A-law"}

AU_HEADER = 24
"""Bytes of the header of AU, behind which sound may begin."""
NEAR = 1 << 16
TRAILERS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"<")
STALE_BYTES = 4096
"""So much has to lie behind the promised sound, and be no chunk, to be read as sound that a recorder did not come to count."""


@dataclass(frozen=True)
class Size:
    """A length in a header: it is mended by writing (bytes of sound + plus) / divisor there."""

    at: int
    form: str
    plus: int = 0
    divisor: int = 1


@dataclass(frozen=True)
class Chunked:
    """What the header of such a file says.

    Attributes:
        kind: "WAV", "RF64", "W64", "AIFF", "CAF" or "AU".
        order: "<" or ">", of numbers.
        sound_at: where the first byte of sound lies.
        promised: bytes of sound by the header; None where it promises nothing.
        there: bytes of sound in the file.
        form: where the chunk with the sample format lies, and its length.
        sizes: the lengths in the header.
        stale: more sound is there than the header counts, as after a recorder was killed.
        codec: of AIFF, CAF and AU, as a person names it; of the others it stands in the ``fmt `` chunk.
    """

    kind: str
    order: str
    sound_at: int
    promised: int | None
    there: int
    form: tuple[int, int] = (0, 0)
    sizes: tuple[Size, ...] = field(default=())
    stale: bool = False
    codec: str = ""

    @property
    def missing(self) -> float:
        """The share of the promised sound that the file lacks."""
        return max(0.0, 1 - self.there / self.promised) if self.promised else 0.0

    def mended(self, changes: dict[int, bytes] | None = None) -> tuple[Piece, ...]:
        """The file with the true lengths in its header, and with other bytes at the offsets of ``changes``."""
        patches = dict(changes or {})
        for size in self.sizes:
            most = 2 ** (8 * struct.calcsize(size.form) - (1 if size.form[-1].islower() else 0)) - 1
            patches[size.at] = struct.pack(size.form, min(most, max(0, self.there + size.plus) // size.divisor))
        pieces: list[Piece] = []
        at = 0
        for offset in sorted(patches):
            pieces += [(at, offset), patches[offset]]
            at = offset + len(patches[offset])
        return (*pieces, (at, self.sound_at + self.there))


def parse(read: Read, size: int) -> Chunked | None:
    """What the header says; None for another kind of file, or a header that leads nowhere."""
    readers = {"WAV": _wav, "W64": _w64, "AIFF": _aiff, "CAF": _caf, "AU": _au}
    reader = readers.get(container_of(read(0, 40)))
    found = reader(read, size) if reader else None
    return _believed(read, size, found) if found is not None and found.sound_at <= size else None


def walk(read: Read, at: int, order: str, wide: bool = False) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, its length by the header) of each chunk; ``wide``: in 8 bytes, and without a byte to fill up."""
    form = order + ("Q" if wide else "I")
    step = 4 + struct.calcsize(form)
    for _ in range(MOST_CHUNKS):
        header = read(at, step)
        if len(header) < step:
            return
        (length,) = struct.unpack(form, header[4:])
        yield header[:4], at + step, length
        at += step + length + (0 if wide else length & 1)


def _wav(read: Read, size: int) -> Chunked | None:
    order = ">" if read(0, 4) == b"RIFX" else "<"
    wide, form = 0, (0, 0)
    for name, at, length in walk(read, 12, order):
        if name == b"ds64" and length >= 16:
            wide = at
        elif name == b"fmt " and not form[0]:
            form = (at, length)
        elif name == b"data":
            sizes: tuple[Size, ...] = (Size(4, order + "I", at - 8), Size(at - 4, order + "I"))
            promised: int | None = length
            if wide:
                (long_length,) = struct.unpack("<Q", read(wide + 8, 8))
                promised = long_length if length == 0xFFFFFFFF or _unkeepable(length) else length
                sizes = (Size(wide, "<Q", at - 8), Size(wide + 8, "<Q"), *sizes)
            return Chunked("RF64" if wide else "WAV", order, at, promised, size - at, form, sizes)
    return None


def _w64(read: Read, size: int) -> Chunked | None:
    at, form = 40, (0, 0)
    for _ in range(MOST_CHUNKS):
        header = read(at, 24)
        if len(header) < 24:
            return None
        (length,) = struct.unpack("<Q", header[16:])
        if header[:16] == GUIDS["fmt "]:
            form = (at + 24, length - 24)
        if header[:16] == GUIDS["data"]:
            sizes = (Size(16, "<Q", at + 24), Size(at + 16, "<Q", 24))
            return Chunked("W64", "<", at + 24, max(0, length - 24), size - at - 24, form, sizes)
        at += (max(24, length) + 7) // 8 * 8
    return None


def _aiff(read: Read, size: int) -> Chunked | None:
    common = frames = frame = 0
    for name, at, length in walk(read, 12, ">"):
        if name == b"COMM" and not common:
            common = at
            channels, frames, bits = struct.unpack(">HIH", read(at, 8).ljust(8, b"\0"))
            frame = channels * ((bits + 7) // 8)
        elif name == b"SSND":
            if not (common and frame):
                return None
            (skip,) = struct.unpack(">I", read(at, 4).ljust(4, b"\0"))
            sound_at = at + 8 + skip
            sizes = (Size(4, ">I", sound_at - 8), Size(common + 2, ">I", 0, frame), Size(at - 4, ">I", 8 + skip))
            there = size - sound_at
            promised: int | None = length - 8 - skip if length > 8 + skip and not _unkeepable(length) else None
            if promised is None and frames and not _unkeepable(frames):  # the number of frames was written all the same
                counted = frames * frame
                promised, there = (counted, there) if counted > there else (None, counted)
            codec = _four(read(common + 18, 4)) if read(8, 4) == b"AIFC" else "PCM"
            return Chunked("AIFF", ">", sound_at, promised, there, (common, 18), sizes, codec=codec)
    return None


def _caf(read: Read, size: int) -> Chunked | None:
    form, codec = (0, 0), ""
    for name, at, length in walk(read, 8, ">", wide=True):
        if name == b"desc":
            form, codec = (at, length), _four(read(at + 8, 4))
        elif name == b"data":
            promised = None if length >= 1 << 63 else max(0, length - 4)  # -1: to the end of the file
            return Chunked("CAF", ">", at + 4, promised, size - at - 4, form, (Size(at - 8, ">q", 4),), codec=codec)
    return None


def _au(read: Read, size: int) -> Chunked | None:
    head = read(0, 16).ljust(16, b"\0")
    order = ">" if head[:4] == b".snd" else "<"
    at, length, encoding = struct.unpack(order + "III", head[4:])
    codec = AU_CODECS.get(encoding, f"the encoding {encoding}")
    return Chunked("AU", order, at, length, size - at, (12, 12), (Size(8, order + "I"),), codec=codec)


def _four(letters: bytes) -> str:
    return FOUR_LETTERS.get(letters) or f"the codec “{letters.decode('ascii', 'replace').strip()}”"


def _unkeepable(length: int) -> bool:
    """Whether a length is what a writer puts there that does not know it, or more than any file holds.

    SoX leaves 7FFFF000, lame 7FFFFFFF, arecord a little under 2³¹, FFmpeg FFFFFFFF.
    """
    return abs(length - (1 << 31)) <= NEAR or abs(length - (1 << 32)) <= NEAR or length >= 1 << 40


def _believed(read: Read, size: int, found: Chunked) -> Chunked:
    """What is left of a promise when it is held against the file."""
    promised, there = found.promised, found.there
    if promised is None or (promised > there and _unkeepable(promised)):
        return replace(found, promised=None)
    if promised == 0:
        return replace(found, there=0) if _only_chunks(read, size, found) else replace(found, promised=None)
    end = found.sound_at + promised
    behind = (read(end, 16), read(end + (promised & 1), 16))
    if found.kind in ("WAV", "RF64") and there - promised > STALE_BYTES and not any(map(_looks_like_chunk, behind)):
        return replace(found, promised=None, stale=True)
    return replace(found, there=min(there, promised))


def _only_chunks(read: Read, size: int, found: Chunked) -> bool:
    """Whether what lies behind an empty chunk of sound are further chunks up to the end of the file."""
    if found.kind not in ("WAV", "AIFF"):
        return found.there == 0
    at = found.sound_at
    for name, content, length in walk(read, at, found.order):
        if not _looks_like_chunk(name):
            return False
        at = content + length + (length & 1)
    return abs(at - size) <= 1


def _looks_like_chunk(start: bytes) -> bool:
    return start.startswith(TRAILERS) or (len(start) >= 4 and all(32 <= byte < 127 for byte in start[:4]))
