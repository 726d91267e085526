import io

import numpy as np
import pytest
import soundfile

from labcore.errors import AudioError, ConfigError
from labcore.evaluation import disturbances
from labcore.evaluation.disturbances import BY_NAME, gain, recorded_at
from labcore.evaluation.robustness import DISTURBANCES, RobustnessPlan, RobustnessTest

RATE = 16_000


@pytest.fixture
def sound():
    """Two tones, 500 Hz and 6 kHz, of half a second."""
    time = np.arange(RATE // 2) / RATE
    return (0.2 * np.sin(2 * np.pi * 500 * time) + 0.1 * np.sin(2 * np.pi * 6000 * time)).astype(np.float32)


def level_at(waveform, hz):
    return np.abs(np.fft.rfft(waveform))[round(hz * len(waveform) / RATE)] / len(waveform)


def test_gain_is_in_decibels_and_clips_at_full_scale(sound):
    assert gain(sound, RATE, -20.0) == pytest.approx(sound / 10, abs=2e-5)
    assert np.abs(gain(sound, RATE, 40.0)).max() == 1.0
    assert not gain(sound, RATE, -100.0).any()  # fainter than one step of 16 bits


def test_a_lower_sample_rate_loses_what_lies_above_its_half(sound):
    low = recorded_at(sound, RATE, 8000.0)
    assert level_at(low, 6000) < level_at(sound, 6000) / 100
    assert level_at(low, 500) == pytest.approx(level_at(sound, 500), rel=0.01)
    assert recorded_at(sound, RATE, 44_100.0) is sound


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("samples", [0, 1, 4001])
def test_lengths_stay(sound, name, samples):
    for level in DISTURBANCES[name].bounds:
        out = BY_NAME[name](sound[:samples], RATE, level)
        assert (out.shape, out.dtype) == ((samples,), np.float32)


@pytest.mark.parametrize(("name", "kbps"), [("mp3", 128), ("mp3", 32), ("mp3", 8), ("opus", 64), ("opus", 16)])
def test_bit_rates_are_those_that_were_asked_for(name, kbps, monkeypatch):
    written, write = [], soundfile.write

    def watched(file: io.BytesIO, *arguments, **options):
        write(file, *arguments, **options)
        written.append(len(file.getvalue()))

    monkeypatch.setattr(soundfile, "write", watched)
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    heard = BY_NAME[name](noise, RATE, kbps)
    assert written[0] * 8 / 2000 == pytest.approx(kbps, rel=0.2)
    assert not np.array_equal(heard, noise)


def test_an_encoder_that_is_missing_is_told(sound, monkeypatch):
    def refuse(*_, **__):
        raise soundfile.LibsndfileError(1)

    monkeypatch.setattr(soundfile, "write", refuse)
    with pytest.raises(AudioError, match="cannot be written here"):
        disturbances.mp3(sound, RATE, 64)


@pytest.mark.parametrize("of", DISTURBANCES)
def test_levels_within_bounds(of):
    plan = RobustnessPlan(run="any", disturbance=of)
    assert plan.check().levels == DISTURBANCES[of].levels
    with pytest.raises(ConfigError, match="no level of"):
        RobustnessPlan(run="any", disturbance=of, levels=(float("nan"),)).check()


def test_a_folder_of_the_version_before_is_read(workspace):
    job = RobustnessTest.create(workspace, RobustnessPlan(run="any"))
    before = {"run": "any", "dataset": None, "fold": "1", "class": None, "device": "auto", "colour": "white"}
    job.save("noise", before | {"snrs_db": [20.0, 0.0]})
    (job.path / "events.jsonl").write_text(
        '{"type": "in_noise", "time": 1.0, "snr_db": 20.0, "clips": 4, "hits": 3, "accuracy": 0.75, "low": 0.3, "high": 0.95}\n'
    )
    assert (job.plan.disturbance, job.plan.levels, job.plan.colour) == ("noise", (20.0, 0.0), "white")
    (result,) = job.results
    assert (result.of, result.level, result.hits) == ("noise", 20.0, 3)
