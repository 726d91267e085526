"""The table of clips: corrections are marked, filters and orders choose what they say, measured or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labcore.datasets.corrections import Corrections, with_labels
from labcore.datasets.sides import sides_of
from labcore.datasets.table import SEVERAL, Dataset, make_table
from labcore.explore.clips.facts import COLUMNS, RECORDED
from labcore.explore.clips.table import ClipFilter, SetFacts, clip_table, counts, histogram, row_at

NAN = float("nan")
NOTHING = pd.DataFrame({name: [] for name in COLUMNS}).astype({"clip": object, "trouble": object})


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    """Four clips: two of a dog, a part of the second file, a cat."""
    rows = [
        ("a/Rex 1.wav", "dog", "1"),
        ("a/Rex 2.wav", "dog", "2"),
        ("a/Rex 2.wav", "dog", "2"),
        ("b/Tom.wav", "cat", "10"),
    ]
    spans = [(0.0, NAN), (0.0, 1.0), (1.0, 4.0), (0.0, NAN)]
    table = make_table(
        [
            (str(tmp_path / path), label, fold, path, *span)
            for (path, label, fold), span in zip(rows, spans, strict=True)
        ]
    )
    return Dataset("set", tmp_path, "folders", table)


@pytest.fixture
def facts() -> pd.DataFrame:
    """Of three of them; the cat cannot be read."""
    rows = [
        ("a/Rex 1.wav", 0.0, -1.0, 10, 1, 0, 2.5, 44100, 1, -20.0, -3.0, ""),
        ("a/Rex 2.wav", 0.0, 1.0, 10, 1, 0, 1.0, 48000, 2, -30.0, -9.0, ""),
        ("b/Tom.wav", 0.0, -1.0, 10, 1, 0, NAN, 0, 0, NAN, NAN, "is damaged"),
    ]
    return pd.DataFrame([(*row, *[""] * len(RECORDED)) for row in rows], columns=list(COLUMNS))


def test_facts_come_to_their_clips(dataset, facts):
    frame = clip_table(dataset, facts)
    assert frame["name"].tolist() == ["Rex 1.wav", "Rex 2.wav", "Rex 2.wav from 1 s", "Tom.wav"]
    assert frame["measured"].tolist() == [True, True, False, True]
    assert frame["seconds"].tolist()[:3] == [2.5, 1.0, 3.0]  # what was not measured has the length of its span
    assert frame["unreadable"].tolist() == [False, False, False, True]
    told = SetFacts.of(frame)
    assert (told.clips, told.classes, told.folds, told.measured, told.unreadable) == (4, 2, 3, 3, 1)
    assert told.rates == {44100: 1, 48000: 1}
    assert told.seconds == 6.5
    row = row_at(frame, 2)
    assert (row.start_s, row.end_s, row.label) == (1.0, 4.0, "dog")
    assert row_at(frame, 0).end_s is None


def test_clips_that_are_left_out_count_nowhere(dataset, facts):
    table = dataset.table.assign(own_label=dataset.table["label"])
    table["label"] = table["label"].where(table["own_label"] == "dog", "")
    told = SetFacts.of(clip_table(replace(dataset, table=table), facts))
    assert (told.clips, told.classes, told.left_out, told.unreadable, told.total) == (3, 1, 1, 0, 4)


def test_without_facts_nothing_is_known_but_spans(dataset):
    frame = clip_table(dataset, NOTHING)
    assert len(frame) == 4
    assert SetFacts.of(frame).measured == 0
    assert len(histogram(frame["level_db"])) == 0


def test_corrections_are_seen_and_marked(dataset, facts):
    keys = {("a/Rex 1.wav", 0.0, "dog"): "cat", ("b/Tom.wav", 0.0, "cat"): ""}
    frame = clip_table(with_labels(dataset, Corrections(revision=2, labels=keys)), facts)
    assert frame["label"].tolist() == ["cat", "dog", "dog", ""]
    assert frame["own_label"].tolist() == ["dog", "dog", "dog", "cat"]
    assert ClipFilter(flag="corrected").rows(frame).tolist() == [0]
    assert ClipFilter(flag="left_out").rows(frame).tolist() == [3]
    assert counts(frame)["clips"].sum() == 3


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (ClipFilter(), [0, 1, 2, 3]),
        (ClipFilter(labels=("cat",)), [3]),
        (ClipFilter(labels=("cat", "dog"), folds=("1", "10")), [0, 3]),
        (ClipFilter(words="REX 2"), [1, 2]),
        (ClipFilter(words="  tom  dog "), []),
        (ClipFilter(shortest=1.5), [0, 2]),
        (ClipFilter(longest=2.5), [0, 1]),
        (ClipFilter(flag="unreadable"), [3]),
        (ClipFilter(order="-seconds"), [2, 0, 1, 3]),
        (ClipFilter(order="level_db"), [1, 0, 2, 3]),
        (ClipFilter(order="-level_db", labels=("dog",)), [0, 1, 2]),
        (ClipFilter(order="name", words="rex"), [0, 1, 2]),
    ],
)
def test_what_is_wanted(dataset, facts, wanted, rows):
    assert wanted.rows(clip_table(dataset, facts)).tolist() == rows


def test_words_are_found_in_every_normal_form(tmp_path):
    table = make_table(
        [
            (str(tmp_path / "Ma\u0308rz.wav"), "x", "1", "g", 0.0, NAN),
            (str(tmp_path / "b\udcff.wav"), "x", "1", "g", 0.0, NAN),
        ]
    )
    frame = clip_table(Dataset("set", tmp_path, "folders", table), NOTHING)
    assert ClipFilter(words="märz").rows(frame).tolist() == [0]
    assert row_at(frame, 1).path.endswith("b\udcff.wav")  # the file is opened by its real name


def test_bins_hold_all_values():
    values = pd.Series(np.concatenate([np.linspace(-40, -10, 50), [NAN]]))
    bins = histogram(values)
    assert bins["clips"].sum() == 50
    assert (bins["low"].min(), bins["high"].max()) == (-40, -10)
    assert len(histogram(pd.Series([1.0, 1.0]))) == 0


def test_a_clip_of_several_labels_counts_for_each_and_is_found_by_each(dataset):
    cells = ["dog;rain", "rain", "dog", ""]
    several = replace(dataset, table=dataset.table.assign(label=cells, **{SEVERAL: True}), several_labels=True)
    frame = clip_table(several, NOTHING)
    assert SetFacts.of(frame).classes == 2
    assert counts(frame).to_numpy().tolist() == [["dog", "1", 1], ["rain", "1", 1], ["rain", "2", 1], ["dog", "2", 1]]
    assert ClipFilter(labels=("dog",)).rows(frame).tolist() == [0, 2]
    assert ClipFilter(labels=("dog", "rain")).rows(frame).tolist() == [0, 1, 2]
    assert ClipFilter(labels=("",)).rows(frame).tolist() == [3]
    assert frame["main"].tolist()[:3] == ["dog", "rain", "dog"]
    sides = sides_of(several, ["1", "1", "2", "2"], list("abcd"))
    assert sides.classes["dog"] == {"1": 1, "2": 1}
    assert sides.classes["rain"] == {"1": 2, "2": 0}
    assert sides.totals == {"1": 2, "2": 1}  # clips, not labels
