"""Average precisions of many classes at once."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from labcore.task.ranking import Ranking, auroc, mean_average_precision


@pytest.mark.parametrize("steps", [1000, 5])
def test_they_are_those_of_scikit_learn(steps):
    """``steps``: few make many equal probabilities."""
    random = np.random.default_rng(steps)
    shares = random.integers(0, steps, (60, 4)) / steps
    targets = random.integers(-1, 2, (60, 4))
    weights = random.integers(0, 4, 60)
    found = Ranking(shares, targets).average_precisions()
    drawn_again = Ranking(shares, targets).average_precisions(np.stack([weights, np.ones(60)], axis=1))
    for column in range(4):
        known = targets[:, column] >= 0
        present, ranked = targets[known, column] == 1, shares[known, column]
        assert found[column] == pytest.approx(average_precision_score(present, ranked))
        weighed = average_precision_score(present, ranked, sample_weight=weights[known])
        assert drawn_again[column] == pytest.approx([weighed, found[column]])
        assert auroc(present, ranked) == pytest.approx(roc_auc_score(present, ranked))
    assert mean_average_precision(shares, targets) == pytest.approx(found.mean())


def test_a_class_that_nobody_or_everybody_has_is_not_ranked():
    targets = np.array([[1, 0, 1, 1], [1, 0, 0, -1]])
    found = Ranking(np.array([[0.9, 0.1, 0.2, 0.5], [0.8, 0.2, 0.1, 0.4]]), targets).average_precisions()
    assert np.isnan(found).tolist() == [True, True, False, True]
    assert mean_average_precision(np.zeros((2, 2)), np.zeros((2, 2))) is None
    assert mean_average_precision(np.zeros((0, 2)), np.zeros((0, 2))) is None


def test_draws_in_which_a_class_is_gone_or_alone_are_not_ranked():
    """And clips of which nobody knows count for no class, however often they are drawn."""
    ranking = Ranking(np.array([[0.9, 0.4], [0.8, 0.9], [0.1, 0.9]]), np.array([[1, 0], [0, -1], [-1, 1]]))
    assert ranking.average_precisions().tolist() == [1, 1]
    gone, alone, drawn = ranking.average_precisions(np.array([[0, 2, 1], [2, 0, 5], [1, 3, 7]]).T).T
    assert np.isnan(gone).tolist() == [True, True]
    assert np.isnan(alone).tolist() == [True, False]
    assert drawn.tolist() == [1, 1]
    assert len(Ranking(np.zeros((3, 0)), np.zeros((3, 0))).average_precisions()) == 0
