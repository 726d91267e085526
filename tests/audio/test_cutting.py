import itertools

import numpy as np
import pytest

from labcore.audio import window_bounds
from labcore.audio.cutting import WindowCutter


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
