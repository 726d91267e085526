from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from labcore.config import DataConfig
from labcore.datasets.timed.gathering import LabelRow
from labcore.datasets.timed.windows import automatic_seconds, free_windows, windows_of


def rows(*labels: tuple[float, float, str]) -> list[LabelRow]:
    return [LabelRow(Path("x.txt"), n, "x.wav", start, end, label) for n, (start, end, label) in enumerate(labels, 1)]


def cut(
    labels: list[LabelRow], length: float = 20.0, seconds: float = 2.0, **settings: Any
) -> list[tuple[float, float, str]]:
    data = DataConfig.model_validate(settings)
    return [(start, end, label) for (start, end), label in windows_of(labels, length, seconds, data)]


def fates(labels: list[LabelRow]) -> list[tuple[str, str, int]]:
    return [(row.outcome, row.reason, row.clips) for row in labels]


def test_windows_are_centred_on_labels_and_stay_in_the_recording():
    labels = rows((5, 6, "a"), (0, 0.4, "b"), (19.9, 20, "a"), (10, 10, "b"))
    assert cut(labels) == [(0, 2, "b"), (4.5, 6.5, "a"), (9, 11, "b"), (18, 20, "a")]
    assert all(fate == ("used", "", 1) for fate in fates(labels))
    assert cut(rows((0.2, 0.4, "a")), length=1.5) == [(0, 1.5, "a")]


def test_a_long_label_has_several_windows_side_by_side():
    labels = rows((2, 8.5, "a"))
    assert cut(labels) == [(2, 4, "a"), (4.25, 6.25, "a"), (6.5, 8.5, "a")]
    assert labels[0].clips == 3


def test_windows_on_a_grid_hold_enough_of_a_label():
    labels = rows((1.2, 2.4, "a"), (7, 9, "b"), (17.9, 18.1, "a"))
    assert cut(labels, windows="grid") == [(0, 2, "a"), (6, 8, "b"), (8, 10, "b"), (16, 18, "a"), (18, 20, "a")]
    assert cut(rows((1.2, 2.4, "a")), windows="grid", least_overlap=0.3) == [(0, 2, "a"), (2, 4, "a")]
    assert cut(rows((1.2, 2.4, "a")), windows="grid", window_overlap=0.5) == [(0, 2, "a"), (1, 3, "a")]
    short = rows((1.2, 1.9, "a"))
    assert cut(short, windows="grid", overlap_of="window") == []
    assert fates(short) == [("dropped", "too short", 0)]
    assert cut(rows((1.2, 1.9, "a")), windows="grid", overlap_of="window", least_overlap=0.35) == [(0, 2, "a")]
    long = rows((0, 20, "a"))
    assert len(cut(long, windows="grid", overlap_of="event")) == 0
    assert len(cut(long, windows="grid")) == 10


def test_the_end_of_a_recording_is_in_the_grid():
    assert cut(rows((6.2, 6.9, "a")), length=7.0, windows="grid") == [(5, 7, "a")]
    assert cut(rows((0.2, 0.9, "a")), length=1.0, windows="grid") == [(0, 1, "a")]


def test_windows_of_two_classes_are_dropped_or_go_to_the_longer_one():
    labels = rows((4, 5, "a"), (4.2, 5.9, "b"), (10, 11, "a"))
    assert cut(labels) == [(9.5, 11.5, "a")]
    assert fates(labels)[:2] == [("dropped", "overlaps another class", 0)] * 2
    assert labels[0].why == "it overlaps b"
    labels = rows((4, 5, "a"), (4.2, 5.9, "b"), (10, 11, "a"))
    assert {label for *_, label in cut(labels, mixed_windows="longest")} == {"a", "b"}
    assert fates(labels)[0] == ("dropped", "overlaps another class", 0)
    assert labels[1].outcome == "used"


