from itertools import pairwise

import pytest
import torch

from labcore.augment import (
    AddNoise,
    Augmentation,
    Bands,
    Equaliser,
    Gain,
    Mask,
    Mix,
    PitchShift,
    Reverb,
    Speed,
    TimeScale,
)
from labcore.config import RunConfig
from labcore.features import LogMel


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def augmenting(**strengths):
    return RunConfig().replace({f"augment.{name}": value for name, value in strengths.items()})


def test_noise_keeps_to_its_signal_to_noise_ratios():
    waveforms = torch.sin(torch.arange(16000) * 0.3).repeat(64, 1)
    noise = AddNoise(1.0, 10.0)(waveforms) - waveforms
    ratio_db = 10 * torch.log10(waveforms.square().mean(1) / noise.square().mean(1))
    assert ratio_db.min() > 9.9
    assert ratio_db.max() < 40.1
    assert ratio_db.std() > 5


def test_noise_reaches_its_share_of_the_clips():
    waveforms = torch.randn(400, 800)
    changed = (AddNoise(0.25, 0.0)(waveforms) != waveforms).any(1).float().mean()
    assert 0.15 < changed < 0.35


def test_noise_on_silence_stays_silence():
    assert torch.equal(AddNoise(1.0, 0.0)(torch.zeros(4, 800)), torch.zeros(4, 800))


@pytest.mark.parametrize(("colour", "slope_db"), [("white", 0.0), ("pink", -3.0), ("brown", -6.0)])
def test_noise_of_a_colour_falls_with_the_frequency(colour, slope_db):
    noise = AddNoise(1.0, -30.0, colour)(torch.full((64, 16384), 0.1)) - 0.1
    power = torch.fft.rfft(noise).abs().square().sum(0)
    octaves = [10 * torch.log10(power[2**k : 2 ** (k + 1)].mean()) for k in range(6, 13)]
    slopes = [(b - a).item() for a, b in pairwise(octaves)]
    assert sum(slopes) / len(slopes) == pytest.approx(slope_db, abs=0.3)


@pytest.mark.parametrize("colour", ["white", "pink", "brown", "any"])
def test_all_noise_that_counts_is_heard(colour):
    """Brown noise over five seconds lies below 50 Hz but for a four-hundredth of its power."""
    config = augmenting(noise=1.0, noise_colour=colour).replace({"audio.clip_seconds": 5.0})
    noise = Augmentation(config.augment, LogMel(config), 100).on_waveform[0]
    made = noise(torch.full((4, config.clip_samples), 0.1)) - 0.1
    power = torch.fft.rfft(made.double()).abs().square()
    heard = torch.fft.rfftfreq(config.clip_samples, 1 / config.sample_rate) >= 50.0
    assert (power[:, heard].sum(1) / power.sum(1)).min() > 0.999


def test_recorded_noise_is_what_is_added_each_time_from_another_place():
    recording = torch.arange(1000.0) + 1.0
    waveforms = torch.ones(8, 300)
    added = AddNoise(1.0, 0.0, recording=recording)(waveforms) - waveforms
    ratios = added[:, 1:] - added[:, :-1]
    level = added / recording[None, :300]
    assert (ratios > 0).float().mean() > 0.98  # it rises as the recording does, but where that begins again
    assert level[:, 0].unique().numel() == 8


def test_reverberation_keeps_the_level_and_lasts_as_long_as_it_may():
    click = torch.zeros(32, 8000)
    click[:, 100] = 1.0
    heard = Reverb(1.0, 0.5, 8000)(click)
    torch.testing.assert_close(heard.square().sum(1), torch.ones(32))
    tail = heard[:, 101:].abs()
    assert (tail[:, :400].amax(1) > 0).all()
    assert tail[:, 4100:].max() < 1e-5  # nothing beyond the half second, nothing that came round
    assert torch.equal(heard[:, :100].abs() < 1e-5, torch.ones(32, 100, dtype=torch.bool))
    loud = heard[:, 101:].square().sum(1) / heard[:, 100].square()
    assert 10 ** (-1.55) < loud.min() < loud.max() < 1.1


