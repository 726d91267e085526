from __future__ import annotations

from collections import Counter

import pytest

from labcore.datasets import split
from labcore.datasets.folds import folds_of
from labcore.datasets.table import make_table
from labcore.errors import DatasetError


def table(*clips: str):
    """Clips as "label fold group"."""
    return make_table([(f"/{i}.wav", *clip.split(), 0.0, float("nan")) for i, clip in enumerate(clips)])


def recordings(folds: int = 5, classes: int = 3, groups: int = 4, clips: int = 3):
    """Clips of whole recordings, so many a class and fold."""
    return table(
        *(
            f"{label} {fold + 1} g{fold}-{label}-{group}"
            for fold in range(folds)
            for label in range(classes)
            for group in range(groups)
            for _ in range(clips)
        )
    )


def of_classes(clips, rows):
    return Counter(clips["label"].iloc[rows])


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
    assert "1 clip excluded from training" in result.note


def test_the_note_tells_of_classes_on_one_side_only():
    note = split(table("x 1 a", "y 1 b", "z 1 c", "x 2 d", "w 2 e", "z 3 f"), "1").note
    assert "not in the training set, since all their clips are in the test fold: y" in note
    assert "not in the test fold: w" in note
    assert split(table("x 1 a", "y 1 b", "x 2 c", "y 2 d"), "1").note == ""
    assert (
        "2 clips of other parts"
        in split(table("x train a", "y train b", "x val c", "y val d", "x test e", "y test f")).note
    )


@pytest.mark.parametrize(
    ("clips", "fold", "message"),
    [
        (["x 1 a", "y 2 b"], "3", "no fold '3'"),
        (["x 1 a", "y 2 b"], "1,2", "no fold '1,2' in this data set. There are: 1, 2. Part several with blanks"),
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


def test_random_folds_are_a_partition_of_the_official_sizes_and_leak():
    clips = recordings()
    dealt = folds_of(clips, "random")
    assert Counter(zip(dealt, clips["label"], strict=True)) == Counter(zip(clips["fold"], clips["label"], strict=True))
    assert (dealt != clips["fold"]).any()
    for fold in "12345":
        random_one, official = split(clips, fold, kind="random"), split(clips, fold)
        assert random_one.leaks
        assert not official.leaks
        assert "leaks" in random_one.note
        assert of_classes(clips, random_one.held_out) == of_classes(clips, official.held_out)
        assert sorted([*random_one.train, *random_one.held_out]) == list(range(len(clips)))
    shuffled = clips.sample(frac=1, random_state=1)
    assert list(folds_of(shuffled, "random")) == list(dealt[shuffled.index])


def test_a_random_split_of_single_clips_is_not_said_to_leak():
    single = split(recordings(clips=1), "1", kind="random")
    assert not single.leaks
    assert "no recording is known" in single.note


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_validation_takes_whole_recordings_of_every_class(share):
    clips = recordings(groups=8)
    whole, parts = split(clips, "2"), split(clips, "2", validation_share=share)
    assert sorted([*parts.train, *parts.validation]) == list(whole.train)
    assert list(parts.held_out) == list(whole.held_out)
    group = clips["group"]
    assert not set(group.iloc[parts.validation]) & set(group.iloc[parts.train])
    for label, n in of_classes(clips, whole.train).items():
        assert (
            abs(of_classes(clips, parts.validation)[label] - share * n) <= 3
        )  # half a recording of 3 clips, and rounding
    assert "training clips set aside for validation" in parts.note


def test_validation_leaves_every_class_something_to_train_on():
    clips = table("x 1 a", "y 1 b", *["x 2 c"] * 4, *["y 2 d"] * 3, *["y 2 e"] * 5, "y 2 f")
    parts = split(clips, "1", validation_share=0.5)
    assert of_classes(clips, parts.train)["x"] == 4  # a single recording is never parted
    assert of_classes(clips, parts.train)["y"] > 0
    assert of_classes(clips, parts.validation)["y"] > 0
    assert "none of x" in parts.note
    big = table("x 1 a", "y 1 b", *["x 2 c"] * 20, *["x 2 d"] * 10, *["y 2 e"] * 20, *["y 2 f"] * 10)
    assert of_classes(big, split(big, "1", validation_share=0.1).validation) == {"x": 10, "y": 10}
    with pytest.raises(DatasetError, match="no recording can be set aside"):
        split(table("x 1 a", "y 1 b", "x 2 c", "y 2 d"), "1", validation_share=0.2)


def test_a_left_out_fold_is_used_for_nothing():
    clips = recordings()
    parts = split(clips, "1", leave_out="3", validation_share=0.2)
    used = [*parts.train, *parts.validation, *parts.held_out]
    assert set(clips["fold"].iloc[used]) == {"1", "2", "4", "5"}
    assert "36 clips of fold 3 excluded" in parts.note
    straddling = table("x 1 a", "y 1 r", "x 2 b", "y 2 c", "y 2 r", "x 3 r", "y 3 d")
    assert list(split(straddling, "1", leave_out="3").held_out) == [0]
    assert list(split(straddling, "1", leave_out="3").train) == [2, 3]
    assert split(clips, None, leave_out="1").fold == "2"


@pytest.mark.parametrize(
    ("fold", "leave_out", "message"),
    [
        ("1", "9", "no fold '9' to exclude"),
        ("1", "1", "both the test fold and the excluded fold"),
    ],
)
def test_folds_that_cannot_be_left_out(fold, leave_out, message):
    with pytest.raises(DatasetError, match=message):
        split(recordings(folds=2), fold, leave_out=leave_out)


def test_where_one_fold_is_left_out_and_one_is_left_a_part_of_it_is_held_out():
    clips = table(
        *(f"{label} {part} {part}{n // 2}" for part in ("train", "test") for n in range(20) for label in "ab")
    )
    parts = split(clips, "train", leave_out="test")
    assert set(clips["fold"].iloc[[*parts.train, *parts.held_out]]) == {"train"}
    assert (len(parts.train), len(parts.held_out)) == (32, 8)
    assert not set(clips["group"].iloc[parts.train]) & set(clips["group"].iloc[parts.held_out])
    assert "it is the only fold" in parts.note
    with pytest.raises(DatasetError) as refused:
        split(table("a 1 r1", "b 1 r2", "a 2 r3", "b 2 r4"), "2", leave_out="1")
    assert refused.value.remedy == "Add folds, or clips of other recordings", "no validation share was asked for"


def test_excluded_classes_are_neither_trained_nor_held_out():
    clips = table("x 1 r1", "y 1 r2", "z 1 r3", "z 1 r3", "x 2 r4", "y 2 r3", "z 2 r5", "y 2 r6")
    result = split(clips, "1", exclude_classes=["z"])
    assert list(result.held_out) == [0, 1]
    assert list(result.excluded) == [2, 3]
    assert list(result.train) == [4, 7]  # without the clip of a recording that hidden clips of the test fold are of
    assert "3 clips of excluded classes: z" in result.note
    assert list(split(clips, "1").excluded) == []
    aside = split(recordings(), "1", validation_share=0.25, exclude_classes=["2"])
    assert set(of_classes(recordings(), aside.validation)) == {"0", "1"}


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (["w"], "no class 'w' to exclude"),
        (["x"], "only one class, 'y', is left"),
        (["x", "y"], "nothing is left of fold 1: its clips are of excluded classes"),
    ],
)
def test_classes_that_cannot_be_excluded_are_told(classes, told):
    with pytest.raises(DatasetError, match=told):
        split(table("x 1 r1", "y 1 r2", "x 2 r3", "y 2 r4"), "1", exclude_classes=classes)
