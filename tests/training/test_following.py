"""Progress of work that reports by a callback."""

from __future__ import annotations

import pytest

from labcore.training.following import Progress, Stopped, follow


def count_to_three(progress: Progress) -> str:
    for number in (1, 2, 3):
        progress(number, 3)
    return "done"


def collected(work) -> tuple[list, object]:
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as stop:
            return events, stop.value


def test_progress_says_of_what_it_counts():
    events, value = collected(follow("timing", count_to_three, lambda: False, unit="steps"))
    assert value == "done"
    assert (events[-1].what, events[-1].done, events[-1].total, events[-1].unit) == ("timing", 3, 3, "steps")
    assert collected(follow("reading", count_to_three, lambda: False))[0][-1].unit == "clips"


def test_a_stop_ends_the_work():
    with pytest.raises(Stopped):
        collected(follow("timing", count_to_three, lambda: True))
