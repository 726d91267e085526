"""Uneven classes: what an epoch draws, what losses are multiplied by, and that even sets stay as they were."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.config import RunConfig
from labcore.events import Evaluated, Log
from labcore.runs import Run
from labcore.task.several import SeveralLabels
from labcore.training.class_balancer import CAP, ClassBalancer
from labcore.training.loop import train
from tests.small import ON_CPU, SMALL

UNEVEN = torch.tensor([0] * 200 + [1] * 10 + [2] * 40)


def counts(order, targets=UNEVEN):
    return torch.bincount(targets[order], minlength=3).tolist()


@pytest.mark.parametrize("kind", ["none", "sampling", "weighting"])
def test_even_sets_are_drawn_as_without_it_bit_for_bit(kind):
    balance = ClassBalancer(torch.arange(60) % 3, 3, kind)
    torch.manual_seed(5)
    expected = torch.randperm(60)
    torch.manual_seed(5)
    assert torch.equal(balance.order(), expected)
    assert balance.loss_weights() is None
    assert not balance.sentence()


def test_rare_classes_are_drawn_more_often_in_turns():
    balance = ClassBalancer(UNEVEN, 3, "sampling")
    torch.manual_seed(0)
    order = balance.order()
    assert len(order) == len(UNEVEN)
    common, rare, middle = counts(order)
    assert common < 200
    assert (rare, middle) > (10, 40)
    assert rare / common == pytest.approx((10 / 200) ** 0.5, rel=0.1)
    each = torch.bincount(order, minlength=250)[200:210]
    assert each.max() - each.min() <= 1
    assert each.min() >= 2
    assert not torch.equal(order, balance.order())
    assert "10 to 200 training clips" in balance.sentence()


def test_all_common_clips_come_up_over_some_epochs():
    balance = ClassBalancer(UNEVEN, 3, "sampling")
    torch.manual_seed(0)
    seen = {clip for _ in range(12) for clip in balance.order().tolist()}
    assert len(seen) == len(UNEVEN)


@pytest.mark.parametrize("sizes", [[1, 2000], [1, 1, 5000], [3, 500, 0], [1, 3], [1, 1, 1, 2, 900]])
@pytest.mark.parametrize("kind", ["sampling", "weighting"])
def test_classes_with_a_clip_or_none_work_and_the_cap_holds(sizes, kind):
    targets = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    balance = ClassBalancer(targets, len(sizes), kind)
    order = balance.order()
    assert len(order) == sum(sizes)
    drawn = torch.bincount(targets[order], minlength=len(sizes))
    assert all((number > 0) == (size > 0) for number, size in zip(drawn.tolist(), sizes, strict=True))
    assert float(balance.factors.max()) <= CAP + 1e-9
    assert float(balance.factors @ balance.counts.double()) == pytest.approx(sum(sizes))
    if kind == "weighting":
        assert torch.equal(order.sort().values, torch.arange(sum(sizes)))
        assert balance.loss_weights().shape == (len(sizes),)


def test_weights_of_several_labels_go_by_how_many_clips_have_each():
    targets = np.zeros((60, 3), dtype=np.int64)
    targets[:50, 0] = targets[:30, 1] = targets[30:36, 2] = (
        1  # the first label is the commonest, and rarely alone; ten clips have none
    )
    task = SeveralLabels()
    strata = torch.from_numpy(task.strata(targets))
    balance = ClassBalancer(strata, 3, "weighting", torch.from_numpy(targets.sum(0)))
    weights = balance.loss_weights()
    assert weights.argsort().tolist() == [0, 1, 2]
    assert float(weights[2] / weights[0]) == pytest.approx((50 / 6) ** 0.5)
    assert task.loss(torch.zeros(60, 3), task.wanted(torch.from_numpy(targets), 3), weights, 0.0).isfinite()
    assert len(balance.order()) == 60
    assert "6 to 50 training clips" in balance.sentence()


@pytest.mark.parametrize("kind", ["sampling", "weighting"])
def test_the_recall_of_a_rare_class_rises(kind):
    """Two overlapping clouds, 20 to 1, told apart by a straight line."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.tensor([0] * 400 + [1] * 20)
    points = torch.randn(len(targets), 2, generator=generator) + targets[:, None] * 1.5
    fresh = torch.randn(500, 2, generator=generator) + 1.5

    def recall(balance):
        torch.manual_seed(0)
        weight = torch.zeros(2, 3, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=1.0)
        for _ in range(40):
            for rows in balance.order().split(420):
                logits = F.pad(points[rows], (0, 1), value=1.0) @ weight.T
                loss = F.cross_entropy(logits, F.one_hot(targets[rows], 2).float(), balance.loss_weights())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            return float((F.pad(fresh, (0, 1), value=1.0) @ weight.T).argmax(1).float().mean())

    assert recall(ClassBalancer(targets, 2, kind)) > recall(ClassBalancer(targets, 2, "none")) + 0.1


@pytest.mark.parametrize("kind", ["none", "sampling", "weighting"])
def test_a_run_says_what_it_does_and_takes_a_class_with_one_clip(kind, workspace, tmp_path, noise, write_wav):
    for label, clips in (("a", 12), ("b", 1)):
        for part in ("train", "test"):
            for number in range(clips if part == "train" else 1):
                write_wav(
                    tmp_path / "set" / part / label / f"{part}{number}.wav",
                    noise(0.2, 8000, seed=number + 50 * (label == "b") + 99 * (part == "test")),
                    8000,
                )
    config = RunConfig().replace(
        {
            "data.dataset": str(tmp_path / "set"),
            "data.balance": kind,
            **SMALL,
            **ON_CPU,
            "optim.epochs": 1,
            "optim.batch_size": 4,
        }
    )
    events = list(train(config, Run.create(workspace, config), workspace))
    assert isinstance(events[-1], Evaluated)
    assert any("classes are imbalanced" in event.message for event in events if isinstance(event, Log)) == (
        kind != "none"
    )
