from __future__ import annotations

import random
from collections import Counter

import pytest

from labcore.datasets import assign_folds, split
from labcore.datasets.folds import join_groups
from labcore.datasets.table import make_table
from labcore.errors import DatasetError


def table(*clips: str):
    """Clips as "label fold group"."""
    return make_table([(f"/{i}.wav", *clip.split(), 0.0, float("nan")) for i, clip in enumerate(clips)])


@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_drawn_folds_are_balanced_and_keep_groups(n_folds):
    draw = random.Random(0)
    labels, groups = [], []
    for label in ("a", "b", "c"):
        for group in range(60):
            for _ in range(draw.randint(1, 4)):
                labels.append(label)
                groups.append(f"{label}{group}")
    folds, _ = assign_folds(labels, groups, n_folds)
    assert len(set(zip(folds, groups, strict=True))) == len(set(groups))
    counts = Counter(zip(labels, folds, strict=True))
    for label in ("a", "b", "c"):
        sizes = [counts[label, str(fold + 1)] for fold in range(n_folds)]
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


@pytest.mark.parametrize(
    ("folds", "asked", "held_out", "train"),
    [
        (["train", "train", "val", "test"], None, "test", [0, 1]),
        (["train", "train", "val", "test"], "val", "val", [0, 1]),
        (["train", "train", "val", "val"], None, "val", [0, 1]),
        (["10", "2", "2", "10"], None, "2", [0, 3]),
        (["10", "2", "2", "10"], "10", "10", [1, 2]),
        (["train", "train", "1", "1"], None, "1", [0, 1]),
        (["test", "val", "val", "test"], None, "test", [1, 2]),
    ],
)
def test_what_is_held_out(folds, asked, held_out, train):
    result = split(table(*(f"{'xy'[i % 2]} {fold} g{i}" for i, fold in enumerate(folds))), asked)
    assert result.fold == held_out
    assert list(result.train) == train
    assert [folds[row] for row in result.held_out] == [held_out] * folds.count(held_out)


def test_a_recording_never_stands_on_both_sides():
    clips = table("x 1 r1", "y 1 r2", "x 2 r1", "y 2 r3", "x 2 r4")
    result = split(clips, "1")
    assert list(result.train) == [3, 4]
    assert list(result.held_out) == [0, 1]
    assert "1 clip left out of training" in result.note


def test_the_note_tells_of_classes_on_one_side_only():
    note = split(table("x 1 a", "y 1 b", "z 1 c", "x 2 d", "w 2 e", "z 3 f"), "1").note
    assert "never trained on, since all their clips are held out: y" in note
    assert "not among the held-out clips: w" in note
    assert split(table("x 1 a", "y 1 b", "x 2 c", "y 2 d"), "1").note == ""
    assert (
        "2 clips of other parts"
        in split(table("x train a", "y train b", "x val c", "y val d", "x test e", "y test f")).note
    )


@pytest.mark.parametrize(
    ("clips", "fold", "message"),
    [
        (["x 1 a", "y 2 b"], "3", "no fold '3'"),
        (["x 1 a", "y 1 b"], "1", "it holds all clips"),
        (["x 1 a", "y 1 a", "x 2 a"], "1", "comes from a recording of that fold"),
        (["x 1 a", "y 1 b", "x 2 c"], "1", "only one class, 'x'"),
        (["x train a", "y train b", "y test c"], "train", "nothing is left"),
        ([], None, "no fold"),
    ],
)
def test_splits_that_cannot_be(clips, fold, message):
    with pytest.raises(DatasetError, match=message):
        split(table(*clips), fold)
