"""How many alarms there are at a threshold is how many events are reported there; thresholds for a wanted number."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from labcore.alarms.background import Background
from labcore.alarms.onsets import MARGIN, Onsets, places_in_all, poisson_interval
from labcore.batch.segments import segments_of
from labcore.inference.thresholds import NEVER
from tests.alarms.hours import LABELS, drawn, heard_by


def alone(*scores: float) -> Onsets:
    """Alarms apart from each other."""
    return Onsets.of(np.full(len(scores), -1.0), np.array(scores))


def test_alarms_are_the_events_that_are_reported(make_run) -> None:
    """At any thresholds a class, of recordings one after the other, with classes that are no event between."""
    names = [*LABELS, "background"]
    predictions = {f"/{seed}.wav": drawn(60, seed, names) for seed in range(4)}
    heard = Background.of(heard_by(make_run(), predictions))
    random = np.random.default_rng(0)
    for _ in range(20):
        thresholds = dict(zip(LABELS, random.choice([0.0, 0.3, 0.33, 0.5, 0.8, 0.95, 1.0], 3).tolist(), strict=True))
        expected = {
            (file, each.start_s, each.end_s, each.label, each.highest)
            for file, said in predictions.items()
            for each in segments_of(said, thresholds)
        }
        found = heard.alarms(thresholds)
        assert {(each.file, each.start_s, each.end_s, each.label, each.highest) for each in found} == expected
        assert [each.highest for each in found] == sorted((each.highest for each in found), reverse=True)
        counts = {label: onsets.count(thresholds[label]) for label, onsets in heard.onsets().items()}
        assert counts == {label: sum(row[3] == label for row in expected) for label in LABELS}


def test_the_lowest_threshold_from_which_on_there_are_so_many() -> None:
    onsets = alone(0.9, 0.7, 0.5)
    for most, above, upto in ((0, 0.9, 1.0), (1, 0.7, 0.9), (2, 0.5, 0.7)):
        threshold = onsets.threshold(onsets.place(most))
        assert above < threshold <= min(upto, above + MARGIN)
        assert onsets.count(threshold) == most
    assert onsets.threshold(onsets.place(3)) == onsets.threshold(onsets.place(99)) == 0.0


def test_one_long_alarm_that_falls_apart_above_counts_as_the_parts() -> None:
    """Scores 0.9, 0.4, 0.9 side by side: one alarm up to 0.4, two up to 0.9. Nobody gets one alarm by going low."""
    onsets = Onsets.of(np.array([-1.0, 0.4]), np.array([0.9, 0.9]))
    assert [onsets.count(threshold) for threshold in (0.2, 0.4, 0.5, 0.9, 0.95)] == [1, 1, 2, 2, 0]
    assert onsets.threshold(onsets.place(1)) > 0.9
    assert onsets.threshold(onsets.place(2)) == 0.0


def test_a_class_without_alarms_and_one_that_is_always_sure() -> None:
    assert alone().threshold(alone().place(0)) == 0.0
    sure = alone(1.0, 1.0)
    assert sure.threshold(sure.place(1)) == NEVER
    assert sure.count(NEVER) == 0
    assert sure.threshold(sure.place(2)) == 0.0


def test_scores_that_lie_close_are_told_apart() -> None:
    scores = (1 - 2e-7, 1 - 1e-7)
    onsets = alone(*scores)
    assert scores[0] < onsets.threshold(onsets.place(1)) < scores[1]
    assert scores[1] < onsets.threshold(onsets.place(0)) < 1


def test_classes_share_what_is_wanted_in_all() -> None:
    loud, quiet = alone(0.9, 0.8, 0.7, 0.6), alone(0.3)

    def alarms(most: int) -> list[int]:
        places = places_in_all([loud, quiet], most)
        return [each.count(each.threshold(place)) for each, place in zip((loud, quiet), places, strict=True)]

    assert alarms(0) == [0, 0]
    assert alarms(1) == [1, 0]  # the highest threshold is lowered first
    assert alarms(2) == [1, 1]  # equally many
    assert alarms(4) == [3, 1]  # what one does not need is for the other
    assert alarms(99) == [4, 1]


@pytest.mark.parametrize("seed", range(5))
def test_never_more_than_is_wanted(seed: int) -> None:
    random = np.random.default_rng(seed)
    high = [random.random(30) for _ in range(4)]
    classes = [Onsets.of(np.where(random.random(30) < 0.5, -1.0, each * random.random(30)), each) for each in high]
    for most in range(0, 140, 7):
        places = places_in_all(classes, most)
        thresholds = [each.threshold(place) for each, place in zip(classes, places, strict=True)]
        for above in (0.0, 0.05, 0.3):  # and so above these thresholds
            assert sum(each.count(value + above) for each, value in zip(classes, thresholds, strict=True)) <= most


def test_the_interval_of_a_rate() -> None:
    assert poisson_interval(0, 2.0) == (0.0, pytest.approx(3 / 2, rel=0.01))  # the rule of three
    low, high = poisson_interval(10, 4.0)
    assert (4 * low, 4 * high) == (pytest.approx(4.795, abs=0.001), pytest.approx(18.39, abs=0.01))
    assert poisson.sf(9, 4 * low) == pytest.approx(0.025)
    assert poisson.cdf(10, 4 * high) == pytest.approx(0.025)
