"""What is told of a take: its verdict, and where in it the sound lies."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.datasets.takes.levels import levels_of
from labcore.errors import AudioError

RATE = 16000


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.mark.parametrize(
    ("level", "verdict"),
    [(0.0, "dead"), (5e-5, "dead"), (8e-4, "silent"), (4e-3, "quiet"), (0.02, "fine"), (0.9, "fine")],
)
def test_the_verdict_follows_the_loudest_moment(tone, level, verdict):
    assert levels_of(tone(level=level), RATE).verdict == verdict


def test_one_short_word_in_a_long_silence_is_fine(tone):
    levels = levels_of(np.concatenate([silence(4), tone(seconds=0.05, level=0.3), silence(4)]), RATE)
    assert levels.verdict == "fine"
    assert levels.sentence == ""


def test_runs_at_full_scale_are_clipped_and_single_peaks_are_not(tone):
    over = np.clip(tone(level=4.0), -1, 1)
    assert levels_of(over, RATE).verdict == "clipped"
    assert "at full scale" in levels_of(over, RATE).sentence
    touching = tone(level=0.5)
    touching[::500] = 1.0
    assert levels_of(touching, RATE).verdict == "fine"


def test_silence_at_the_ends_is_found_over_the_noise_of_a_room(tone, noise):
    room = noise(3.0, level=0.002)
    room[RATE : 2 * RATE] += tone(seconds=1.0, level=0.2)
    start, end = levels_of(room, RATE).sound
    assert (start, end) == (pytest.approx(0.9, abs=0.03), pytest.approx(2.1, abs=0.03))


def test_what_stands_out_of_nothing_has_no_ends(noise):
    assert levels_of(noise(2.0, level=0.1), RATE).sound == (0.0, 2.0)


def test_a_press_that_was_too_short_is_refused(tone):
    with pytest.raises(AudioError, match=r"0\.05 s"):
        levels_of(tone(seconds=0.05), RATE)
