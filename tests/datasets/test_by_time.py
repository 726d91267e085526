"""A class with one recording alone is parted by time, which is told; everything else stays by recording."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from labcore.config import DataConfig
from labcore.datasets import cannot_be_held_out, read_dataset, split
from labcore.datasets.by_time import recording_of, split_by_time, whole
from labcore.datasets.drawing import make_folds
from labcore.datasets.folds import assign_folds
from labcore.datasets.grouping import group_by
from labcore.datasets.record import ClipRecord
from labcore.datasets.resuming import as_known
from labcore.datasets.splits import split_for
from labcore.errors import DatasetError


@pytest.fixture
def lone(class_folders, write_wav, noise):
    """The class folders of tones, and a class "rain" with one recording of a minute."""
    write_wav(class_folders / "rain" / "field.wav", noise(60.0, 4000), 4000)
    return class_folders


def test_one_long_recording_is_in_every_fold(lone):
    dataset = read_dataset(lone)
    rain = dataset.table[dataset.table["label"] == "rain"]
    assert set(rain["fold"]) == {"1", "2", "3", "4", "5"}
    assert (
        dataset.table[dataset.table["label"] != "rain"]["group"].map(recording_of)
        == dataset.table[dataset.table["label"] != "rain"]["group"]
    ).all()
    (finding,) = [each for each in dataset.findings if each.kind == "by time"]
    assert (finding.level, finding.files) == ("warning", (str(lone / "rain" / "field.wav"),))
    assert "class rain has only one recording (field.wav)" in finding.what
    assert dataset.fold_note.endswith("classes with a single recording are split by time")
    assert set(cannot_be_held_out(dataset, DataConfig()).values()) == {""}


def test_no_second_is_on_both_sides_and_a_guard_lies_between(lone):
    dataset = read_dataset(lone)
    for fold in dataset.folds:
        parts = split(dataset, fold)
        sides = []
        for rows in (parts.train, parts.held_out):
            rain = dataset.table.iloc[rows]
            rain = rain[rain["label"] == "rain"]
            assert len(rain)
            sides.append(
                [
                    (start, 60.0 if np.isnan(end) else end)
                    for start, end in zip(rain["start_s"], rain["end_s"], strict=True)
                ]
            )
        assert all(a[0] >= b[1] + 0.99 or b[0] >= a[1] + 0.99 for a in sides[0] for b in sides[1])
        assert "come from a recording that is also trained on" in parts.note
        assert not parts.leaks


@pytest.mark.parametrize("seconds", [7.0, 10.0, 30.0, 600.0, 20000.0])
def test_parts_of_a_recording(seconds):
    parts = split_by_time(seconds)
    assert 2 <= len(parts) <= 5
    assert parts[0][0] == 0
    assert parts[-1][1] == pytest.approx(seconds)
    assert all(end - start >= 3 for start, end in parts)
    assert all(1 <= after[0] - before[1] <= 10 for before, after in itertools.pairwise(parts))


@pytest.mark.parametrize("seconds", [0.0, 1.0, 6.9])
def test_a_short_recording_stays_whole(seconds):
    assert split_by_time(seconds) == []


def test_classes_of_several_recordings_stay_by_recording(class_folders):
    dataset = read_dataset(class_folders)
    assert not dataset.table["start_s"].any()
    assert "time" not in dataset.fold_note
    assert not [each for each in dataset.findings if each.kind == "by time"]


def test_folds_that_are_given_are_kept(class_folders, write_wav, noise):
    write_wav(class_folders / "rain" / "field.wav", noise(60.0, 4000), 4000)
    rows = [
        f"{path.relative_to(class_folders)},{path.parent.name},{n % 2 + 1}"
        for n, path in enumerate(sorted(class_folders.glob("*/*.wav")))
    ]
    (class_folders / "list.csv").write_text("path,label,fold\n" + "\n".join(rows) + "\n")
    table = read_dataset(class_folders).table
    assert len(table[table["label"] == "rain"]) == 1


def test_one_annotated_recording_is_parted_between_its_spans(tmp_path, write_wav, noise):
    write_wav(tmp_path / "day.wav", noise(100.0, 4000), 4000)
    rows = [f"day.wav,{'owl' if n % 2 else 'fox'},{4 * n},{4 * n + 3}" for n in range(24)]
    (tmp_path / "list.csv").write_text("path,label,start,end\n" + "\n".join(rows) + "\n")
    dataset = read_dataset(tmp_path / "list.csv")
    assert len(dataset) == 24
    assert dataset.folds == ["1", "2", "3", "4", "5"]
    spans = dataset.table.sort_values("start_s")
    assert (spans["fold"] != spans["fold"].shift()).sum() == 5  # each fold is one stretch of time
    assert "other times" in split(dataset).note


def test_spans_that_all_overlap_stay_together(tmp_path, write_wav, noise):
    write_wav(tmp_path / "day.wav", noise(50.0, 4000), 4000)
    rows = [f"day.wav,{'owl' if n % 2 else 'fox'},{n},{n + 20}" for n in range(20)]
    (tmp_path / "list.csv").write_text("path,label,start,end\n" + "\n".join(rows) + "\n")
    assert read_dataset(tmp_path / "list.csv").table["group"].nunique() == 1


def test_a_run_that_knows_the_recording_whole_goes_on_so(lone):
    now = read_dataset(lone)
    before = whole(now)
    assert len(before) == 13
    assert list(before.table["fold"]) == assign_folds(list(before.table["label"]), list(before.table["group"]))[0]
    record = ClipRecord.of(before, before.table, split_for(before, DataConfig(fold="2")))
    again = as_known(now, record)
    assert again.table.equals(before.table)
    assert not [each for each in again.findings if each.kind == "by time"]
    assert as_known(now, ClipRecord.of(now, now.table)) is now
    assert as_known(now, None) is now


def test_folds_that_cannot_be_held_out_have_a_reason_and_automatic_takes_one_that_can(class_folders):
    for path in sorted((class_folders / "low tones").iterdir())[2:]:
        path.unlink()
    rows = ["path,label,fold"]
    rows += [f"{path.relative_to(class_folders)},{path.parent.name},{1 if path.parent.name == 'low tones' else 2 + n % 2}"
             for n, path in enumerate(sorted(class_folders.glob("*/*.wav")))]  # fmt: skip
    (class_folders / "list.csv").write_text("\n".join(rows) + "\n")
    dataset = read_dataset(class_folders)
    reasons = cannot_be_held_out(dataset, DataConfig())
    assert {fold: bool(why) for fold, why in reasons.items()} == {"1": True, "2": False, "3": False}
    assert "only one class, 'high'" in reasons["1"]
    parts = split(dataset)
    assert parts.fold == "2"
    assert "fold 2 is the test fold, since only one class" in parts.note
    with pytest.raises(DatasetError, match="only one class"):
        split(dataset, "1")


def test_a_split_by_source_keeps_recordings_whole(lone):
    dataset = read_dataset(lone)
    drawn = make_folds(dataset, group_by(dataset, "source"), 2)
    rain = dataset.table["label"] == "rain"
    assert {fold for fold, here in zip(drawn.folds, rain, strict=True) if here} in ({"1"}, {"2"})
    assert {group for group, here in zip(drawn.grouping.groups, rain, strict=True) if here} == {"rain/field.wav"}
    assert drawn.grouping.joined == 0
