"""Recordings that are taken block by block: the same samples as in one piece, borders of blocks included."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
import soundfile

from labcore.audio import Recording, blocks, quantise, resample
from labcore.errors import AudioError


def encoded(sound: np.ndarray, rate: int, container: str = "WAV", codec: str | None = "FLOAT") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format=container, subtype=codec)
    return buffer.getvalue()


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "ONE_GO", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 5000)


def joined(found) -> np.ndarray:
    """The samples of the last reading."""
    parts: list[np.ndarray] = []
    last = False
    for block in found:
        if block.anew:
            parts, last = [], False
        assert not last
        parts.append(block.samples.copy())
        last = block.last
    assert last
    return np.concatenate(parts)


RATES = (8000, 11025, 22050, 32000, 44100, 48000)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("from_rate", "to_rate"), [*itertools.permutations(RATES, 2), (1000, 32000), (384_000, 8000)])
def test_resampling_in_blocks_gives_the_samples_of_one_piece(from_rate, to_rate, noise):
    sound = noise(40_000 / from_rate, from_rate, level=0.2)
    whole = resample(sound, from_rate, to_rate)
    pieces = joined(Recording(encoded(sound, from_rate), to_rate).waveform())
    assert pieces.shape == whole.shape
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize("block", [1, 7, 997, 4096])
def test_wherever_the_borders_lie(block, noise, monkeypatch):
    sound = noise(0.5 if block > 1 else 0.05, 44100, level=0.2)
    monkeypatch.setattr(blocks, "ONE_GO", 0)
    monkeypatch.setattr(blocks, "BLOCK", block)
    np.testing.assert_allclose(
        joined(Recording(encoded(sound, 44100), 32000).waveform()), resample(sound, 44100, 32000), atol=1e-6
    )


@pytest.mark.parametrize(
    ("kind", "channels", "level"),
    [
        ("mono", 1, 0.1),
        ("loud from the middle on", 1, 3.0),
        ("stereo", 2, 0.1),
        ("opposite", 2, 0.1),
        ("opposite and loud", 2, 3.0),
        ("dead at first", 2, 0.1),
        ("dead", 3, 3.0),
    ],
)
@pytest.mark.parametrize("rate", [16000, 11025])
def test_blocks_are_quantised_as_the_whole_is(kind, channels, level, rate, noise, monkeypatch):
    sound = np.stack([noise(2, 16000, 0.2, seed=seed) for seed in range(channels)], axis=1)
    sound[16000:] *= level / 0.1
    if kind.startswith("opposite"):
        sound[:, 1] = -sound[:, 0]
    elif kind == "dead at first":
        sound[:20000, 1] = 0
    elif kind == "dead":
        sound[:, 1] = 0
    content = encoded(sound, 16000)
    whole = Recording(content, rate).whole()
    samples, scale = quantise(whole.waveform)
    monkeypatch.setattr(blocks, "ONE_GO", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 5000)
    recording = Recording(content, rate)
    found = list(recording.quantised())
    assert np.abs(joined(found).astype(int) - samples).max() <= 1  # a float's last digit may round the other way
    assert found[-1].scale == pytest.approx(scale, rel=1e-6)
    begins = max(number for number, block in enumerate(found) if block.anew)
    assert len({block.scale for block in found[begins:]}) == 1
    assert recording.notes == whole.notes
    assert found[-1].share == 1


@pytest.mark.usefixtures("small_blocks")
def test_one_reading_is_enough_where_nothing_is_out_of_the_ordinary(noise):
    sound = np.stack([noise(2), noise(2, seed=1)], axis=1)
    found = list(Recording(encoded(sound, 16000), 8000).quantised())
    assert [block.anew for block in found] == [True] + [False] * (len(found) - 1)
    shares = [block.share for block in found]
    assert shares == sorted(shares)


@pytest.mark.usefixtures("small_blocks")
def test_a_part_of_a_recording(noise):
    content = encoded(noise(3), 16000)
    part = joined(Recording(content, 8000, start_s=0.4, end_s=2.1).waveform())
    np.testing.assert_allclose(part, Recording(content, 8000, start_s=0.4, end_s=2.1).whole().waveform, atol=1e-6)
    with pytest.raises(AudioError, match="starts at 9 s"):
        next(Recording(content, 8000, start_s=9).waveform())
    with pytest.raises(AudioError, match="is empty"):
        next(Recording(content, 8000, start_s=2, end_s=1).waveform())


@pytest.mark.usefixtures("small_blocks")
def test_a_block_is_bounded_after_resampling_too(noise):
    sound = noise(100, 100, level=0.2)
    sizes = [len(block.samples) for block in Recording(encoded(sound, 100), 48000).waveform()]
    assert sum(sizes) == 100 * 48000
    assert max(sizes) < 500_000  # soxr gives what it holds back, some seconds at such a rate, with the last


@pytest.mark.usefixtures("small_blocks")
def test_what_is_wrong_is_told_as_of_a_whole(noise):
    sound = noise(2)
    sound[20_000] = np.nan
    with pytest.raises(AudioError, match="holds 1 samples that are not finite"):
        list(Recording(encoded(sound, 16000), 16000, name="clip").waveform())
    short = encoded(noise(2), 16000, "FLAC", "PCM_16")
    with pytest.raises(AudioError, match="clip"):
        list(Recording(short[: len(short) // 2], 16000, name="clip").waveform())


def test_a_short_one_can_be_had_at_once(noise, monkeypatch):
    content = encoded(noise(2), 16000)
    sound = Recording(content, 8000).at_once()
    np.testing.assert_array_equal(sound.waveform, Recording(content, 8000).whole().waveform)
    monkeypatch.setattr(blocks, "ONE_GO", 1000)
    assert Recording(content, 8000).at_once() is None


def test_what_is_not_accepted_by_its_header_is_not_decoded(noise, monkeypatch):
    def accept(info):
        assert (info.sample_rate, info.channels, info.frames) == (16000, 1, 32000)
        raise AudioError("too much", "Send less")

    monkeypatch.delattr(blocks.soundfile.SoundFile, "read")
    with pytest.raises(AudioError, match="too much"):
        Recording(encoded(noise(2), 16000), 8000).at_once(accept)


SPANS = (0.0, 0.01, 1.0, 3.3333, 5.77, 8.4)


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("WAV", "PCM_16", 44100),
        ("WAV", "MS_ADPCM", 44100),
        ("WAV", "IMA_ADPCM", 44100),
        ("WAV", "GSM610", 8000),  # which cannot jump
        ("FLAC", "PCM_16", 44100),
        ("OGG", "VORBIS", 44100),
        ("OGG", "OPUS", 48000),
        ("MP3", "MPEG_LAYER_III", 44100),
        ("MP3", "MPEG_LAYER_III", 22050),
    ],
)
def test_spans_are_stretches_of_the_whole(container, codec, rate, noise):
    """Lossy codecs need what comes before a span: they are wound on far enough before it."""
    content = encoded(noise(10, rate, level=0.2) + 0.1, rate, container, codec)
    whole = Recording(content).whole().waveform
    for start in SPANS:
        span = Recording(content, start_s=start, end_s=start + 1.2).whole().waveform
        first = round(start * rate)
        np.testing.assert_allclose(span, whole[first : first + len(span)], atol=1e-6)


def test_a_span_reads_its_own_part_alone(noise, monkeypatch):
    content, read = encoded(noise(60, 8000), 8000, "FLAC", "PCM_16"), []
    frames = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile,
        "read",
        lambda self, count=-1, *rest, **more: read.append(count) or frames(self, count, *rest, **more),
    )
    for start in range(0, 60, 6):
        Recording(content, start_s=start, end_s=start + 0.5).whole()
    assert read == [4000] * 10


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("start_s", [0.0, 2.5])
def test_a_codec_that_cannot_jump_is_read_in_blocks_too(start_s, noise):
    content = encoded(noise(6, 8000, level=0.2), 8000, "WAV", "GSM610")
    found = joined(Recording(content, 16000, start_s=start_s).waveform())
    np.testing.assert_allclose(found, Recording(content, 16000, start_s=start_s).whole().waveform, atol=1e-6)
