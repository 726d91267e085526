from __future__ import annotations

from collections import Counter

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
