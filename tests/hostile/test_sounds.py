"""Sounds that were damaged on purpose: whatever is in them, they are heard or refused, and nothing else happens.

A seed damages :data:`EACH` sounds; it stands in the test's name, so that a failure comes again by ``pytest -k seed-17``.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import soundfile

from labcore.audio import Limits, decode, probe
from labcore.audio.overview import overview
from labcore.errors import AudioError

EACH = 50
SEEDS, MORE_SEEDS = range(40), [range(start, start + 100) for start in range(40, 740, 100)]
"""2,000 sounds by default, 35,000 more where somebody asks for them."""
LIMITS = Limits(max_seconds=60, max_bytes=1 << 20, max_samples=1 << 22)
KINDS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610"), ("WAV", "ULAW"),
    ("WAVEX", "PCM_U8"), ("RF64", "PCM_16"), ("W64", "PCM_32"), ("AIFF", "PCM_16"), ("AIFF", "DWVW_16"), ("AIFF", "DOUBLE"),
    ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AU", "ALAW"),
    ("AU", "PCM_16"), ("CAF", "PCM_16"), ("CAF", "ALAC_16"),
]  # fmt: skip
EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
Damage = Callable[[bytearray, random.Random], None]


@cache
def sound(container: str, codec: str, channels: int) -> bytes:
    tones = np.stack([np.sin(np.arange(4000) / (5 + channel)) / 2 for channel in range(channels)], axis=1)
    buffer = io.BytesIO()
    if codec in ("GSM610", "DWVW_16"):
        tones = tones[:, :1]
    soundfile.write(buffer, tones.astype(np.float32), 8000, format=container, subtype=codec)
    return buffer.getvalue()


def _place(content: bytearray, draw: random.Random) -> int:
    """Mostly in the header, where a byte does most."""
    return draw.randrange(min(len(content), draw.choice([16, 64, 256, 1 << 20]))) if content else 0


def other_bytes(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 12)):
        content[_place(content, draw)] = draw.randrange(256)


def other_bits(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 6)):
        content[_place(content, draw)] ^= 1 << draw.randrange(8)


def numbers_at_the_edge(content: bytearray, draw: random.Random) -> None:
    width, order = draw.choice([2, 4, 8]), draw.choice(["little", "big"])
    at, number = _place(content, draw), draw.choice(EDGES) & (1 << 8 * width) - 1
    content[at : at + width] = number.to_bytes(width, order)  # type: ignore[arg-type]


def cut_off(content: bytearray, draw: random.Random) -> None:
    del content[draw.randint(1, len(content)) :]


def a_piece_is_missing(content: bytearray, draw: random.Random) -> None:
    at = _place(content, draw)
    del content[at : at + draw.choice([1, 2, 4, 30, 500])]


def a_piece_is_there_twice(content: bytearray, draw: random.Random) -> None:
    at, to = _place(content, draw), _place(content, draw)
    content[to:to] = content[at : at + draw.choice([4, 8, 44, 700])]


def zeros(content: bytearray, draw: random.Random) -> None:
    at, count = _place(content, draw), draw.choice([4, 16, 300])
    content[at : at + count] = bytes(len(content[at : at + count]))


def another_sound_inside(content: bytearray, draw: random.Random) -> None:
    at, (container, codec) = _place(content, draw), draw.choice(KINDS)
    content[at:at] = sound(container, codec, 1)[: draw.choice([40, 400, 1 << 20])]


def tags_before(content: bytearray, draw: random.Random) -> None:
    size = bytes(draw.randrange(draw.choice([2, 128])) for _ in range(4))
    content[:0] = b"ID3" + bytes([draw.choice([2, 3, 4]), 0, draw.choice([0, 16])]) + size + bytes(draw.randrange(300))


DAMAGES: list[Damage] = [
    other_bytes, other_bits, numbers_at_the_edge, numbers_at_the_edge, cut_off, a_piece_is_missing, a_piece_is_there_twice, zeros,
    another_sound_inside, tags_before,
]  # fmt: skip


def damaged(draw: random.Random) -> bytes:
    content = bytearray(sound(*draw.choice(KINDS), draw.choice([1, 1, 2])))
    for damage in draw.choices(DAMAGES, k=draw.randint(1, 3)):
        if content:
            damage(content, draw)
    return bytes(content)


def heard_or_refused(content: bytes) -> None:
    """Each reader for itself: one may hear what another refuses."""
    for read in (probe, decode, overview):
        try:
            found = read(content, name="a.wav", limits=LIMITS)
        except AudioError as error:
            if not error.what.startswith("a.wav ") or not error.remedy:
                raise
            continue
        if read is decode:
            assert found[0].dtype == np.float32
            assert np.isfinite(found[0]).all()
            assert 0 < len(found[0]) <= LIMITS.max_samples


def campaign(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(seed)
    for number in range(EACH):
        content = damaged(draw)
        try:
            heard_or_refused(content)
        except Exception as error:
            raise AssertionError(f"sound {number} of seed {seed}, {content[:64]!r} …: {error!r}") from error
    assert capfd.readouterr() == ("", "")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("seed", SEEDS, ids="seed-{}".format)
def test_damaged_sounds(seed, capfd):
    campaign(seed, capfd)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", MORE_SEEDS, ids=lambda seeds: f"seeds-{seeds[0]}-to-{seeds[-1]}")
def test_more_damaged_sounds(seeds, capfd):
    for seed in seeds:
        campaign(seed, capfd)
