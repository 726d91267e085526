"""The ``fmt `` chunk of a WAV file: which codec lies in it, and what to do where it contradicts itself."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from labcore.audio.chunks import Chunked
from labcore.audio.raw import Read
from labcore.errors import AudioError

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
READ = {*((PCM, bits) for bits in (8, 16, 24, 32)), (FLOAT, 32), (FLOAT, 64)}
"""Format tags and bits of what is read of every WAV file."""
MPEG = (0x50, 0x55)
CODECS = {
    0x02: "MS ADPCM", 0x06: "A-law", 0x07: "µ-law", 0x08: "DTS", 0x10: "OKI ADPCM", 0x11: "IMA ADPCM", 0x14: "G.723",
    0x16: "Dialogic ADPCM", 0x17: "Dialogic OKI ADPCM", 0x20: "Yamaha ADPCM", 0x22: "TrueSpeech", 0x31: "GSM 6.10",
    0x34: "VSELP", 0x3B: "Rockwell ADPCM", 0x40: "G.721", 0x41: "G.728", 0x42: "G.723.1", 0x45: "G.726",
    0x50: "MPEG layer I or II", 0x55: "MP3", 0x57: "AMR-NB", 0x58: "AMR-WB", 0x61: "Duck DK4 ADPCM",
    0x62: "Duck DK3 ADPCM", 0x64: "G.726", 0x65: "G.722", 0x69: "Voxware", 0x75: "Voxware", 0x83: "G.729",
    0x85: "DF G.726", 0x92: "AC-3", 0xFF: "AAC", 0x130: "ACELP", 0x160: "WMA", 0x161: "WMA 2", 0x162: "WMA Pro",
    0x163: "WMA lossless", 0x200: "Creative ADPCM", 0x215: "Ulead DV ADPCM", 0x270: "ATRAC3", 0x28F: "G.722",
    0x1600: "AAC", 0x1602: "AAC", 0x2000: "AC-3", 0x2001: "DTS", 0x5346: "SWF ADPCM", 0x566F: "Vorbis",
    0x674F: "Ogg Vorbis", 0x6750: "Ogg Vorbis", 0x6751: "Ogg Vorbis", 0x704F: "Opus", 0xA100: "G.723.1",
    0xA106: "AAC", 0xA109: "Speex", 0xF1AC: "FLAC",
}  # fmt: skip
"""Names of registered format tags (RFC 2361 and the multimedia registry)."""

LOOKED_AT = 1 << 18
"""Bytes of sound that are looked at, at each of four places, to see at which end of its word a sample lies."""


@dataclass(frozen=True)
class WaveFormat:
    """``bits`` is what a sample takes, ``valid_bits`` what of it is used; ``extensible`` is the longer form of the chunk."""

    tag: int
    channels: int
    rate: int
    byte_rate: int
    block: int
    bits: int
    valid_bits: int
    extensible: bool

    @property
    def codec(self) -> str:
        """What lies in the file, as a person names it."""
        if self.tag == PCM:
            return f"{self.bits}-bit integer PCM"
        if self.tag == FLOAT:
            return f"{self.bits}-bit float PCM"
        return CODECS.get(self.tag, f"a codec of the unknown number 0x{self.tag:04X}")


def wave_format(read: Read, file: Chunked) -> WaveFormat | None:
    """The sample format of a WAV, RF64 or W64 file; None where the chunk is not there or too short."""
    at, length = file.form
    content = read(at, min(length, 40)) if at else b""
    if len(content) < 16:
        return None
    tag, channels, rate, byte_rate, block, bits = struct.unpack(file.order + "HHIIHH", content[:16])
    valid, extensible = bits, tag == EXTENSIBLE and len(content) >= 26
    if extensible:
        valid, _, tag = struct.unpack(file.order + "HIH", content[18:26])
    return WaveFormat(tag, channels, rate, byte_rate, block, bits, valid or bits, extensible)


def mend(read: Read, file: Chunked, form: WaveFormat, called: str) -> tuple[dict[int, bytes], float, str]:
    """How to read PCM whose header contradicts itself.

    ``arecord -f S24_LE`` writes 24 bits at the lower end of 4 bytes, where WAV has them at the upper end: by its header alone that is
    noise, or 48 dB too soft. The samples tell which of the two it is.

    Returns:
        Other bytes for the header by offset, none where it does not; what samples are multiplied by; and what is told of it.

    Raises:
        AudioError: it cannot be told what is meant.
    """
    if form.tag not in (PCM, FLOAT) or not form.channels or (form.tag == FLOAT and form.bits not in (32, 64)):
        return {}, 1.0, ""
    whole = (form.bits + 7) // 8
    width = _width(form, whole, called)
    fits = 1 <= whole <= width and width in (1, 2, 3, 4, 8) and form.channels * width < 1 << 16
    if not fits or (form.tag == FLOAT and width != whole):
        raise _contradiction(form, called)
    changes: dict[int, bytes] = {}
    if form.block != form.channels * width:
        changes[file.form[0] + 12] = struct.pack(file.order + "H", form.channels * width)
    used = min(form.bits, form.valid_bits)
    low = form.tag == PCM and 1 < width <= 4 and used < 8 * width and _at_lower_end(read, file, width, used, called)
    if low or width != whole:
        changes[file.form[0] + 14] = struct.pack(file.order + "H", 8 * width)
        if form.extensible:
            changes[file.form[0] + 18] = struct.pack(file.order + "H", 8 * width)
    if changes:
        changes[file.form[0] + 8] = struct.pack(file.order + "I", min(2**32 - 1, form.rate * form.channels * width))
    if not low:
        return changes, 1.0, ""
    note = f"its {used} bits a sample lie at the lower end of {width} bytes, and are read from there"
    return changes, 2.0 ** (8 * width - used), note


def _width(form: WaveFormat, whole: int, called: str) -> int:
    """Bytes of a sample: bits, block and byte rate each say something, and two that agree are believed."""
    if form.block == form.channels * whole:
        return whole
    by_rate = form.byte_rate / max(1, form.rate) / form.channels
    if by_rate == whole or not form.block:
        return whole
    if form.block % form.channels or form.block / form.channels != by_rate:
        raise _contradiction(form, called)
    return form.block // form.channels


def _contradiction(form: WaveFormat, called: str) -> AudioError:
    channels = f"{form.channels} channel{'s' if form.channels > 1 else ''}"
    return AudioError(
        f"{called} contradicts itself: {channels} of {form.codec} in blocks of {form.block} bytes, {form.byte_rate} bytes a second at "
        f"{form.rate} Hz",
        "Its header is damaged: export the file again",
    )


def _at_lower_end(read: Read, file: Chunked, width: int, used: int, called: str) -> bool:
    """Whether samples lie at the lower end of their words: the bits above them are all alike, and some below the upper end are set.

    Raises:
        AudioError: they do, and where one is beyond the half of its range the bits above are 0: signed or not, that cannot be told.
    """
    places = {at // (4 * width) * 4 * width for at in (0, file.there // 4, file.there // 2, 3 * file.there // 4)}
    low_bits = unsigned = False
    for place in sorted(places):
        content = read(file.sound_at + place, min(LOOKED_AT, file.there - place))
        words = _words(content[: len(content) // width * width], width, file.order)
        above = words >> used
        if ((above != 0) & (above != (1 << (8 * width - used)) - 1)).any():
            return False
        low_bits |= bool((words & ((1 << (8 * width - used)) - 1)).any())
        unsigned |= bool(((above == 0) & (words >> (used - 1) == 1)).any())
    if low_bits and unsigned:
        raise AudioError(
            f"{called} has samples of {used} bits at the lower end of {width} bytes whose sign does not reach into the rest, as some "
            "devices leave them for `arecord -f S24_LE`: it cannot be told whether they are signed",
            "Record with `arecord -f S32_LE` or `-f S24_3LE`, or write the file again with samples that fill their bytes",
        )
    return low_bits


def _words(content: bytes, width: int, order: str) -> np.ndarray:
    """Words of 2 to 4 bytes, without a sign, as int64."""
    parts = np.frombuffer(content, dtype=np.uint8).reshape(-1, width).astype(np.int64)
    if order == ">":
        parts = parts[:, ::-1]
    return np.asarray(sum(parts[:, number] << (8 * number) for number in range(width)))
