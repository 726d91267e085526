import numpy as np
import pytest

from labcore.cli.reporter import result_line
from labcore.datasets.by_time import CUT
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.label_metrics import score_labels
from labcore.evaluation.metrics import Circumstances, class_rows, event_figures, figures_of, score


def test_the_interval_agrees_with_published_values():
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_score_counts_by_hand():
    predicted = np.array([0, 0, 1, 1, 2, 0])
    targets = np.array([0, 0, 1, 0, 1, 0])
    result = score(predicted, targets, ["a", "b", "c", "d"], Circumstances("3"))
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.confusion == {"a": {"a": 3, "b": 1}, "b": {"b": 1, "c": 1}, "c": {}, "d": {}}
    assert result.per_class["a"] == {"precision": 1.0, "recall": 0.75, "f1": pytest.approx(6 / 7), "clips": 4}
    assert result.macro_f1 == pytest.approx((6 / 7 + 0.5) / 2)  # c and d do not occur
    assert (result.clips, result.fold) == (6, "3")


def test_the_rows_of_a_table_begin_with_the_worst_class():
    figures = figures_of({"a": {"a": 8}, "b": {"a": 2, "b": 2}})
    rows = class_rows(figures.per_class, figures.confusion)
    assert [(row["label"], row["clips"]) for row in rows] == [("b", 4), ("a", 8)]
    assert rows[0]["recall"] == 0.5


def test_events_are_told_apart_from_what_is_none():
    confusion = {
        "dog": {"dog": 5, "cat": 2, "Background": 1},
        "cat": {"cat": 4},
        "Background": {"Background": 6, "noise": 2, "dog": 1},
        "noise": {"noise": 3, "cat": 2},
    }
    told = event_figures(confusion)
    assert told is not None
    assert (told.events, told.found, told.missed) == (12, 9, 1)
    assert (told.quiet, told.false_alarms) == (14, 3)
    assert told.sentence.startswith("Background, noise are no event: 9 of 12 clips of events found")
    assert event_figures({"dog": {"dog": 1}}) is None


def test_several_labels_of_few_recordings_are_told():
    shares, targets = np.array([[0.9], [0.8], [0.3], [0.1]]), np.array([[1], [0], [1], [0]])
    groups = np.array(["a", f"a{CUT}2", "b", "b"], dtype=object)
    result = score_labels(shares, targets, ["x"], np.array([0.5]), Circumstances(groups=groups))
    assert result.recordings == 2
    assert result_line(result).endswith("the clips are of 2 recordings: that says little about other recordings")


@pytest.mark.parametrize(("recordings", "there"), [(3, False), (4, True)])
def test_several_labels_of_two_or_three_recordings_have_no_intervals(recordings: int, there: bool) -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, (60, 2))
    shares = np.clip(0.4 * targets + random.uniform(0, 0.6, targets.shape), 0, 1)
    groups = np.array([str(n % recordings) for n in range(60)], dtype=object)
    result = score_labels(shares, targets, ["x", "y"], np.array([0.5, 0.5]), Circumstances(groups=groups))
    assert (result.mean_ap_low is not None, result.mean_ap_high is not None) == (there, there)
    assert {row["average_precision_low"] is not None for row in result.per_class.values()} == {there}
