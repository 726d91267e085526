"""Confident learning, against values worked out by hand and against cleanlab."""

import numpy as np
import pandas as pd
import pytest

from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.label_errors import (
    confident_classes,
    looks_wrong,
    qualities,
    suspicions,
    table_of,
    thresholds,
)

PROBABILITIES = np.array(
    [
        [0.9, 0.1, 0.0],
        [0.5, 0.4, 0.1],
        [0.1, 0.8, 0.1],  # labelled 0, looks like 1
        [0.2, 0.7, 0.1],
        [0.4, 0.5, 0.1],
        [0.55, 0.45, 0.0],  # labelled 1, looks like 0
        [0.2, 0.3, 0.5],  # labelled 0; of class 2 there is no clip
    ]
)
GIVEN = np.array([0, 0, 0, 1, 1, 1, 0])


def judged_of(probabilities: np.ndarray, labels: list[str], groups: list[str], names: str) -> ClipPredictions:
    clips = [f"{n}.wav" for n in range(len(labels))]
    known = {"clip": clips, "start_s": 0.0, "end_s": 1.0, "group": groups, "fold": "1", "label": labels}
    frame = pd.DataFrame(known)
    return ClipPredictions(frame.join(pd.DataFrame(probabilities, columns=list(names))), tuple(names))


def test_values_worked_out_by_hand():
    assert thresholds(PROBABILITIES, GIVEN) == pytest.approx([0.425, 0.55, np.inf])
    assert confident_classes(PROBABILITIES, GIVEN).tolist() == [0, 0, 1, 1, -1, 0, -1]
    assert np.flatnonzero(looks_wrong(PROBABILITIES, GIVEN)).tolist() == [2, 5]
    assert qualities(PROBABILITIES, GIVEN) == pytest.approx([0.9, 0.55, 0.15, 0.75, 0.55, 0.45, 0.35])


def test_a_recording_is_one_decision():
    groups = ["a", "b", "c", "c", "c", "d", "c"]
    labels = ["x", "x", "x", "y", "y", "y", "x"]
    judged = judged_of(PROBABILITIES, labels, groups, "xyz")
    found = suspicions(judged)
    assert [(each.group, each.label, each.suggested) for each in found[:2]] == [("c", "x", "y"), ("d", "y", "x")]
    assert found[0].rows.tolist() == [2, 6]  # worst first; the clips of c with the other label are another decision
    assert found[0].quality == pytest.approx(0.25)
    assert found[0].flagged == 1
    assert [each.suspicious for each in found] == [True, True, False, False, False]
    assert sorted(row for each in found for row in each.rows.tolist()) == list(range(7))
    table = table_of(found[:2], judged)
    assert table["clip"].tolist() == ["2.wav", "6.wav", "5.wav"]
    assert table["recording"].tolist() == ["c", "c", "d"]
    assert table["p_label"].tolist() == pytest.approx([0.1, 0.2, 0.45])
    assert table_of([], judged).empty


def test_clips_of_unknown_classes_are_left_out():
    judged = judged_of(PROBABILITIES[:3], ["x", "fox", "x"], ["a", "b", "c"], "xyz")
    assert sorted(row for each in suspicions(judged) for row in each.rows.tolist()) == [0, 2]
    with pytest.raises(RunError, match="no clips of known classes"):
        suspicions(judged_of(PROBABILITIES[:1], ["fox"], ["a"], "xyz"))


def drawn(clips: int, classes: int, wrong: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels of which some are wrong, and which."""
    random = np.random.default_rng(1)
    true = random.integers(0, classes, clips)
    logits = random.normal(0, 1, (clips, classes))
    logits[np.arange(clips), true] += 3
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given, rows = true.copy(), random.permutation(clips)[:wrong]
    given[rows] = (given[rows] + random.integers(1, classes, wrong)) % classes
    return probabilities, given, rows


def test_wrong_labels_come_first():
    probabilities, given, rows = drawn(400, 10, 20)
    names = "abcdefghij"
    judged = judged_of(probabilities, [names[n] for n in given], [str(n) for n in range(400)], names)
    first = [int(each.rows[0]) for each in suspicions(judged)[:40]]
    assert len(set(first) & set(rows.tolist())) >= 18


def test_as_cleanlab_has_it():
    """The reference implementation of the paper's authors."""
    count = pytest.importorskip("cleanlab.count")
    filtering = pytest.importorskip("cleanlab.filter")
    rank = pytest.importorskip("cleanlab.rank")
    probabilities, given, _ = drawn(300, 5, 30)
    assert thresholds(probabilities, given) == pytest.approx(count.get_confident_thresholds(given, probabilities))
    joint, ours = count.compute_confident_joint(given, probabilities, calibrate=False), np.zeros((5, 5), dtype=int)
    counted = confident_classes(probabilities, given)
    np.add.at(ours, (given[counted >= 0], counted[counted >= 0]), 1)
    assert (ours == joint).all()
    issues = filtering.find_label_issues(given, probabilities, filter_by="confident_learning", n_jobs=1)
    assert looks_wrong(probabilities, given).tolist() == issues.tolist()
    margins = rank.get_normalized_margin_for_each_label(given, probabilities)
    assert qualities(probabilities, given) == pytest.approx(margins)
