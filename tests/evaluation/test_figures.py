"""All figures against scikit-learn, and against torchmetrics where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from labcore.crossval.summary import FoldResult, pool
from labcore.datasets.by_time import CUT
from labcore.errors import RunError
from labcore.evaluation import bootstrap, clip_predictions
from labcore.evaluation.figures import figures_of_clips, recall_interval
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.metrics import Circumstances, score
from tests.judged import LABELS, drawn, judged, sure

SAID = drawn(90)
FOUND = figures_of_clips(SAID)


def test_shares_are_those_of_scikit_learn() -> None:
    targets, predicted = SAID.targets, SAID.predicted
    assert FOUND.accuracy.value == pytest.approx(metrics.accuracy_score(targets, predicted))
    assert FOUND.balanced_accuracy.value == pytest.approx(metrics.balanced_accuracy_score(targets, predicted))
    assert FOUND.macro_f1.value == pytest.approx(metrics.f1_score(targets, predicted, average="macro"))
    expected = np.array(metrics.precision_recall_fscore_support(targets, predicted)).T
    assert [[each.precision, each.recall, each.f1, each.clips] for each in FOUND.per_class] == pytest.approx(expected)
    matrix = [[FOUND.confusion[true].get(other, 0) for other in LABELS] for true in LABELS]
    assert matrix == metrics.confusion_matrix(targets, predicted).tolist()


def test_the_interval_of_a_recall_goes_by_recordings() -> None:
    right = np.array([True] * 6 + [False] * 2)
    singly = recall_interval(right, np.arange(8))
    assert singly == wilson_interval(6, 8)
    together = recall_interval(
        right, np.array([0, 0, 0, 1, 1, 1, 2, 2])
    )  # each recording is right as a whole, or wrong
    assert together[0] < singly[0]
    assert together[1] > singly[1]
    assert recall_interval(right[:6], np.array([0, 0, 0, 1, 1, 1])) == wilson_interval(2, 2)  # all alike
    assert recall_interval(right, np.zeros(8)) == recall_interval(right[:0], np.zeros(0)) == (None, None)
    one = FOUND.per_class[0]
    assert one.recall_interval[0] < one.recall < one.recall_interval[1]


def test_ranking_is_that_of_sums_of_ones_own() -> None:
    """AUROC as the share of pairs in order; average precision as the mean precision at each hit."""
    for number, each in enumerate(FOUND.per_class):
        shares, positive = SAID.probabilities[:, number], SAID.targets == number
        gaps = shares[positive][:, None] - shares[~positive]
        assert each.auroc == pytest.approx(np.mean((gaps > 0) + 0.5 * (gaps == 0)))
        hits = positive[np.argsort(-shares)]
        assert each.average_precision == pytest.approx(np.mean((hits.cumsum() / np.arange(1, 91))[hits]))
    assert FOUND.auroc == pytest.approx(np.mean([each.auroc for each in FOUND.per_class]))


@pytest.mark.slow
def test_figures_are_those_of_torchmetrics() -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification")
    import torch

    shares, targets = torch.tensor(SAID.probabilities, dtype=torch.float32), torch.tensor(SAID.targets)
    of_class = {
        "precision": functional.multiclass_precision,
        "recall": functional.multiclass_recall,
        "f1": functional.multiclass_f1_score,
        "average_precision": functional.multiclass_average_precision,
        "auroc": functional.multiclass_auroc,
    }
    for name, figure in of_class.items():
        expected = figure(shares, targets, num_classes=3, average="none").tolist()
        assert [getattr(each, name) for each in FOUND.per_class] == pytest.approx(expected, abs=1e-5)
    error = functional.multiclass_calibration_error(shares, targets, num_classes=3, n_bins=15, norm="l1")
    assert FOUND.calibration.error == pytest.approx(float(error), abs=1e-5)


def test_intervals_hold_the_figures_and_widen_where_recordings_are_few() -> None:
    for each in (FOUND.accuracy, FOUND.balanced_accuracy, FOUND.macro_f1):
        assert each.low is not None
        assert each.high is not None
        assert each.low < each.value < each.high
    few = figures_of_clips(
        judged(list(SAID.frame["label"]), SAID.probabilities, groups=[str(n // 9) for n in range(90)])
    )
    assert few.recordings == 10
    assert figures_of_clips(SAID) == FOUND  # the same draws each time


@pytest.mark.parametrize(("recordings", "there"), [(2, False), (3, False), (4, True)])
def test_f1_of_two_or_three_recordings_has_no_interval(recordings: int, there: bool) -> None:
    groups = [str(n % recordings) for n in range(90)]
    found = figures_of_clips(judged(list(SAID.frame["label"]), SAID.probabilities, groups=groups)).macro_f1
    assert found.value == FOUND.macro_f1.value
    assert (found.low is not None, found.high is not None) == (there, there)


def test_the_interval_of_f1_is_that_of_scikit_learn_in_each_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten draws; a class that is not drawn does not count."""
    monkeypatch.setattr(bootstrap, "ROUNDS", 10)
    monkeypatch.setattr(bootstrap, "FEWEST_ROUNDS", 10)
    said, rounds = drawn(12, seed=1), []
    (draws,) = bootstrap.resampled(said.groups)
    for weights in draws.T:
        there = np.unique(said.targets[weights > 0])
        rounds.append(
            metrics.f1_score(
                said.targets, said.predicted, labels=there, average="macro", sample_weight=weights, zero_division=0
            )
        )
    assert len({len(np.unique(said.targets[weights > 0])) for weights in draws.T}) > 1
    ((low, high),) = bootstrap.ends(np.array(rounds)[:, None], 6)
    found = figures_of_clips(said).macro_f1
    assert (found.low, found.high) == pytest.approx((low, high))


