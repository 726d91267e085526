"""What trials are judged by: the right figure of an epoch and of a result, and which way is better."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from labcore.events import Epoch, Evaluated, EvaluatedLabels
from labcore.search.objectives import OBJECTIVES, suitable
from labcore.task.single import SingleLabel

EPOCH = Epoch.model_construct(val_loss=0.7, val_accuracy=0.9, val_balanced=0.6, val_mean_ap=0.4)
CONFUSION = {"wind": {"wind": 90}, "owl": {"wind": 8, "owl": 2}, "fox": {}, "elk": {"wind": 10}}
"""As events have it: what never occurred is left out."""


@pytest.mark.parametrize(
    ("name", "of_epoch", "of_result", "better", "text"),
    [
        ("accuracy", 0.9, 0.92, 0.91, "92.0 %"),
        ("balanced", 0.6, 0.4, 0.35, "40.0 %"),  # the mean of 1, 0.2 and 0: no clip is a fox
        ("map", 0.4, None, None, ""),
        ("loss", 0.7, None, None, ""),
    ],
)
def test_each_has_its_figure(name, of_epoch, of_result, better, text):
    objective, result = OBJECTIVES[name], Evaluated.model_construct(accuracy=0.92, confusion=CONFUSION)
    assert objective.of_epoch(EPOCH) == of_epoch
    assert objective.of_result(result) == (None if of_result is None else pytest.approx(of_result))
    if better is not None:
        assert objective.better(of_result, better)
        assert objective.text(of_result) == text


def test_a_loss_is_better_where_it_is_smaller():
    loss = OBJECTIVES["loss"]
    assert loss.better(0.3, 0.4)
    assert loss.best(0.3, 0.4) == 0.3
    assert loss.text(0.3) == "0.3000"


def test_several_labels_have_a_mean_average_precision_and_no_accuracy():
    result = EvaluatedLabels.model_construct(mean_ap=0.8)
    assert [each.name for each in suitable(several=True)] == ["map", "loss"]
    assert [each.name for each in suitable(several=False)] == ["accuracy", "balanced", "loss"]
    assert [objective.of_result(result) for objective in OBJECTIVES.values()] == [None, None, 0.8, None]


def test_the_balanced_accuracy_of_an_epoch_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    targets, probabilities = generator.choice([0, 1, 3], 60, p=[0.7, 0.2, 0.1]), generator.random((60, 4))
    probabilities[:, 2] = 0  # no clip is of that class, and none is taken for it
    found = SingleLabel().watched(probabilities / probabilities.sum(1, keepdims=True), targets)
    assert found.balanced == pytest.approx(balanced_accuracy_score(targets, probabilities.argmax(1)))
    assert found.balanced != pytest.approx(found.accuracy)
