from __future__ import annotations

import io
import threading
import tracemalloc

import numpy as np
import pytest
import soundfile
import torch

from labcore.audio import Limits, Recording, encode_wav
from labcore.audio import overview as overview_module
from labcore.audio.facts import CLIPPED_RUN, Runs
from labcore.audio.overview import overview
from labcore.errors import AudioError
from labcore.loading import load_torchaudio


def encoded(planes: np.ndarray, rate: int = 16000, container: str = "WAV", codec: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.atleast_2d(planes).T, rate, format=container, subtype=codec)
    return buffer.getvalue()


@pytest.fixture
def divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also short recordings go through the threads, in small stretches."""
    monkeypatch.setattr(overview_module, "ALONE", 1)
    monkeypatch.setattr(overview_module, "usable_cores", lambda: 3)


@pytest.mark.parametrize(
    ("frames", "blocks"), [(100_000, 7), (100_000, 2000), (99_991, 1000), (131_072, 2), (50, 2000)]
)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_the_envelope_is_that_of_the_samples(frames, blocks, channels, noise, divided, monkeypatch) -> None:
    monkeypatch.setattr(overview_module, "BLOCKS", blocks)
    sound = np.stack([noise(frames / 16000, seed=channel) for channel in range(channels)])
    facts, picture = overview(encode_wav(sound, 16000, exact=True))
    block = -(-frames // blocks)
    edges = np.arange(0, frames, block)
    assert picture.block_seconds == block / 16000
    np.testing.assert_array_equal(picture.low, np.minimum.reduceat(sound, edges, axis=1))
    np.testing.assert_array_equal(picture.high, np.maximum.reduceat(sound, edges, axis=1))
    assert picture.low.dtype == np.float32
    assert picture.low.shape[1] <= blocks
    assert picture.seconds == facts.info.seconds == frames / 16000


@pytest.mark.parametrize("rate", [22050, 44100])
def test_the_loudness_of_a_short_clip_goes_to_its_end(rate, noise, divided) -> None:
    """One of whole tenths of a second has a block that ends with it, whatever is filtered at once."""
    sound = noise(2, rate) * np.geomspace(1e-3, 1, 2 * rate, dtype=np.float32)
    wanted = float(load_torchaudio().functional.loudness(torch.from_numpy(sound[None]), rate))
    facts, _ = overview(encode_wav(sound, rate, exact=True))
    assert facts.loudness_lufs == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_stretches_in_threads_tell_the_same_as_one_go(container, noise, monkeypatch) -> None:
    sound = np.stack([noise(12, 44100, level=0.4), 0.2 + noise(12, 44100, seed=1)])
    sound[:, :5000] = sound[:, -7000:] = 0
    content = encoded(sound, 44100, container)
    alone, picture_alone = overview(content)
    monkeypatch.setattr(overview_module, "ALONE", 1)
    monkeypatch.setattr(overview_module, "usable_cores", lambda: 3)
    monkeypatch.setattr(overview_module, "STRETCHES", 3)
    shared, picture_shared = overview(content)
    near = 1e-6 if container in ("WAV", "FLAC", "OGG") else 2e-2  # an MP3 decoder hears a little of what was before
    np.testing.assert_allclose(picture_shared.low, picture_alone.low, atol=near)
    np.testing.assert_allclose(picture_shared.high, picture_alone.high, atol=near)
    assert shared.info == alone.info
    assert shared.loudness_lufs == pytest.approx(alone.loudness_lufs, abs=1e-3)
    assert shared.silence_start_s == alone.silence_start_s
    assert shared.silence_end_s == alone.silence_end_s
    for one, other in zip(shared.channels, alone.channels, strict=True):
        assert one.rms_db == pytest.approx(other.rms_db, abs=1e-2 if container == "MP3" else 1e-4)
        assert one.dc_offset == pytest.approx(other.dc_offset, abs=1e-5)
        assert one.clipped_samples == pytest.approx(other.clipped_samples, abs=3 if container == "MP3" else 0)


def test_levels_of_known_sounds(tone) -> None:
    facts, _ = overview(encode_wav(np.stack([tone(1000, 2), 0.25 + 0 * tone(1000, 2)]), 16000, exact=True))
    sine, constant = facts.channels
    assert sine.peak_db == pytest.approx(-6.02, abs=0.01)
    assert sine.rms_db == pytest.approx(-9.03, abs=0.01)
    assert sine.dc_offset == pytest.approx(0, abs=1e-6)
    assert constant.peak_db == constant.rms_db == pytest.approx(-12.04, abs=0.01)
    assert constant.dc_offset == pytest.approx(0.25)
    assert (facts.info.container, facts.info.codec, facts.info.bits) == ("WAV", "FLOAT", 32)


def test_silence_at_both_ends_is_found_to_the_sample(divided) -> None:
    sound = np.zeros((2, 160_000), np.float32)
    sound[1, 12_345:150_000] = 0.5
    sound[0, :] = 9e-4  # below -60 dBFS is silent too
    facts, _ = overview(encode_wav(sound, 16000, exact=True))
    assert facts.silence_start_s == 12_345 / 16000
    assert facts.silence_end_s == 10_000 / 16000


def test_channels_that_cancel_are_told_as_decoding_tells_it(divided, noise) -> None:
    left, right = noise(2), noise(2, seed=1)
    for pair in ((left, -left), (left, 0 * left), (left, right)):
        content = encoded(np.stack(pair))
        facts, _ = overview(content)
        assert facts.info.notes == Recording(content).whole().notes
    assert not facts.info.notes


def test_digital_silence(divided) -> None:
    facts, picture = overview(encoded(np.zeros((2, 30_000))))
    assert [(level.peak_db, level.rms_db, level.clipped_samples) for level in facts.channels] == [(None, None, 0)] * 2
    assert facts.loudness_lufs is None
    assert facts.silence_start_s == facts.silence_end_s == facts.info.seconds
    assert not picture.low.any()
    assert not picture.high.any()


@pytest.mark.parametrize("codec", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_a_full_scale_square_wave_is_clipped_all_over(codec, divided) -> None:
    square = np.where(np.arange(48_000) % 32 < 16, 1.0, -1.0)
    facts, _ = overview(encoded(square, codec=codec))
    (level,) = facts.channels
    assert level.clipped_samples == 48_000
    assert level.peak_db == pytest.approx(0, abs=0.1)
    assert facts.info.bits == {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "FLOAT": 32}[codec]


def test_peaks_that_touch_full_scale_are_not_clipped() -> None:
    sound = np.zeros(1000)
    sound[[100, 101, 300, 999]] = 1.0
    sound[500:503] = -1.0
    assert overview(encoded(sound))[0].channels[0].clipped_samples == 3


@pytest.mark.parametrize("seed", range(20))
def test_runs_are_counted_the_same_however_the_recording_is_cut(seed: int) -> None:
    draw = np.random.default_rng(seed)
    mask = draw.random(200) < draw.choice([0.3, 0.7, 0.95, 1.0])
    pieces = np.split(mask, np.sort(draw.integers(0, 200, 12)))
    runs = Runs(0)
    for piece in pieces:
        runs = runs.then(Runs.of(piece))
    lengths = [len(run) for run in "".join("x" if one else " " for one in mask).split()]
    assert runs.length == 200
    assert runs.clipped == Runs.of(mask).clipped == sum(length for length in lengths if length >= CLIPPED_RUN)


def test_a_single_sample() -> None:
    facts, picture = overview(encoded(np.array([0.5])))
    assert picture.low.shape == (1, 1)
    assert picture.low[0, 0] == picture.high[0, 0] == 0.5
    assert facts.loudness_lufs is None
    assert facts.info.frames == 1


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (192_000, 2), (44_100, 8), (1000, 1)])
def test_odd_rates_and_channels(rate, channels, noise, divided) -> None:
    sound = np.stack([noise(2, rate, level=0.2, seed=channel) for channel in range(channels)])
    facts, picture = overview(encode_wav(sound, rate, exact=True))
    assert len(facts.channels) == channels == len(picture.low)
    assert facts.info.sample_rate == rate
    assert (facts.loudness_lufs is None) == (rate == 1000)
    whole, _ = Recording(encode_wav(sound, rate, exact=True)).channels()
    np.testing.assert_array_equal(whole, sound)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e20])
def test_samples_that_are_no_numbers_are_told(value, noise, divided) -> None:
    sound = noise(3)
    sound[40_000] = value
    with pytest.raises(AudioError, match=r"odd\.wav holds 1? ?samples"):
        overview(encode_wav(sound, 16000, exact=True), name="odd.wav")


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_file_that_is_cut_off_is_told(container, noise, divided) -> None:
    content = encoded(noise(4, 44100), 44100, container)
    with pytest.raises(AudioError, match=r"clip .*(cut off|damaged)"):
        overview(content[: len(content) // 2], name="clip")


def test_limits_hold(noise) -> None:
    with pytest.raises(AudioError, match="claims to be 1 s"):
        overview(encoded(noise()), limits=Limits(max_seconds=0.5))


def test_memory_does_not_grow_with_the_length(tmp_path, noise, monkeypatch) -> None:
    monkeypatch.setattr(overview_module, "usable_cores", lambda: 2)
    path = tmp_path / "long.wav"
    minute = np.stack([noise(60, 44100)] * 2).T
    with soundfile.SoundFile(path, "w", 44100, 2) as file:
        for _ in range(2):
            file.write(minute)
    tracemalloc.start()
    overview(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # the samples of these 2 minutes are 42 MB


def test_progress_is_told_in_the_callers_thread_and_may_end_it(noise, divided) -> None:
    seen: list[float] = []

    def progress(share: float) -> None:
        assert threading.current_thread() is threading.main_thread()
        seen.append(share)

    overview(encoded(noise(3)), progress=progress)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] == 1.0

    def give_up(share: float) -> None:
        raise InterruptedError

    before = threading.active_count()
    with pytest.raises(InterruptedError):
        overview(encoded(noise(3)), progress=give_up)
    assert threading.active_count() == before
