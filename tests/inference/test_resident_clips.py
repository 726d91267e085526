import numpy as np
import pytest
import torch

from labcore.config import RunConfig
from labcore.features import LogMel
from labcore.inference import resident_clips
from labcore.inference.resident_clips import WORK_BYTES, ResidentClips, mel_cache, random_starts


def bank_of(*clips, device="cpu"):
    offsets = torch.tensor([0, *np.cumsum([len(clip) for clip in clips])])
    values = torch.cat([torch.tensor(clip, dtype=torch.int16) for clip in clips])
    return ResidentClips(values, offsets, torch.full((len(clips),), 0.5), torch.device(device))


CLIPS = ([1, 2, 3, 4, 5], [10, 20], [7, 8, 9])
CASES = [
    (0, 0, [0.5, 1.0, 1.5, 2.0]),
    (0, 3, [2.0, 2.5, 0, 0]),
    (1, -1, [0, 5.0, 10.0, 0]),
    (1, 9, [0, 0, 0, 0]),
    (2, -9, [0, 0, 0, 0]),
]


AROUND = [
    (0, 1, 5, [2, 3, 4, 5, 1]),
    (0, -2, 3, [4, 5, 1]),
    (0, 4, 3, [5, 1, 2]),
    (1, -1, 4, [0, 10, 20, 0]),
    (1, 1, 4, [20, 0, 0, 10]),
    (1, -2, 4, [0, 0, 10, 20]),
    (2, 7, 3, [8, 9, 7]),
]


@pytest.mark.parametrize("way", ["_copy", "_gather"])
@pytest.mark.parametrize(("clip", "start", "length", "expected"), AROUND)
def test_a_clip_is_a_ring_where_windows_are_cut_around_it(way, clip, start, length, expected):
    windows = getattr(bank_of(*CLIPS), way)(torch.tensor([clip]), torch.tensor([start]), length, True)
    assert windows[0].tolist() == expected


@pytest.mark.parametrize("way", ["_copy", "_gather"])
def test_windows_never_reach_into_the_next_clip(way):
    resident = bank_of(*CLIPS)
    clips, starts = torch.tensor([case[0] for case in CASES]), torch.tensor([case[1] for case in CASES])
    windows = getattr(resident, way)(clips, starts, 4, False) * 0.5
    assert windows.tolist() == [case[2] for case in CASES]
    if way == "_copy":
        assert torch.equal(resident.windows(clips, starts, 4), windows)


def test_frames_are_cut_as_samples_are():
    values = torch.arange(12.0).reshape(6, 2)
    resident = ResidentClips(values, torch.tensor([0, 4, 6]), None, torch.device("cpu"))
    window = resident.windows(torch.tensor([1]), torch.tensor([-1]), 4)
    assert window.tolist() == [[[0, 0], [8, 9], [10, 11], [0, 0]]]


def test_the_mel_bank_holds_what_the_front_end_makes_of_each_clip():
    config = RunConfig().replace({"audio.sample_rate": 8000})
    log_mel = LogMel(config)
    clips = [np.random.default_rng(n).integers(-9999, 9999, 3000 + 700 * n).tolist() for n in range(3)]
    waves = bank_of(*clips)
    seen = []
    mels = mel_cache(waves, log_mel, lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]
    for number, clip in enumerate(clips):
        expected = log_mel.power(torch.tensor([clip]).float() * 0.5)[0].T
        assert torch.equal(mels.values[mels.offsets[number] : mels.offsets[number + 1]], expected)


@pytest.mark.parametrize(
    ("length", "window", "shift", "low", "high"),
    [
        (100, 100, 0, 0, 0),
        (100, 100, 20, -20, 20),
        (150, 100, 0, 0, 50),
        (150, 100, 10, -10, 60),
        (60, 100, 0, -40, 0),
        (60, 100, 10, -50, 10),
    ],
)
def test_starts_crop_place_and_shift(length, window, shift, low, high):
    torch.manual_seed(0)
    starts = random_starts(torch.full((3000,), length), window, shift)
    assert (int(starts.min()), int(starts.max())) == (low, high)


@pytest.mark.parametrize(
    ("width", "values_that_fit", "parts"), [((), 10**12, [10]), ((), 500, [5, 5]), ((64,), 16_000, [2, 2, 2, 2, 2])]
)
def test_no_more_clips_are_worked_on_at_once_than_there_is_memory_for(monkeypatch, width, values_that_fit, parts):
    """On a GPU. A frame of a mel cache counts by its bands."""
    monkeypatch.setattr(resident_clips, "free_bytes", lambda device: values_that_fit * WORK_BYTES)
    values = torch.zeros(1000, *width)
    clips = ResidentClips(values, torch.arange(0, 1001, 100), None, torch.device("cuda"))
    assert [len(part) for part in clips.alike(torch.arange(10))] == parts
