"""Progress of work that reports by a callback."""

from __future__ import annotations

import pytest

from labcore.jobs.following import OnProgress, Stopped, follow
from tests.training.outcome import outcome


def count_to_three(progress: OnProgress) -> str:
    for number in (1, 2, 3):
        progress(number, 3)
    return "done"


def test_progress_says_of_what_it_counts():
    events, value = outcome(follow("timing", count_to_three, lambda: False, unit="steps"))
    assert value == "done"
    assert (events[-1].what, events[-1].done, events[-1].total, events[-1].unit) == ("timing", 3, 3, "steps")
    assert outcome(follow("reading", count_to_three, lambda: False))[0][-1].unit == "clips"


def test_a_stop_ends_the_work():
    with pytest.raises(Stopped):
        outcome(follow("timing", count_to_three, lambda: True))
