from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pandas as pd
import pytest

from labcore.config import RunConfig
from labcore.datasets.sampling import with_train_clips, with_train_recordings
from labcore.datasets.table import Dataset, make_table

DATA = RunConfig().replace({"data.fold": "1"}).data


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    rows = [
        (str(tmp_path / label / f"{number}.wav"), label, str(1 + number % 5), f"{label}{number}", 0.0, float("nan"))
        for label, count in (("common", 500), ("usual", 200), ("rare", 10))
        for number in range(count)
    ]
    return Dataset("many", tmp_path, "folders", make_table(rows))


def test_clips_are_drawn_by_class_and_what_is_held_out_stays(dataset):
    drawn = with_train_clips(dataset, DATA, 100)
    held_out, train = drawn.table[drawn.table["fold"] == "1"], drawn.table[drawn.table["fold"] != "1"]
    assert len(held_out) == 142
    sizes = Counter(train["label"])
    assert sizes == {"common": 70, "usual": 28, "rare": 8}
    assert drawn.table.index.tolist() == list(range(len(drawn.table)))


def test_the_same_clips_are_drawn_wherever_and_in_whatever_order_they_lie(dataset, tmp_path):
    drawn = {path.removeprefix(str(tmp_path)) for path in with_train_clips(dataset, DATA, 100).table["path"]}
    moved = dataset.table.assign(
        path=["/elsewhere" + path.removeprefix(str(tmp_path)) for path in dataset.table["path"]]
    )
    other = Dataset("many", type(tmp_path)("/elsewhere"), "folders", moved.iloc[::-1].reset_index(drop=True))
    assert {path.removeprefix("/elsewhere") for path in with_train_clips(other, DATA, 100).table["path"]} == drawn


def test_nothing_is_drawn_where_there_is_room(dataset):
    assert with_train_clips(dataset, DATA, 568) is dataset
    assert isinstance(with_train_clips(dataset, DATA, 567).table, pd.DataFrame)


@pytest.fixture
def recorded(tmp_path) -> Dataset:
    """Two classes of twelve recordings of three clips each in three folds, and one of two recordings."""
    rows = [
        (
            str(tmp_path / f"{label}{number}.wav"),
            label,
            str(1 + number % 3),
            f"{label}{number}",
            float(start),
            start + 1.0,
        )
        for label, count in (("dog", 12), ("cat", 12), ("owl", 2))
        for number in range(count)
        for start in range(3)
    ]
    return Dataset("recorded", tmp_path, "csv", make_table(rows))


def trained(dataset: Dataset, most: int, number: int = 1) -> set[str]:
    """The recordings that are left beside those of fold 1, of which nothing may be missing."""
    drawn = with_train_recordings(dataset, DATA.model_copy(update={"sample": number}), most).table
    assert (drawn["fold"] == "1").sum() == (dataset.table["fold"] == "1").sum()
    left = drawn[drawn["fold"] != "1"]
    assert set(left.groupby("group").size()) == {3}  # whole recordings
    sizes = left.groupby("label")["group"].nunique().to_dict()
    assert sizes == {"dog": min(most, 8), "cat": min(most, 8), "owl": 1}
    return set(left["group"])


def test_so_many_recordings_of_each_class_are_drawn_and_smaller_samples_are_parts_of_larger_ones(recorded):
    samples = [trained(recorded, most) for most in (1, 2, 5, 7)]
    assert all(few < many for few, many in pairwise(samples))
    assert with_train_recordings(recorded, DATA, 8) is recorded


def test_another_sample_draws_others(recorded, dataset):
    assert len({frozenset(trained(recorded, 2, number)) for number in range(1, 7)}) > 3
    other = DATA.model_copy(update={"sample": 2})
    first, second = (set(with_train_clips(dataset, data, 100).table["path"]) for data in (DATA, other))
    assert first != second
    assert len(first) == len(second)


def test_the_clips_of_another_class_in_a_recording_are_not_drawn_with_it(tmp_path):
    rows = [
        (str(tmp_path / f"{number}.wav"), label, "1" if number > 5 else "2", str(number), start, start + 1.0)
        for number in range(8)
        for label, start in (("dog", 0.0), ("cat", 1.0))
    ]
    drawn = with_train_recordings(Dataset("both", tmp_path, "csv", make_table(rows)), DATA, 2).table
    assert drawn[drawn["fold"] == "2"].groupby("label").size().to_dict() == {"dog": 2, "cat": 2}