def test_labels_of_one_class_that_overlap_are_merged():
    labels = rows((4, 5, "a"), (4.5, 6, "a"), (4, 5, "a"), (6, 7, "a"))
    assert cut(labels) == [(4, 6, "a"), (5.5, 7.5, "a")]
    assert [row.outcome for row in labels] == ["used", "merged", "merged", "used"]
    assert labels[1].why == "it overlaps that of line 1"


def test_labels_as_they_are():
    labels = rows((4, 5.5, "a"), (4, 5.5, "a"), (9, 9.01, "b"), (12, 15, "b"))
    assert cut(labels, windows="exact") == [(4, 5.5, "a"), (12, 15, "b")]
    assert [row.outcome for row in labels] == ["used", "merged", "dropped", "used"]
    assert labels[2].why == "it lasts 10 ms"


def test_every_label_has_a_fate_that_agrees_with_the_windows():
    """Whatever is asked for: a used label has windows, a dropped one has a reason and none, and all windows lie inside."""
    for kind in ("centred", "grid", "exact"):
        for mixed in ("drop", "longest"):
            for overlap in (0.0, 0.5):
                labels = rows(*((n * 0.7 % 17, n * 0.7 % 17 + n % 5 / 2, "abc"[n % 3]) for n in range(40)))
                made = cut(labels, windows=kind, mixed_windows=mixed, window_overlap=overlap, length=19.5)
                assert all(0 <= start < end <= 19.5 for start, end, _ in made)
                assert len({(start, end) for start, end, _ in made}) == len(made)
                assert {row.label for row in labels if row.outcome == "used"} == {label for *_, label in made}
                for row in labels:
                    assert bool(row.clips) == (row.outcome == "used"), row
                    assert bool(row.reason) == (row.outcome != "used"), row


def test_automatic_length():
    assert automatic_seconds(rows((0, 0.1, "a"), (1, 1.2, "a"))) == 1.0
    assert automatic_seconds(rows((0, 30, "a"), (1, 25, "a"))) == 10.0
    assert automatic_seconds(rows(*[(0, 3, "a")] * 9, (0, 3.5, "a"))) == 3.0
    assert automatic_seconds([]) == 1.0


def test_a_few_labels_more_leave_the_automatic_length():
    """What was decided on windows holds for windows of that length: a set that grows keeps it."""
    labels = [(0, 1.3 + n / 100, "a") for n in range(20)]
    assert automatic_seconds(rows(*labels)) == automatic_seconds(rows(*labels, (0, 0.9, "a"), (0, 1.45, "b"))) == 1.5
    assert automatic_seconds(rows((0, 2.004, "a"))) == 2.0


def test_what_is_free_touches_nothing_that_is_labelled():
    taken = [(3.0, 3.5), (8.0, 8.0), (8.5, 12.0), (9.0, 10.0)]
    assert free_windows([(0.0, 20.0)], taken, 20.0, 2.0) == [
        (0, 2),
        (4, 6),
        (6, 8),
        (12, 14),
        (14, 16),
        (16, 18),
        (18, 20),
    ]
    assert free_windows([(0.0, math.inf)], [], 5.0, 2.0) == [(0, 2), (2, 4)]
    assert free_windows([(1.0, 4.0), (10.0, 12.5)], [(11.0, 11.1)], 20.0, 1.0) == [(1, 2), (2, 3), (3, 4), (10, 11)]
    assert free_windows([(0.0, 1.0)], [], 1.0, 2.0) == [(0, 1)]
    assert free_windows([], [], 5.0, 2.0) == []


def test_a_window_may_keep_all_its_labels():
    both = rows((0.0, 2.0, "wren"), (1.0, 2.0, "robin"))
    assert cut(both, 4.0, windows="grid", mixed_windows="all") == [(0.0, 2.0, "wren;robin")]
    assert fates(both) == [("used", "", 1), ("used", "", 1)]
    assert cut(rows((0.0, 2.0, "wren"), (1.0, 2.0, "robin")), 4.0, windows="grid") == []
