from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from labcore.datasets import assign_folds
from labcore.datasets.folds import DRAWN_FOLDS, join_groups, official_folds
from labcore.datasets.table import Dataset, make_table
from labcore.errors import DatasetError


def table(*clips: str):
    """Clips as "label fold group"."""
    return make_table([(f"/{i}.wav", *clip.split(), 0.0, float("nan")) for i, clip in enumerate(clips)])


def test_drawn_folds_are_balanced_and_keep_groups():
    draw = random.Random(0)
    labels, groups = [], []
    for label in ("a", "b", "c"):
        for group in range(60):
            for _ in range(draw.randint(1, 4)):
                labels.append(label)
                groups.append(f"{label}{group}")
    folds, _ = assign_folds(labels, groups)
    assert len(set(zip(folds, groups, strict=True))) == len(set(groups))
    counts = Counter(zip(labels, folds, strict=True))
    for label in ("a", "b", "c"):
        sizes = [counts[label, str(fold + 1)] for fold in range(DRAWN_FOLDS)]
        assert max(sizes) - min(sizes) <= 4


def test_drawn_folds_do_not_depend_on_the_order_of_the_clips():
    clips = [(f"{i % 3}", f"g{i // 2}") for i in range(90)]
    first = dict(zip(clips, assign_folds(*zip(*clips, strict=True))[0], strict=True))
    random.Random(1).shuffle(clips)
    assert dict(zip(clips, assign_folds(*zip(*clips, strict=True))[0], strict=True)) == first


@pytest.mark.parametrize(
    ("labels", "groups", "folds"),
    [
        (["a"] * 4 + ["b"], list("12345"), 5),  # a class with one clip
        (["a", "a", "b", "b"], list("1122"), 2),  # fewer groups than folds
        (["a", "b"], list("11"), 1),  # one group
        ([], [], 0),
    ],
)
def test_small_sets_do_not_break(labels, groups, folds):
    drawn, note = assign_folds(labels, groups)
    assert len(set(drawn)) == folds
    assert note


def test_groups_that_share_something_become_one():
    assert join_groups(list("abcd"), [[1, 2, 2, 3]]) == ["a", "b", "b", "d"]
    assert join_groups(list("abcd"), [[1, 2, 2, 3], [None, None, 9, 9]]) == ["a", "b", "b", "b"]
    assert join_groups(list("aabb"), [[None] * 4]) == list("aabb")


def test_which_folds_a_cross_validation_goes_through():
    def dataset(clips):
        return Dataset("set", Path(), "csv", clips)

    assert official_folds(dataset(table(*(f"x {fold} g{fold}" for fold in range(1, 11))))) == [
        str(fold) for fold in range(1, 11)
    ]
    for clips in (table("x train a", "y test b"), table("x 1 a", "y 1 b")):
        with pytest.raises(DatasetError, match="no folds to iterate over"):
            official_folds(dataset(clips))
