import itertools

import numpy as np
import pytest

from labcore.audio import window_bounds
from labcore.audio.windowed import WindowCutter, energies_of, weights_of_energies


@pytest.mark.parametrize(("window", "hop"), [(200, 100), (200, 200), (200, 500), (200, 1), (10, 7), (1, 1)])
@pytest.mark.parametrize("together", [1, 4])
def test_the_windows_are_those_of_the_whole(window, hop, together):
    draw = np.random.default_rng(window + hop)
    for samples in [1, window - 1, window, window + 1, window + 2, window + 3, 3 * window, 3 * window + 1, 1000, 1201]:
        if samples < 1:
            continue
        sound = draw.integers(-9, 9, samples).astype(np.int16)
        cutter, bounds, heard, counts = WindowCutter(window, hop, together), [], [], []
        edges = sorted({0, samples, *draw.integers(0, samples, 12).tolist()})
        for begin, end in itertools.pairwise(edges):
            stretch = cutter.add(sound[begin:end].copy(), last=end == samples)
            if stretch is None:
                continue
            counts.append(len(stretch.bounds))
            bounds += [(stretch.begin + first, stretch.begin + last) for first, last in stretch.bounds]
            heard += [stretch.samples[first:last] for first, last in stretch.bounds]
        assert bounds == window_bounds(samples, window, hop)
        assert cutter.seen == samples
        for (begin, end), piece in zip(bounds, heard, strict=True):
            np.testing.assert_array_equal(piece, sound[begin:end])
        assert all(count % together == 0 for count in counts[:-1])


def test_what_is_kept_does_not_grow():
    cutter = WindowCutter(100, 50, 4)
    for _ in range(200):
        cutter.add(np.ones(75, np.int16), last=False)
        assert sum(map(len, cutter._kept)) < 100 + 50 * 5 + 75


def test_nothing_makes_no_window():
    assert WindowCutter(100, 50).add(np.empty(0, np.int16), last=True) is None


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
