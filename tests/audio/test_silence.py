import numpy as np
import pytest

from labcore.audio.silence import energies_of, weights_of_energies

BOUNDS = [(0, 100), (50, 150), (100, 200)]


def clip(*levels):
    return np.repeat(np.array(levels, dtype=np.int16), 50)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (clip(1000, 1000, 1000, 1000), [1, 1, 1]),
        (clip(1000, 1000, 0, 0), [1, 1, 0]),
        (clip(10000, 10000, 100, 100), [1, 1, 0]),  # 40 dB below
        (clip(10000, 10000, 500, 500), [1, 1, 1]),  # 26 dB below
        (clip(30, 30, 0, 0), [1, 1, 0]),  # a faint recording has a loudest window, too
        (clip(0, 0, 0, 0), [1, 1, 1]),
        (clip(-32768, -32768, -32768, -32768), [1, 1, 1]),
    ],
)
def test_windows_30_db_below_the_loudest_are_silent(samples, expected):
    weights = weights_of_energies(energies_of(samples, BOUNDS))
    assert weights.dtype == np.float32
    assert weights.tolist() == expected


def test_a_single_window_always_counts():
    assert weights_of_energies(energies_of(clip(0, 0), [(0, 100)])).tolist() == [1]
