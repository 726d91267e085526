"""Intervals of shares: clips that share sound are no trials of their own."""

from __future__ import annotations

import pytest

from labcore.evaluation.intervals import ByRecording, distinct_clips, effective_clips, wilson_interval


def test_windows_that_overlap_count_their_sound_once():
    files, starts, ends = ["a", "a", "b", "b"], [0.0, 0.5, 0.0, 1.0], [1.0, 1.5, 1.0, 2.0]
    assert distinct_clips(files, starts, ends) == pytest.approx(4 * 3.5 / 4)
    assert distinct_clips(files[2:], starts[2:], ends[2:]) is None  # one follows the other
    assert distinct_clips(["a", "b"], [0.0, 0.5], [1.0, 1.5]) is None  # of two files
    assert distinct_clips(["a"] * 3, [0.0] * 3, [1.0] * 3) == pytest.approx(1)  # the same sound three times
    chain = 100  # windows of 1 s at a hop of 0.5 s
    found = distinct_clips(["a"] * chain, [n / 2 for n in range(chain)], [n / 2 + 1 for n in range(chain)])
    assert found == pytest.approx(chain * 50.5 / 100)


def test_the_interval_goes_by_distinct_clips():
    assert wilson_interval(70, 200) == pytest.approx((0.2873, 0.4184), abs=1e-3)
    assert wilson_interval(70, 200, 100.0) == wilson_interval(35, 100)
    assert wilson_interval(70, 200, 300.0) == wilson_interval(70, 200)
    assert wilson_interval(0, 0, 0.0) == (0.0, 1.0)


def test_clips_of_one_recording_that_stand_and_fall_together_are_worth_one():
    """Of 20 recordings of 10 clips each 15 are right as a whole: as much as 19 clips tell, one degree of freedom being the mean's."""
    recordings = [number // 10 for number in range(200)]
    right = [number < 150 for number in range(200)]
    by_recording = ByRecording.of(right, recordings)
    assert by_recording.recordings == 20
    assert effective_clips(150, 200, by_recording) == pytest.approx(19)
    assert effective_clips(150, 200, by_recording, 12.0) == 12
    halves = [ByRecording.of(right[part], recordings[part]) for part in (slice(100), slice(100, 200))]
    assert ByRecording.together(halves) == by_recording
    assert ByRecording.together([*halves, None]) is None


def test_clips_that_have_nothing_in_common_count_all():
    apart = ByRecording.of([True, False] * 20, range(40))
    assert effective_clips(20, 40, apart) is None
    even = ByRecording.of([True, False] * 20, [number // 2 for number in range(40)])  # all recordings are alike
    assert effective_clips(20, 40, even) is None
    for hits, one in ((40, True), (0, False)):
        assert effective_clips(hits, 40, ByRecording.of([one] * 40, [number // 4 for number in range(40)])) is None
    assert effective_clips(20, 40, ByRecording.of([True, False] * 20, [0] * 40)) is None  # tells nothing of others
    assert effective_clips(20, 40, None, 30.0) == 30
    assert effective_clips(0, 0, ByRecording.of([], []), None) is None


def test_sums_that_cannot_be_stop_nothing():
    """As a damaged file may tell them."""
    for sums in ((2, 0.0, 0.0, 0.0), (3, 0.3125, 0.0, -5.0), (2, 1e300, -1e300, 1e300), (7, 1e9, 0.0, 1e9)):
        low, high = wilson_interval(4, 16, effective_clips(4, 16, ByRecording(*sums)))
        assert 0 <= low <= 0.25 <= high <= 1