def test_reverberation_reaches_its_share_of_the_clips():
    clips = torch.randn(200, 400)
    assert 0.3 < (Reverb(0.5, 0.1, 8000)(clips) != clips).any(1).float().mean() < 0.7


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_bands_lie_where_the_front_end_puts_them(scale):
    config = RunConfig().replace({"features.mel_scale": scale, "features.n_fft": 8192, "features.win_length": 1024})
    bank = LogMel(config).spectrogram.mel_scale.fb  # (bins, n_mels)
    hertz = torch.linspace(0, config.sample_rate / 2, len(bank))
    peaks = hertz[bank.argmax(0)]
    centres = Bands(64, config.f_min, config.f_max, scale).centres
    torch.testing.assert_close(peaks, centres, atol=config.sample_rate / 8192, rtol=0)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_transposing_moves_a_tone_to_its_new_pitch(scale):
    config = RunConfig().replace({"features.mel_scale": scale})
    log_mel = LogMel(config)
    bands = Bands(64, config.f_min, config.f_max, scale)
    time = torch.arange(22050) / 22050

    def peak(hertz, factor=1.0):
        power = log_mel.power(torch.sin(2 * torch.pi * hertz * time)[None])
        return bands.transposed(power, torch.tensor([factor]))[0].sum(1).argmax().item()

    assert peak(500.0, 2.0) == pytest.approx(peak(1000.0), abs=1)
    assert peak(3000.0, 0.75) == pytest.approx(peak(2250.0), abs=1)


def test_transposing_by_nothing_changes_nothing_and_what_leaves_the_bands_is_gone():
    bands = Bands(32, 0.0, 8000.0)
    power = torch.rand(2, 32, 7)
    torch.testing.assert_close(bands.transposed(power, torch.ones(2)), power, atol=1e-4, rtol=0)
    assert bands.transposed(power, torch.full((2,), 3.0))[:, 0].max() < power[:, 0].max()
    assert bands.transposed(power, torch.full((2,), 0.25))[:, -1].max() == 0


def test_pitch_shift_leaves_the_frames_where_they_are():
    power = torch.zeros(16, 64, 20)
    power[:, 20:30, 11] = 1.0
    shifted = PitchShift(6.0, Bands(64, 50.0, 9900.0))(power)
    assert (shifted.sum(1).argmax(1) == 11).all()
    assert shifted.sum(2).argmax(1).unique().numel() > 4


def test_speed_makes_faster_ones_higher():
    needed = TimeScale.frames_needed(101, 0.25)
    power = torch.zeros(64, 64, needed)
    middle = (needed - 1) // 2
    power[:, 30, middle - 30], power[:, 30, middle + 30] = 1.0, 1.0
    played = Speed(101, 0.25, Bands(64, 50.0, 9900.0))(power)
    frames = [row.nonzero()[[0, -1], 0] for row in played.sum(1) > 0]
    distances = torch.tensor([float(last - first) for first, last in frames])
    pitches = played.sum(2).argmax(1).float()
    assert torch.corrcoef(torch.stack([distances, pitches]))[0, 1] < -0.9


def test_equaliser_is_a_smooth_curve_within_its_decibels():
    curves = 10 * torch.log10(Equaliser(6.0)(torch.ones(200, 64, 3))[:, :, 0])
    assert 5 < curves.abs().max() <= 6.001
    assert (curves[:, 1:] - curves[:, :-1]).abs().max() < 12 * 4 / 63 + 0.01


def test_the_chain_gives_what_its_parts_give_one_after_the_other():
    config = augmenting(noise=0.5, reverb=0.5, speed=0.1, pitch_semitones=2, equaliser_db=6).replace(
        {"audio.clip_seconds": 0.5}
    )
    log_mel = LogMel(config)
    frames = log_mel.frames(config.clip_samples)
    chain = Augmentation(config.augment, log_mel, frames)
    waveforms, targets = torch.randn(4, (chain.frames_needed - 1) * log_mel.hop_length), torch.eye(4)
    torch.manual_seed(1)
    images, soft = chain(waveforms, targets, True)
    torch.manual_seed(1)
    power, expected = chain.mix(chain.on_power(log_mel.power(chain.on_waveform(waveforms))), targets)
    assert images.shape == (4, 64, frames)
    assert torch.equal(images, chain.on_log_mel(log_mel.normalise(log_mel.decibels(power))))
    assert torch.equal(soft, expected)


