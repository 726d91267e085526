"""Several labels a clip: targets, loss, mixing and decision."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from labcore.task.several import SeveralLabels
from labcore.task.single import SingleLabel
from labcore.task.thresholds import LabelThresholds

LABELS = ["cat", "dog", "rain"]
TASK = SeveralLabels()


def wanted(*cells: str) -> torch.Tensor:
    return TASK.wanted(torch.from_numpy(TASK.targets(cells, LABELS)), len(LABELS))


def test_what_a_cell_does_not_name_is_absent_unless_it_says_so():
    cells = ["dog;rain", "-dog", "dog;?", "dog;?rain", "-cat;?", "dog;-dog", "wolf"]
    assert TASK.targets(cells, LABELS).tolist() == [
        [0, 1, 1], [0, 0, 0], [-1, 1, -1], [0, 1, -1], [0, -1, -1], [0, -1, 0], [0, 0, 0],
    ]  # fmt: skip
    assert TASK.targets([], LABELS).shape == (0, 3)
    assert SingleLabel().targets(["dog", "wolf"], LABELS).tolist() == [1, -1]


def test_clips_go_by_their_rarest_label():
    targets = TASK.targets(["dog", "dog;rain", "dog;cat", "rain", "-dog"], LABELS)
    assert TASK.strata(targets).tolist() == [1, 2, 0, 2, 3]


def test_the_loss_is_summed_over_known_labels_and_unknown_ones_have_no_gradient():
    logits = torch.tensor([[0.5, -1.0, 2.0], [1.0, 1.0, -3.0]], requires_grad=True)
    loss = TASK.loss(logits, wanted("dog;?rain", "cat"), None, 0.0)
    known = [(0, 0, 0.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.0), (1, 2, 0.0)]
    by_hand = sum(bce(logits[row, column], torch.tensor(value)) for row, column, value in known) / 2
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-6)
    loss.backward()
    assert logits.grad[0, 2] == 0
    assert (logits.grad[logits.grad != 0].numel(), bool(logits.grad.isfinite().all())) == (5, True)


def test_parts_of_a_batch_make_the_loss_of_the_whole():
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 3), wanted("dog", "cat;?", "rain;dog", "-cat;?", "?", "cat;dog;rain")
    parts = [TASK.loss(logits[rows], targets[rows], None, 0.1) * len(rows) for rows in (range(4), range(4, 6))]
    assert float(sum(parts) / 6) == pytest.approx(float(TASK.loss(logits, targets, None, 0.1)), rel=1e-6)


def test_smoothing_and_weights():
    logits = torch.tensor([[2.0, -2.0, 0.0]])
    smooth = TASK.loss(logits, wanted("cat"), None, 0.2)
    assert float(smooth) == pytest.approx(float(bce(logits, torch.tensor([[0.9, 0.1, 0.1]]), reduction="sum")))
    weighed = TASK.loss(logits, wanted("cat"), torch.tensor([3.0, 1.0, 1.0]), 0.0)
    plain = TASK.loss(logits, wanted("cat"), None, 0.0)
    assert float(weighed - plain) == pytest.approx(2 * math.log1p(math.exp(-2.0)), rel=1e-5)


def test_a_mixture_has_the_labels_of_both_as_far_as_they_are_heard():
    ratio = torch.tensor([1.0, 0.5, 0.75, 0.0])
    mixed = TASK.mixed(wanted(*["dog"] * 4), wanted(*["rain"] * 4), ratio)
    assert mixed.tolist() == [[0, 1, 0], [0, 1, 1], [0, 1, 0.5], [0, 0, 1]]
    # unknown in one is unknown in the mixture, unless the other has the label for sure, or it is not heard at all
    mixed = TASK.mixed(wanted("dog", "dog", "dog"), wanted("?", "?", "?"), torch.tensor([0.6, 0.2, 1.0]))
    assert torch.equal(mixed.isnan(), torch.tensor([[True, False, True], [True, True, True], [False, False, False]]))
    assert mixed[0, 1] == 1
    assert mixed[2].tolist() == [0, 1, 0]


def test_figures_of_an_epoch():
    targets = TASK.targets(["dog", "cat", "dog;?"], LABELS)
    shares = np.array([[0.1, 0.9, 0.2], [0.8, 0.3, 0.1], [0.5, 0.7, 0.5]], dtype=np.float32)
    told = TASK.watched(shares, targets)
    assert (told.accuracy, told.mean_ap) == (None, 1.0)
    by_hand = -np.log([0.9, 0.9, 0.8, 0.8, 0.7, 0.9, 0.7]).sum() / 3
    assert told.loss == pytest.approx(by_hand, rel=1e-5)
    assert TASK.train_accuracy(3.0, 4) is None


def test_labels_reach_thresholds_of_their_own():
    task = SeveralLabels(LabelThresholds(values={"dog": 0.8, "rain": 0.2}, source="the 10 validation clips"))
    assert task.chosen(LABELS, np.array([0.5, 0.79, 0.9])) == ["rain", "cat"]
    assert task.chosen(LABELS, np.array([0.1, 0.1, 0.1])) == []
    assert task.called(LABELS, np.zeros(3), ["rain", "cat"]) == "rain;cat"
    assert SingleLabel().chosen(LABELS, np.array([0.5, 0.3, 0.2])) is None
    assert SingleLabel().called(LABELS, np.array([0.2, 0.5, 0.3]), None) == "dog"
