"""What a run keeps of its clips: the same wherever they lie, and words for what has changed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from labcore.config import DataConfig, RunConfig
from labcore.datasets.folds import drawn_in
from labcore.datasets.layouts import read_dataset
from labcore.datasets.record import FILE, Clip, ClipRecord
from labcore.datasets.splits import split_for
from labcore.runs import Run
from labcore.workspace import Workspace


def record(place: Path) -> ClipRecord:
    dataset = read_dataset(place)
    return ClipRecord.of(dataset, dataset.table, split_for(dataset, DataConfig()), dataset.labels)


def copied(place: Path, to: Path) -> Path:
    return Path(shutil.copytree(place, to))


def test_the_same_clips_are_the_same_at_another_place(class_folders, urbansound, tmp_path):
    for place in (class_folders, urbansound):
        there = record(copied(place, tmp_path / "elsewhere" / place.name))
        assert there.root != record(place).root
        assert there.fingerprint == record(place).fingerprint
        assert record(place).changes_to(there) == ""


def test_labels_of_held_out_clips_alone_were_not_trained_on():
    rows = [
        ("a", "train"),
        ("b;c", "train"),
        ("b", "held out"),
        ("d", "held out"),
        ("e;c", "held out"),
        ("f", "validation"),
    ]
    clips = tuple(Clip(f"{n}.wav", 9, label, 0.0, None, part) for n, (label, part) in enumerate(rows))
    assert ClipRecord("/r", "/r", tuple("abcdef"), clips).untrained == ["d", "e"]
    assert ClipRecord("/r", "/r", ("a", "b", "b;c", "d", "e;c", "f"), clips).untrained == ["b", "d", "e;c"]


def test_so_are_those_of_a_list_that_names_clips_outside_its_folder(class_folders, tmp_path):
    for home in ("one", "two"):
        copied(class_folders, tmp_path / home / "audio")
        (tmp_path / home / "meta").mkdir()
        rows = [f"../audio/{label}/{n}.wav,{label}" for label in ("high", "low tones") for n in range(6)]
        (tmp_path / home / "meta" / "list.csv").write_text("path,label\n" + "\n".join(rows))
    one, two = (record(tmp_path / home / "meta" / "list.csv") for home in ("one", "two"))
    assert one.clips[0].path == "../audio/high/0.wav"
    assert one.fingerprint == two.fingerprint


def test_a_list_of_absolute_paths_may_move_without_its_clips(class_folders, tmp_path):
    rows = [f"{class_folders}/{label}/{n}.wav,{label}" for label in ("high", "low tones") for n in range(6)]
    for home in ("one", "two"):
        (tmp_path / home).mkdir()
        (tmp_path / home / "list.csv").write_text("path,label\n" + "\n".join(rows))
    one, two = (record(tmp_path / home / "list.csv") for home in ("one", "two"))
    assert one.clips[0].path == "high/0.wav"
    assert one.fingerprint == two.fingerprint


def test_drawn_folds_are_the_same_wherever_the_data_set_lies(class_folders, tmp_path):
    here = read_dataset(class_folders)
    places = [tmp_path / "a", tmp_path / "another place" / "b", tmp_path / "c"]
    others = [read_dataset(copied(class_folders, place)) for place in places]
    assert all(list(other.table["fold"]) == list(here.table["fold"]) for other in others)
    assert here.table["group"][0] == "high/0.wav"
    # as they were drawn by absolute paths they are not, and each is known by the place
    drawn = [list(drawn_in(other, str(place)).table["fold"]) for other, place in zip(others, places, strict=True)]
    assert any(folds != drawn[0] for folds in drawn)
    assert list(drawn_in(here, str(places[1])).table["fold"]) == drawn[1]


def test_folds_that_the_data_set_brings_are_not_drawn_anew(urbansound):
    dataset = read_dataset(urbansound)
    assert drawn_in(dataset, "/elsewhere").table.equals(dataset.table)


def test_it_is_kept_in_the_run(class_folders, tmp_path):
    run = Run.create(Workspace(tmp_path / "w"), RunConfig())
    assert ClipRecord.load(run) is None
    kept = replace(record(class_folders), drawn_in="/before")
    kept.save(run)
    assert ClipRecord.load(run) == kept
    (run.path / FILE).write_bytes(b"no gzip")
    assert ClipRecord.load(run) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root: (root / "high" / "2.wav").unlink(), "high/2.wav is not there"),
        (lambda root: (root / "high" / "2.wav").rename(root / "low tones" / "x.wav"), "low tones/x.wav is new"),
        (lambda root: (root / "high" / "2.wav").write_bytes(b"RIFF"), "high/2.wav has 4 bytes instead of 8044"),
        (lambda root: (root / "high").rename(root / "low"), "; and "),
    ],
)
def test_what_has_changed_is_named(class_folders, change, words):
    before = record(class_folders)
    change(class_folders)
    now = record(class_folders)
    assert words in before.changes_to(now)
    assert now.fingerprint != before.fingerprint


def test_a_recording_that_came_or_went_is_named_once():
    def of(*spans: tuple[str, float]) -> ClipRecord:
        return ClipRecord("/d", "/d", ("a",), tuple(Clip(path, 1, "a", at, at + 1, "train") for path, at in spans))

    before = of(("a.wav", 0.0), ("a.wav", 2.0), ("b.wav", 0.0), ("b.wav", 5.0))
    assert before.changes_to(of(("a.wav", 0.0), ("a.wav", 3.0), ("c.wav", 1.0), ("c.wav", 4.0))) == (
        "a.wav from 2 s is not there; b.wav is not there (2 clips); a.wav from 3 s is new; and 1 more difference"
    )


def test_labels_spans_parts_and_order_are_named_too(class_folders):
    before = record(class_folders)
    first, *rest = before.clips

    def told(*clips):
        return before.changes_to(replace(before, clips=clips))

    assert told(replace(first, label="cat"), *rest) == "high/0.wav is labelled 'cat' instead of 'high'"
    assert told(replace(first, end_s=0.1), *rest) == "high/0.wav ends at 0.1 s instead of the end of its file"
    other = "train" if first.part == "held out" else "held out"
    assert f"another part of the split ({other} instead of {first.part})" in told(replace(first, part=other), *rest)
    assert "another order" in told(*rest, first)
    whole = before.changes_to(
        replace(before, clips=(replace(first, part=""), *rest, replace(first, path="new"))), whole=False
    )
    assert whole == ""  # a run may leave some of a data set out, and parts it by itself
