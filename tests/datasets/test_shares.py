"""Parts train, val and test by shares, and who is where."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from labcore.datasets.drawing import brought_together, make_folds, most_folds
from labcore.datasets.grouping import Grouping
from labcore.datasets.leaks import find_leaks, leaks_of
from labcore.datasets.shares import make_parts, shares_of
from labcore.datasets.sides import sides_of
from labcore.datasets.table import Dataset, make_table
from labcore.errors import ConfigError, DatasetError


def made(*groups: tuple[str, str, int]) -> tuple[Dataset, Grouping]:
    """A data set of so many clips of a group with a label: ``made(("s1", "dog", 3))``."""
    rows = [
        (f"/x/{group}-{label}-{n}.wav", label, "1", group, 0.0, float("nan"))
        for group, label, many in groups
        for n in range(many)
    ]
    table = make_table(rows)
    return Dataset("made", Path("/x"), "csv", table), Grouping(
        "source", table["path"].tolist(), table["group"].tolist()
    )


def test_shares_are_met_and_groups_stay_whole():
    dataset, grouping = made(*((f"s{n}", label, 1 + n % 3) for n in range(60) for label in ("dog", "cat")))
    drawn = make_parts(dataset, grouping, {"train": 0.7, "val": 0.1, "test": 0.2})
    counts = Counter(drawn.folds)
    assert {part: round(counts[part] / len(dataset), 2) for part in counts} == {"train": 0.7, "val": 0.1, "test": 0.2}
    assert leaks_of(dataset, drawn.folds, drawn.grouping.groups) == []
    sides = sides_of(dataset, drawn.folds, grouping.groups)
    assert sides.classes["dog"] == sides.classes["cat"]
    assert (sides.folds, sides.warnings) == (["train", "val", "test"], [])
    other = make_parts(dataset, grouping, {"train": 0.7, "val": 0.1, "test": 0.2}, seed=1)
    assert other.folds != drawn.folds


def test_every_part_has_what_it_can_have():
    dataset, grouping = made(
        ("a", "dog", 9), ("b", "dog", 1), ("c", "dog", 1), ("d", "cat", 5), ("e", "cat", 5), ("f", "cow", 2)
    )
    drawn = make_parts(dataset, grouping, {"train": 0.8, "val": 0.1, "test": 0.1})
    sides = sides_of(dataset, drawn.folds, grouping.groups)
    assert all(sides.classes["dog"].values())  # three groups: one each
    assert sides.classes["cow"] == {"train": 2, "val": 0, "test": 0}
    assert "in one part only, so that it cannot be learnt and tested: cow" in sides.warnings
    assert "the group a has 9 of the 11 clips of dog" in sides.warnings
    assert [side.group for side in sides.groups][:1] == ["a"]
    few, alone = made(("a", "dog", 1), ("b", "cat", 1), ("c", "dog", 1))
    assert set(make_parts(few, alone, {"train": 0.98, "val": 0.01, "test": 0.01}).folds) == {"train", "val", "test"}
    with pytest.raises(DatasetError, match=r"3 groups by source cannot make 4 parts"):
        make_parts(few, alone, dict.fromkeys("abcd", 0.25))


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("33,33,33", {"train": 1 / 3, "val": 1 / 3, "test": 1 / 3}),
        ("0.8,0.2", {"train": 0.8, "test": 0.2}),
        ("80,20", {"train": 0.8, "test": 0.2}),
        ("2/1/1", {"train": 0.5, "val": 0.25, "test": 0.25}),
        (" 60% , 40% ", {"train": 0.6, "test": 0.4}),
    ],
)
def test_shares_in_words(text, shares):
    assert shares_of(text) == pytest.approx(shares)


@pytest.mark.parametrize(("text", "whole"), [("70,15", "85"), ("90,15", "105"), ("1,1,1", "3")])
def test_shares_that_make_no_whole_are_refused(text, whole):
    with pytest.raises(ConfigError, match=f"the shares {text} make {whole} together"):
        shares_of(text)


@pytest.mark.parametrize("text", ["100", "50,0", "1,2,3,4", "a,b", "nan,1", "inf,1", "-1,2", ""])
def test_what_are_no_shares(text):
    with pytest.raises(ConfigError, match="are no shares"):
        shares_of(text)


def test_what_leaks_is_brought_together():
    dataset, grouping = made(("a", "dog", 3), ("b", "cat", 2), ("c", "cat", 2))
    folds = ["1", "1", "2", "2", "", "1", "1"]
    (leak,) = find_leaks(dataset, folds)
    assert (leak.kind, leak.sets, leak.rows) == ("recording", ((0, 1, 2),), [0, 1, 2])
    assert "into one fold" in leak.remedy
    assert brought_together(dataset, grouping, folds) == ["1", "1", "1", "2", "", "1", "1"]


def test_a_small_fold_is_told():
    dataset, grouping = made(("a", "dog", 30), ("b", "dog", 30), ("c", "dog", 1))
    told = sides_of(dataset, ["1"] * 30 + ["2"] * 30 + ["3"], grouping.groups)
    assert told.warnings == ["fold 3 has 1 clip only"]
    assert sides_of(dataset, [""] * 61, grouping.groups).unused == 61


def test_more_folds_than_clips_of_the_largest_class_are_refused_in_words_of_our_own():
    dataset, grouping = made(*((f"{label}{number}", label, 1) for label in ("dog", "cat") for number in range(4)))
    assert most_folds(dataset, grouping) == 4
    assert len(set(make_folds(dataset, grouping, 4).folds)) == 4
    with pytest.raises(DatasetError, match=r"5 folds cannot be drawn: the largest class has 4 clips.*at most 4"):
        make_folds(dataset, grouping, 5)


def test_of_many_groups_that_are_most_of_a_class_the_first_are_named():
    large, small = (
        [(f"s{n}", label, 8) for n, label in enumerate("abcd")],
        [(f"t{label}", label, 1) for label in "abcd"],
    )
    dataset, grouping = made(*large, *small)
    folds = ["1" if group.startswith("s") else "2" for group in grouping.groups]
    assert sides_of(dataset, folds, grouping.groups).warnings[-1] == "1 other class is mostly of one group"