def test_clips_that_stand_and_fall_together_make_the_interval_of_the_accuracy_wider() -> None:
    """Nine recordings of ten clips each, three of them wrong as a whole: as much as eight clips tell."""
    labels = [LABELS[n // 10 % 3] for n in range(90)]
    said = sure([*(LABELS[n // 10 % 3 - 1] for n in range(30)), *labels[30:]])
    apart = figures_of_clips(judged(labels, said)).accuracy
    assert (apart.low, apart.high) == pytest.approx(wilson_interval(60, 90))
    found = figures_of_clips(judged(labels, said, groups=[str(n // 10) for n in range(90)]))
    assert found.effective_clips == pytest.approx(8)
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx(wilson_interval(16 / 3, 8))
    parts = figures_of_clips(judged(labels, said, groups=[f"{n // 10}{CUT}{n % 10}" for n in range(90)]))
    assert (parts.recordings, parts.accuracy) == (9, found.accuracy)  # parts by time are of one recording
    assert parts.balanced_accuracy == found.balanced_accuracy


def test_folds_together_have_the_interval_of_their_clips_together() -> None:
    """Also where a fold holds one speaker, which alone tells nothing of others."""
    labels = [LABELS[n % 3] for n in range(60)]
    said = sure([label if n < 45 or n % 2 else LABELS[n % 3 - 1] for n, label in enumerate(labels)])
    whole = judged(labels, said, groups=[str(n // 15) for n in range(60)])
    folds = []
    for number in range(4):
        part = whole.chosen(np.arange(60) // 15 == number)
        told = score(part.predicted, part.targets, list(LABELS), Circumstances(groups=part.groups))
        assert told.effective_clips is None
        known = {"clips": 15, "confusion": told.confusion, "by_recording": told.by_recording}
        folds.append(
            FoldResult("finished", fold=str(number), split="official", run_id="", accuracy=told.accuracy, **known)
        )
    found, pooled = figures_of_clips(whole), pool(folds)
    assert found.effective_clips is not None
    assert found.effective_clips < 15
    assert (pooled.effective_clips, pooled.recordings) == (pytest.approx(found.effective_clips), found.recordings)
    assert (pooled.low, pooled.high) == pytest.approx((found.accuracy.low, found.accuracy.high))


def test_one_recording_has_no_interval_of_recordings() -> None:
    found = figures_of_clips(judged(["cat", "dog"], sure(["cat", "cat"]), groups=["a", "a"]))
    assert (found.balanced_accuracy.low, found.balanced_accuracy.high) == (None, None)
    assert found.accuracy.low == pytest.approx(0.0945, abs=1e-3)


def test_classes_that_are_never_or_always_right_are_not_certain() -> None:
    """Five recordings of each of three classes, all heard as one: Wilson's ends of 0 and 5 of 5 are 0.43 away, a third of each counts."""
    labels = [label for label in LABELS for _ in range(5)]
    found = figures_of_clips(judged(labels, sure([LABELS[0]] * 15), groups=list(map(str, range(15)))))
    balanced = found.balanced_accuracy
    assert balanced.value == pytest.approx(1 / 3)
    assert (balanced.low, balanced.high) == pytest.approx((1 / 3 - 0.4345 / 3, 1 / 3 + 2**0.5 * 0.4345 / 3), abs=1e-4)
    right = figures_of_clips(judged(labels, sure(labels), groups=list(map(str, range(15))))).balanced_accuracy
    assert (right.low, right.high) == pytest.approx((1 - 3**0.5 * 0.4345 / 3, 1), abs=1e-4)
    pieces = figures_of_clips(judged(labels, sure(labels), groups=[str(n // 2) for n in range(15)]))
    assert pieces.balanced_accuracy.low < right.low  # half as many recordings


def test_classes_that_do_not_occur_and_classes_that_are_not_known() -> None:
    found = figures_of_clips(judged(["cat", "dog", "cow", "dog"], sure(["cat", "cat", "cat", "owl"])))
    assert (found.clips, found.unknown) == (3, 1)
    assert found.balanced_accuracy.value == 0.5  # cat 1, dog 0; no owl occurs
    owl = found.per_class[2]
    assert (owl.clips, owl.predicted, owl.average_precision, owl.auroc) == (0, 1, None, None)
    with pytest.raises(RunError, match="none of the clips"):
        figures_of_clips(judged(["cow"], sure(["cat"])))


def test_probabilities_that_are_no_numbers_cost_what_is_made_of_them_alone() -> None:
    found = figures_of_clips(judged(["cat", "dog"], np.full((2, 3), np.nan)))
    assert found.accuracy.value == 0.5
    assert found.auroc is None
    assert found.calibration.error is None


def test_probabilities_are_taken_out_of_the_table_as_often_for_many_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"species {number}" for number in range(30)]
    said = judged(many, sure(many, labels=many), labels=many)
    read: list[object] = []
    true = clip_predictions.class_columns
    monkeypatch.setattr(clip_predictions, "class_columns", lambda labels: read.append(labels) or true(labels))
    assert figures_of_clips(said).accuracy.value == 1
    assert len(read) < 10
