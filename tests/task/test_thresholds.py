"""The threshold of each label."""

import numpy as np

from labcore.task.thresholds import FEWEST, USUAL, choose


def test_none_gives_a_higher_f1():
    random = np.random.default_rng(0)
    targets = (random.random((80, 2)) < (0.3, 0.6)).astype(int)
    shares = np.round(np.clip(0.4 * targets + random.normal(0.3, 0.2, (80, 2)), 0, 1), 2)  # many are equal
    chosen = choose(shares, targets, ["a", "b"], "80 clips")
    for column, label in enumerate(["a", "b"]):

        def f1(limit, column=column):
            told, true = shares[:, column] >= limit, targets[:, column] == 1
            return 2 * (told & true).sum() / max(told.sum() + true.sum(), 1)

        assert f1(chosen.of(label)) == max(f1(limit) for limit in np.linspace(0, 1, 201))
    assert chosen.source == "80 clips"


def test_of_too_few_clips_none_is_chosen():
    targets = np.array([[1, 1]] * (FEWEST - 1) + [[0, 0]] * 20 + [[-1, 1]] * 3)
    shares = np.where(targets == 1, 0.3, 0.1)
    chosen = choose(shares, targets, ["few", "enough"], "27 clips")
    assert chosen.of("few") == USUAL
    assert 0.1 < chosen.of("enough") <= 0.3
    none = choose(shares[:3], targets[:3], ["few", "enough"], "3 clips")
    assert (none.values, none.source) == ({}, "")


def test_it_keeps_probabilities_apart_that_lie_closer_than_it_is_told():
    for low, high in ((0.99994, 0.99996), (1e-5, 8e-5)):
        targets = np.array([[1]] * 10 + [[0]] * 10)
        shares = np.where(targets == 1, high, low)
        assert low < choose(shares, targets, ["a"], "20 clips").of("a") <= high
