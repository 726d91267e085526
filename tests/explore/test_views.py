from functools import partial

import librosa
import numpy as np
import pytest
import torch

from labcore.config import RunConfig
from labcore.errors import AudioError
from labcore.explore import views
from labcore.explore.view import BYTES, COLUMNS
from labcore.features import LogMel

CONFIG = RunConfig()
RATE = CONFIG.sample_rate
PICTURES = [partial(views.view_of, kind) for kind in views.KINDS]


@pytest.fixture
def sound(noise, tone):
    return noise(1.0, RATE, 0.05) + tone(1000, 1.0, RATE, 0.3)


def power_of(waveform, config=CONFIG):
    return LogMel(config).power(torch.from_numpy(waveform)[None])[0].numpy()


@pytest.mark.parametrize("view", PICTURES[:3])
def test_a_tone_lands_in_its_bin(tone, view):
    seen = view(tone(1000, 1.0, RATE), CONFIG)
    loudest = seen.levels[:, 5:-5].mean(1).argmax()
    assert loudest == np.abs(seen.y - 1000).argmin()
    assert seen.y_label == "frequency (Hz)"


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_the_bands_stand_where_the_scale_of_the_run_has_them(scale):
    config = CONFIG.replace(
        {"features.mel_scale": scale, "features.n_mels": 40, "features.f_min": 50.0, "features.f_max": 8000.0}
    )
    expected = librosa.mel_frequencies(42, fmin=50, fmax=8000, htk=scale == "htk")[1:-1]
    np.testing.assert_allclose(views.band_centres(config), expected, rtol=1e-5)


def test_the_log_mel_is_the_front_end_s_to_half_a_decibel(sound):
    seen = views.view_of("log-mel", sound, CONFIG)
    log_mel = LogMel(CONFIG)
    expected = log_mel.decibels(torch.from_numpy(power_of(sound))).numpy()
    assert seen.values.dtype == np.int8
    assert seen.unit == "dB"
    np.testing.assert_array_equal(seen.values, np.rint(expected))
    assert (seen.low, seen.high) == (seen.levels.min(), seen.levels.max())


def test_mel_powers_and_magnitudes_are_plain_values(sound):
    power = power_of(sound)
    np.testing.assert_allclose(views.view_of("mel", sound, CONFIG).levels, power, atol=power.max() / 60000)
    magnitude = np.abs(librosa.stft(sound, n_fft=1024, hop_length=512, pad_mode="constant"))
    seen = views.view_of("spectrogram", sound, CONFIG, of="magnitude")
    np.testing.assert_allclose(seen.levels, magnitude, atol=magnitude.max() / 30000)
    squared = views.view_of("spectrogram", sound, CONFIG, of="power")
    np.testing.assert_allclose(squared.levels, magnitude**2, atol=magnitude.max() ** 2 / 30000)


def test_mfcc_is_librosa_s(sound):
    seen = views.view_of("mfcc", sound, CONFIG)
    decibels = LogMel(CONFIG).decibels(torch.from_numpy(power_of(sound))).numpy()
    expected = librosa.feature.mfcc(S=decibels, n_mfcc=20)
    np.testing.assert_allclose(seen.levels, expected, atol=np.abs(expected).max() / 30000)
    assert seen.y_label == "coefficient"


def test_pcen_is_librosa_s(sound):
    power = power_of(sound)
    start = (1 - views.PCEN_SMOOTHING) * power[:, :1]  # the first frame counts as its own past
    expected = librosa.pcen(power, gain=0.98, bias=2, power=0.5, eps=1e-6, b=0.025, zi=start)
    np.testing.assert_allclose(views.view_of("pcen", sound, CONFIG).levels, expected, atol=expected.max() / 20000)


def test_the_average_spectrum_is_welch_s_and_a_full_scale_sine_is_at_zero(sound, tone):
    import scipy.signal

    seen = views.average_spectrum(np.stack([sound, sound / 2]), CONFIG)
    _, expected = scipy.signal.welch(sound, RATE, "hann", 1024, detrend=False, scaling="spectrum")
    np.testing.assert_allclose(seen.decibels[0, 1:-1], 10 * np.log10(2 * expected[1:-1]), atol=1e-2)
    np.testing.assert_allclose(seen.decibels[0] - seen.decibels[1], 6.0206, atol=1e-3)
    on_a_bin = views.average_spectrum(tone(RATE / 1024 * 50, 1.0, RATE, 1.0), CONFIG)
    assert on_a_bin.decibels.max() == pytest.approx(0.0, abs=0.01)
    assert on_a_bin.hz[on_a_bin.decibels[0].argmax()] == pytest.approx(RATE / 1024 * 50)


@pytest.mark.parametrize("view", PICTURES)
def test_block_by_block_is_the_same_as_at_once(sound, view, monkeypatch):
    at_once = view(sound, CONFIG)
    monkeypatch.setattr(views, "CELLS", 7 * 1024)
    in_blocks = view(sound, CONFIG)
    np.testing.assert_allclose(in_blocks.levels, at_once.levels, atol=1.01 * at_once.scale)
    np.testing.assert_array_equal(in_blocks.x_seconds, at_once.x_seconds)


@pytest.mark.parametrize("view", PICTURES)
def test_many_frames_stay_under_a_megabyte_and_lies_on_the_same_axis(noise, view):
    config = CONFIG.replace({"features.n_fft": 2048, "features.hop_length": 64, "features.n_mels": 256})
    seen = view(noise(6.0, RATE), config, start_s=3.0)
    assert seen.values.shape == (len(seen.y), len(seen.x_seconds))
    assert len(seen.x_seconds) <= COLUMNS
    assert seen.values.nbytes <= BYTES
    assert len(seen.x_seconds) < 6.0 * RATE / 64
    assert 3.0 <= seen.x_seconds[0] < 3.05
    assert 8.95 < seen.x_seconds[-1] <= 9.0