def test_time_scale_cuts_to_the_frames_and_keeps_a_steady_sound():
    needed = TimeScale.frames_needed(100, 0.2)
    assert needed == 120
    steady = torch.rand(4, 16, 1).expand(4, 16, needed)
    torch.testing.assert_close(TimeScale(100, 0.2)(steady), steady[:, :, :100])


def test_time_scale_changes_the_tempo_within_its_bounds():
    needed = TimeScale.frames_needed(101, 0.25)
    clicks = torch.zeros(64, 1, needed)
    middle = (needed - 1) // 2
    clicks[:, :, middle - 40], clicks[:, :, middle + 40] = 1.0, 1.0
    scaled = TimeScale(101, 0.25)(clicks)[:, 0]
    distances = torch.tensor(
        [row.nonzero()[-1].item() - row.nonzero()[0].item() for row in scaled if (row > 0).sum() > 1]
    )
    assert 60 <= distances.min() < 72
    assert 88 < distances.max() <= 102


def test_time_scale_of_zero_does_nothing():
    power = torch.rand(2, 8, 30)
    assert TimeScale.frames_needed(30, 0.0) == 30
    assert TimeScale(30, 0.0)(power) is power


def test_gain_stays_within_its_decibels():
    ratio_db = 10 * torch.log10(Gain(6.0)(torch.ones(200, 2, 3))[:, 0, 0])
    assert ratio_db.abs().max() <= 6.001
    assert ratio_db.max() > 4
    assert ratio_db.min() < -4


def test_mix_adds_energies_and_labels_in_one_ratio():
    power = torch.zeros(64, 2, 5)
    power[::2, 0], power[1::2, 1] = 1.0, 1.0  # every other clip lies in the other band, all equally loud
    targets = torch.nn.functional.one_hot(torch.arange(64) % 2, 2).float()
    mixed, soft = Mix(1.0)(power, targets)
    torch.testing.assert_close(soft.sum(1), torch.ones(64))
    # equal levels: amplitudes are in the ratio of the labels, energies in that of their squares
    expected = soft.square() / soft.square().sum(1, keepdim=True)
    torch.testing.assert_close(mixed[:, :, 0], expected)


def test_mix_of_a_loud_and_a_soft_clip_weighs_by_level():
    power = torch.ones(2, 4, 5)
    power[1] *= 100.0
    mixed, _ = Mix(1.0)(power, torch.eye(2))
    assert mixed[0].max() < 60  # a plain energy average would be near the loud clip's 100 for most ratios


def test_mix_leaves_its_share_alone():
    targets = torch.eye(4).repeat(100, 1)
    _, soft = Mix(0.3)(torch.rand(400, 4, 5) + 0.1, targets)
    assert 0.2 < (soft.amax(1) < 1).float().mean() < 0.4


@pytest.mark.parametrize("axis", [1, 2])
def test_masks_blank_whole_rows_or_columns_up_to_their_share(axis):
    log_mel = torch.ones(200, 20, 50)
    masked = Mask(axis, 0.2, 1)(log_mel)
    other = 3 - axis
    assert torch.equal(masked.amin(other), masked.amax(other))  # nothing but whole stretches
    blank = (masked.amin(other) == 0).float().mean(1)
    assert blank.max() <= 0.25
    assert 0.05 < blank.mean() < 0.15


def test_a_strength_of_zero_leaves_the_module_out():
    strengths = ("noise", "gain_db", "time_mask", "freq_mask", "time_scale", "mixup", "pitch_semitones", "equaliser_db")
    config = augmenting(**dict.fromkeys(strengths, 0))
    chain = Augmentation(config.augment, LogMel(config), 10)
    assert len(chain.on_waveform) == len(chain.on_log_mel) == 0
    power = torch.rand(2, 4, 10)
    assert torch.equal(chain.on_power(power), power)
    assert torch.equal(chain.mix(power, torch.eye(2))[0], power)


def test_the_same_seed_draws_the_same():
    config = augmenting(noise=0.5)
    chain = Augmentation(config.augment, LogMel(config), 10).on_waveform
    waveforms = torch.randn(3, 500)
    draws = []
    for _ in range(2):
        torch.manual_seed(5)
        draws.append(chain(waveforms))
    assert torch.equal(*draws)
