"""Lengths that nobody wrote, and formats that contradict themselves: the sound that lies there is read."""

from __future__ import annotations

import io
import math
import struct
from contextlib import nullcontext
from itertools import product

import numpy as np
import pytest
import soundfile

from labcore.audio import Limits, Recording, decode, probe
from labcore.audio.chunks import GUIDS
from labcore.errors import AudioError

RATE = 16000
SAMPLES = (20000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype("<i2")
DATA = SAMPLES.tobytes()
UNWRITTEN = (0, 0x7FFFF000, 0x7FFFFFFF, 0x7FFFFFDB, 0x80000000, 0xFFFFFFFF)


def form(
    bits: int = 16, block: int = 2, *, order: str = "<", tag: int = 1, channels: int = 1, byte_rate: int = 0
) -> bytes:
    return struct.pack(order + "HHIIHH", tag, channels, RATE, byte_rate or RATE * block, block, bits)


def wav(
    whole: int, data: int, body: bytes = DATA, *, fmt: bytes = b"", before: bytes = b"", magic: bytes = b"RIFF"
) -> bytes:
    order = ">" if magic == b"RIFX" else "<"
    fmt = fmt or form(order=order)
    head = before + b"fmt " + struct.pack(order + "I", len(fmt)) + fmt + b"data" + struct.pack(order + "I", data)
    return magic + struct.pack(order + "I", whole) + b"WAVE" + head + body


def rf64(whole: int, data: int, inner: int) -> bytes:
    return wav(0xFFFFFFFF, inner, before=b"ds64" + struct.pack("<IQQQI", 28, whole, data, 0, 0), magic=b"RF64")


def w64(whole: int, data: int) -> bytes:
    head = GUIDS["riff"] + struct.pack("<Q", whole) + GUIDS["wave"] + GUIDS["fmt "] + struct.pack("<Q", 40) + form()
    return head + GUIDS["data"] + struct.pack("<Q", data) + DATA


def aiff(whole: int, frames: int, sound: int, body: bytes = SAMPLES.astype(">i2").tobytes()) -> bytes:
    power = math.floor(math.log2(RATE))
    rate = struct.pack(">HQ", 16383 + power, RATE << (63 - power))
    common = b"COMM" + struct.pack(">IhIh", 18, 1, frames, 16) + rate
    return b"FORM" + struct.pack(">I", whole) + b"AIFF" + common + b"SSND" + struct.pack(">III", sound, 0, 0) + body


def au(length: int) -> bytes:
    return b".snd" + struct.pack(">IIIII", 24, length, 3, RATE, 1) + SAMPLES.astype(">i2").tobytes()


def caf(length: int) -> bytes:
    description = b"desc" + struct.pack(">qd4sIIIII", 32, RATE, b"lpcm", 2, 2, 1, 1, 16)
    return b"caff" + struct.pack(">HH", 1, 0) + description + b"data" + struct.pack(">qI", length, 0) + DATA


OPEN = {
    f"WAV {whole:x} {data:x}": wav(whole, data)
    for whole, data in product((0, 36, 4088, 0x7FFFFFFF, len(DATA) + 36), UNWRITTEN)
}
OPEN |= {f"RIFX {data:x}": wav(36, data, SAMPLES.astype(">i2").tobytes(), magic=b"RIFX") for data in UNWRITTEN}
OPEN |= {f"WAV {whole:x} alone": wav(whole, len(DATA)) for whole in (0, 36, 4088, 0xFFFFFFFF)}
OPEN |= {
    f"RF64 {data:x} {inner:x}": rf64(0, data, inner)
    for data, inner in product((0, 2**63 - 1, 2**64 - 1, len(DATA)), (0, 0xFFFFFFFF))
}
OPEN |= {
    f"W64 {whole:x} {data:x}": w64(whole, data)
    for whole, data in product((0, 128), (0, 24, 0x7FFFFFFF, 2**63 - 1, 2**64 - 1))
}
OPEN |= {f"AIFF {frames:x} {sound:x}": aiff(0, frames, sound)
         for frames, sound in product((0, 0x7FFFFFFF, 0xFFFFFFFF, RATE), (0, 8, 0x7FFFFFFF, 0xFFFFFFFF))}  # fmt: skip
OPEN |= {f"AU {length:x}": au(length) for length in (0, 0x7FFFFFFF, 0xFFFFFFFF)}
OPEN |= {f"CAF {length:x}": caf(length) for length in (-1, 0, 4, 2**62)}


@pytest.mark.parametrize("kind", OPEN)
def test_a_length_that_was_never_written_hides_no_sound(kind) -> None:
    waveform, rate = decode(OPEN[kind])
    assert rate == RATE
    np.testing.assert_allclose(waveform, SAMPLES / 32768, atol=1e-6)
    assert probe(OPEN[kind]).frames == RATE


def test_a_part_of_it_from_a_path_too(tmp_path) -> None:
    path = tmp_path / "pipe.wav"
    path.write_bytes(wav(36, 0x7FFFF000))
    part, _ = decode(path, start_s=0.25, end_s=0.5)
    np.testing.assert_allclose(part, SAMPLES[4000:8000] / 32768, atol=1e-6)


def test_a_recorder_that_was_killed_after_it_had_counted_once() -> None:
    sound = Recording(wav(36 + 4000, 4000)).whole()
    assert len(sound.waveform) == RATE
    assert "all of it is used" in sound.notes[0]


@pytest.mark.parametrize("tail", [b"LIST\x04\0\0\0INFO" * 500, b"ID3\x04\0\0" + bytes(6000), b"\x01"])
def test_what_follows_the_sound_is_not_predicted_as_sound(tail) -> None:
    assert len(decode(wav(len(DATA) + 36 + len(tail), len(DATA), DATA + tail))[0]) == RATE


def test_an_empty_chunk_of_sound_with_others_behind_it_is_empty() -> None:
    with pytest.raises(AudioError, match="no samples"):
        decode(wav(36 + 12, 0, b"LIST\x04\0\0\0INFO"), name="clip")


def test_sound_that_would_begin_behind_the_end_of_the_file_is_none() -> None:
    content = bytearray(aiff(0, 0, 0))
    at = content.index(b"SSND") + 8
    content[at : at + 4] = b"\x7f\xff\xff\xff"
    with pytest.raises(AudioError):
        decode(bytes(content), name="clip")


def test_sound_that_would_begin_within_the_header_is_refused() -> None:
    with pytest.raises(AudioError, match="sound begins at byte 8, within the header"):
        decode(au(len(DATA)).replace(struct.pack(">I", 24), struct.pack(">I", 8), 1), name="clip.au")


@pytest.mark.parametrize("channels", [3, 4])
def test_adpcm_is_refused_where_its_decoder_mixes_up_channels(channels) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((6400, 2)), RATE, format="AIFF", subtype="IMA_ADPCM")
    content = buffer.getvalue().replace(b"COMM\0\0\0\x18\0\x02", b"COMM\0\0\0\x18\0" + bytes([channels]))
    with pytest.raises(AudioError, match="ADPCM with 3 channels") if channels == 3 else nullcontext():
        decode(content, name="clip.aif")


