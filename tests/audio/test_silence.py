import numpy as np
import pytest

from labcore.audio import sound_weights, weighted_mean

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
    weights = sound_weights(samples, BOUNDS)
    assert weights.dtype == np.float32
    assert weights.tolist() == expected


def test_a_single_window_always_counts():
    assert sound_weights(clip(0, 0), [(0, 100)]).tolist() == [1]


def test_the_mean_is_of_those_that_count():
    rows = np.array([[0.5, 0.5], [0.9, 0.1], [0.0, 1.0]], dtype=np.float32)
    np.testing.assert_array_equal(weighted_mean(rows, np.ones(3, np.float32)), rows.mean(0))
    np.testing.assert_array_equal(weighted_mean(rows, np.array([1, 0, 0], np.float32)), rows[0])
