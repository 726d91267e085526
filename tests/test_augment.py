import pytest
import torch

from labcore.augment import AddNoise, Augmentation, Gain, Mask, Mix, TimeScale
from labcore.config import AugmentConfig


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


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
    chain = Augmentation(AugmentConfig(noise=0, gain_db=0, time_mask=0, freq_mask=0, time_scale=0, mixup=0), 10)
    assert len(chain.on_waveform) == len(chain.on_log_mel) == 0
    power = torch.rand(2, 4, 10)
    assert torch.equal(chain.on_power(power), power)
    assert torch.equal(chain.mix(power, torch.eye(2))[0], power)


def test_the_same_seed_draws_the_same():
    chain = Augmentation(AugmentConfig(noise=0.5), 10).on_waveform
    waveforms = torch.randn(3, 500)
    draws = []
    for _ in range(2):
        torch.manual_seed(5)
        draws.append(chain(waveforms))
    assert torch.equal(*draws)