def test_a_chunk_of_long_lengths_without_any_is_passed_over() -> None:
    with pytest.raises(AudioError, match="clip"):
        decode(b"RF64\xff\xff\xff\xffWAVEds64" + bytes(4) + b"data" + bytes(4), name="clip")
    empty = wav(0xFFFFFFFF, len(DATA), before=b"ds64" + bytes(4), magic=b"RIFF")
    assert len(decode(empty)[0]) == RATE


TWICE = 2 * len(DATA)
SHORT = [wav(TWICE + 36, TWICE), w64(0, TWICE + 24), au(TWICE), caf(TWICE), rf64(0, TWICE, 0xFFFFFFFF)]
SHORT += [aiff(0, 2 * RATE, TWICE + 8), aiff(0, 2 * RATE, 0xFFFFFFFF)]


@pytest.mark.parametrize("content", SHORT)
def test_a_promise_that_could_be_kept_and_is_not_is_told(content) -> None:
    with pytest.raises(AudioError, match="clip is cut off"):
        decode(content, name="clip")


WIDE = SAMPLES.astype(np.int32) * 256 + 77  # 24 bits, the lowest of them set
LEFT = (WIDE.astype(np.int64) * 256).astype("<i4").tobytes()
PACKED = b"".join(struct.pack("<i", int(value))[:3] for value in WIDE)
EXTENSIBLE = (
    form(32, 4, tag=0xFFFE) + struct.pack("<HHIH", 22, 24, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
)
LOW = {
    "S24_LE": (form(24, 4), WIDE.astype("<i4").tobytes()),
    "S20_LE": (form(20, 4), (WIDE // 16).astype("<i4").tobytes()),
    "12 bits in 2 bytes": (form(12, 2), (SAMPLES // 16).astype("<i2").tobytes()),
    "by the longer form": (
        form(32, 4, tag=0xFFFE) + struct.pack("<HHIH", 22, 24, 4, 1) + bytes.fromhex("000000001000800000aa00389b71"),
        WIDE.astype("<i4").tobytes(),
    ),
}
HIGH = {
    "at the upper end": (form(24, 4), LEFT),
    "by the longer form": (EXTENSIBLE, LEFT),
    "a block of 0": (form(24, 0, byte_rate=3 * RATE), PACKED),
    "a block that the rate contradicts": (form(24, 4, byte_rate=3 * RATE), PACKED),
}


@pytest.mark.parametrize(("kind", "at"), [*((kind, "low") for kind in LOW), *((kind, "high") for kind in HIGH)])
def test_samples_are_read_from_the_end_of_their_word_where_they_lie(kind, at) -> None:
    fmt, body = (LOW if at == "low" else HIGH)[kind]
    sound = Recording(wav(len(body) + 36, len(body), body, fmt=fmt)).whole()
    np.testing.assert_allclose(sound.waveform, SAMPLES / 32768, atol=1e-3)
    assert bool(sound.notes) == (at == "low")


def test_words_whose_sign_is_missing_are_refused_for_what_they_are() -> None:
    body = (WIDE & 0xFFFFFF).astype("<u4").tobytes()
    with pytest.raises(AudioError, match="24 bits at the lower end of 4 bytes") as caught:
        decode(wav(len(body) + 36, len(body), body, fmt=form(24, 4)), name="clip.wav")
    assert "damaged" not in str(caught.value)
    assert "S32_LE" in caught.value.remedy


def test_big_endian_words_too() -> None:
    sound = Recording(
        wav(36, 4 * RATE, WIDE.astype(">i4").tobytes(), fmt=form(24, 4, order=">"), magic=b"RIFX")
    ).whole()
    np.testing.assert_allclose(sound.waveform, WIDE / 2**23, atol=1e-6)


@pytest.mark.parametrize("fmt", [form(24, 5), form(32, 2), form(16, 2, channels=2, byte_rate=3), form(40, 9)])
def test_a_format_that_cannot_be_understood_is_refused_for_what_it_is(fmt) -> None:
    with pytest.raises(AudioError, match=r"contradicts itself: \d channel") as caught:
        decode(wav(len(DATA) + 36, len(DATA), fmt=fmt), name="clip.wav")
    assert "damaged" in caught.value.remedy


UNREAD = [
    (0x28F, 4, r"G\.722"),
    (0x45, 4, r"G\.726"),
    (0x161, 16, "WMA"),
    (1, 64, "64-bit integer PCM"),
    (3, 16, "16-bit float"),
]


@pytest.mark.parametrize(("tag", "bits", "codec"), [*UNREAD, (0x1234, 4, "0x1234")])
def test_a_codec_that_is_not_read_is_named(tag, bits, codec) -> None:
    with pytest.raises(AudioError, match=codec) as caught:
        decode(wav(len(DATA) + 36, len(DATA), fmt=form(bits, bits // 8 or 1, tag=tag) + b"\0\0"), name="clip.wav")
    assert "damaged" not in str(caught.value)
    assert "ffmpeg" in caught.value.remedy


def test_a_plain_codec_is_not_blamed_for_a_damaged_header() -> None:
    twice = wav(2 * len(DATA) + 44, len(DATA)) + b"data" + struct.pack("<I", len(DATA)) + DATA
    with pytest.raises(AudioError, match="its header is damaged") as caught:
        decode(twice, name="clip.wav")
    assert "PCM" not in str(caught.value)


def test_a_codec_in_other_containers_is_named_too() -> None:
    contents = {
        "CAF file that holds AAC": caf(len(DATA) + 4).replace(b"lpcm", b"aac "),
        "AU file that holds G.722": au(len(DATA)).replace(struct.pack(">II", 3, RATE), struct.pack(">II", 24, RATE)),
        "AIFF file that holds QDesign": aiff(0, RATE, len(DATA) + 8).replace(b"AIFFCOMM\0\0\0\x12", b"AIFCCOMM\0\0\0\x18")
        .replace(b"SSND", b"QDM2\0\0SSND"),
    }  # fmt: skip
    for what, content in contents.items():
        with pytest.raises(AudioError, match=what):
            decode(content, name="clip")


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_of_unknown_length_is_read_to_its_end(subtype) -> None:
    buffer = io.BytesIO()
    long = np.tile(SAMPLES / 32768, 3)[: 2 * RATE + 1234]
    soundfile.write(buffer, long, RATE, format="FLAC", subtype=subtype)
    content = bytearray(buffer.getvalue())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    assert probe(bytes(content)).frames == len(long)
    np.testing.assert_allclose(decode(bytes(content))[0], long, atol=1e-4)
    with pytest.raises(AudioError, match="long"):
        decode(bytes(content), name="clip", limits=Limits(max_seconds=1.0))