def test_where_columns_are_put_together_the_loudest_stays():
    click = np.zeros(40 * RATE, dtype=np.float32)
    click[7 * RATE] = 1.0
    seen = views.view_of("log-mel", click, CONFIG)
    assert len(seen.x_seconds) == -(-(len(click) // CONFIG.framing.hop_length + 1) // 2)
    column = seen.levels.max(0).argmax()
    assert seen.x_seconds[column] == pytest.approx(7.0, abs=2 * 512 / RATE)
    assert seen.levels.max() == np.rint(10 * np.log10(power_of(click).max()))


def test_the_waveform_is_its_least_and_greatest_samples(noise):
    stereo = np.stack([noise(1.0, RATE), 2 * noise(1.0, RATE, seed=1)])
    seen = views.waveform_view(stereo, RATE, start_s=5.0)
    assert seen.low.shape == seen.high.shape == (2, COLUMNS)
    assert not seen.exact
    assert seen.high.max() * seen.scale == pytest.approx(stereo.max(), abs=seen.scale)
    assert seen.low.min() * seen.scale == pytest.approx(stereo.min(), abs=seen.scale)
    assert 5.0 < seen.x_seconds[0] < 5.01 < 5.99 < seen.x_seconds[-1] < 6.0


def test_a_short_waveform_is_shown_sample_by_sample():
    seen = views.waveform_view(np.array([0.5, -1.0, 1.0], dtype=np.float32), 10)
    assert seen.exact
    np.testing.assert_array_equal(seen.low, seen.high)
    np.testing.assert_allclose(seen.low[0] * seen.scale, [0.5, -1.0, 1.0], atol=1e-4)
    np.testing.assert_allclose(seen.x_seconds, [0.0, 0.1, 0.2])


@pytest.mark.parametrize(
    "waveform",
    [np.ones(1), np.zeros(3000), np.sign(np.sin(np.arange(9000) * 0.2)), np.full(700, 3.0)],
    ids=["one sample", "silence", "square wave", "beyond full scale"],
)
def test_odd_sounds_have_views(waveform):
    waveform = waveform.astype(np.float32)
    for view in PICTURES:
        seen = view(waveform, CONFIG)
        assert np.isfinite(seen.levels).all()
        assert seen.values.shape == (len(seen.y), len(waveform) // 512 + 1)
    assert np.isfinite(views.average_spectrum(waveform, CONFIG).decibels).all()
    envelope = views.waveform_view(waveform, RATE)
    np.testing.assert_allclose(envelope.high[0].max() * envelope.scale, waveform.max(), atol=1e-4)


def test_nothing_is_told_not_drawn():
    empty = np.zeros(0, dtype=np.float32)
    for view in PICTURES:
        with pytest.raises(AudioError, match="no samples"):
            view(empty, CONFIG)
    with pytest.raises(AudioError, match="no samples"):
        views.waveform_view(empty, RATE)
    with pytest.raises(AudioError, match="no samples"):
        views.average_spectrum(empty, CONFIG)


def test_the_cosine_transform_is_orthonormal(sound):
    import scipy.fft

    config = CONFIG.replace({"features.n_mels": 16})
    seen = views.view_of("mfcc", sound, config)
    assert len(seen.y) == 16
    decibels = LogMel(config).decibels(torch.from_numpy(power_of(sound, config))).numpy()
    np.testing.assert_allclose(scipy.fft.idct(seen.levels, axis=0, norm="ortho"), decibels, atol=0.1)


def test_many_frames_share_columns_and_keep_the_strongest():
    levels = np.zeros((64, 4000), np.float32)
    levels[3, 1234], levels[5, 77] = 20.0, -30.0
    view = views.levels_view(levels, RunConfig(), signed=True)
    assert view.values.shape[1] <= COLUMNS
    assert view.values[3].max() == 20
    assert view.values[5].min() == -30
    assert views.levels_view(levels, RunConfig()).values[5].min() == 0


def test_a_stretch_is_cut_to_the_sample_and_has_one_at_least():
    samples = np.arange(20, dtype=np.float32).reshape(2, 10)
    assert np.array_equal(views.stretch_of(samples, 4, 0.5, 1.25), samples[:, 2:5])
    assert views.stretch_of(samples, 8000, 0.0, 1e-9).shape == (2, 1)
    assert views.stretch_of(samples, 8000, 99.0, 100.0).shape == (2, 1)


def test_the_spectrum_of_a_recording_is_on_its_own_axis(tone):
    seen = views.average_spectrum(tone(5000, 1.0, 96_000, 0.5), CONFIG, 96_000)
    assert seen.hz[-1] == pytest.approx(48_000, rel=0.01)
    assert seen.hz[seen.decibels[0].argmax()] == pytest.approx(5000, abs=float(seen.hz[1]))


def test_colours_span_80_decibels_and_leave_the_loudness_of_an_mfcc_out(sound):
    level = views.view_of("log-mel", sound, CONFIG)
    assert level.colour_range(20) == (level.high - 20, level.high)
    assert level.colour_range(1000) == (level.low, level.high)
    low, high = views.view_of("mfcc", sound, CONFIG).colour_range()
    assert views.view_of("mfcc", sound, CONFIG).low < low < high
