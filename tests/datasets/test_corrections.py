"""Corrected labels: what counts, where it counts, and that a run goes on with those that it began with."""

from __future__ import annotations

import shutil

import pytest

from labcore.config import DataConfig, RunConfig
from labcore.datasets import check_dataset, find_dataset, open_store, register, split
from labcore.datasets.annotations import annotate, decided, file_of, take_back
from labcore.datasets.corrected_since import corrected_since
from labcore.datasets.corrections import Corrections, label_by
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import name_of
from labcore.datasets.resuming import dataset_of, find_again, pin_labels
from labcore.datasets.sampling import with_train_clips
from labcore.datasets.splits import split_for
from labcore.errors import DatasetError
from labcore.evaluation.select import select_clips
from labcore.runs import Run


def vote(verdict: str, new: str = ""):
    return decided(("a.wav", 0.0, "dog"), verdict, who="", size=1, **({"new": new} if new else {}))


RIGHT, WRONG, UNSURE, CAT, COW = (
    vote("right"),
    vote("wrong"),
    vote("unsure"),
    vote("other", "cat"),
    vote("other", "cow"),
)


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        ([], "dog"),
        ([RIGHT], "dog"),
        ([UNSURE], "dog"),
        ([CAT], "cat"),
        ([WRONG], ""),
        ([CAT, UNSURE], "cat"),
        ([CAT, RIGHT], "dog"),  # as many for it as against it
        ([CAT, COW, RIGHT], ""),  # two against it, who name different ones
        ([CAT, CAT, COW, RIGHT, RIGHT], "cat"),
        ([CAT, WRONG], "cat"),
        ([CAT, COW], ""),
    ],
)
def test_what_counts_where_people_differ(votes, label):
    assert label_by(votes, "dog") == label
    assert label_by(votes[::-1], "dog") == label


@pytest.fixture
def tones(workspace, class_folders):
    register(workspace, class_folders, "tones")
    return class_folders


@pytest.fixture
def correct(workspace, tones):
    """correct("high/0.wav", "low tones", who="Ann"): "" for a wrong label."""

    def make(clip, new="low tones", who="Ann", old=""):
        old = old or clip.split("/")[0]
        verdict = "right" if new == old else "other" if new else "wrong"
        size = (tones / clip).stat().st_size
        more = {"new": new} if verdict == "other" else {}
        return annotate(workspace, "tones", decided((clip, 0.0, old), verdict, who=who, size=size, **more))

    return make


def labels(dataset) -> dict[str, str]:
    folder = dataset.folder
    return {
        path[len(folder) + 1 :]: label
        for path, label in zip(dataset.table["path"], dataset.table["label"], strict=True)
    }


def test_every_reader_of_a_named_set_sees_the_corrected_labels(workspace, tones, correct):
    before = find_dataset(workspace, "tones")
    correct("high/0.wav")
    correct("high/1.wav", "")
    now = find_dataset(workspace, "tones")
    assert labels(now) == labels(before) | {"high/0.wav": "low tones", "high/1.wav": ""}
    assert now.labels == ["high", "low tones"]
    assert now.corrections.sentence == "labels of revision 2: 1 corrected, 1 clip left out"
    assert ", labels revision 2: 1 corrected, 1 clip left out" in repr(now)
    health = check_dataset(now)
    assert any("1 corrected, 1 clip left out" in note for note in health.notes)
    assert health.counts.sum(axis=1).to_dict() == {"high": 4, "low tones": 7}
    assert list(now.table["fold"]) == list(before.table["fold"])
    assert list(tones.rglob("*.jsonl")) == []


def test_the_clip_store_stays_when_labels_change(workspace, correct):
    before = open_store(workspace, find_dataset(workspace, "tones"), 8000)
    stores = set((workspace.cache / "clips").iterdir())
    correct("high/0.wav")
    correct("high/1.wav", "")
    after = open_store(workspace, find_dataset(workspace, "tones"), 8000)
    assert set((workspace.cache / "clips").iterdir()) == stores
    assert (after.samples[:100] == before.samples[:100]).all()
    assert list(after.table["label"]).count("low tones") == 7


@pytest.mark.parametrize("kind", ["official", "random"])
def test_a_correction_moves_no_clip_to_another_part(workspace, correct, kind):
    data = DataConfig(split=kind, fold="1", validation_share=0.2)
    before = find_dataset(workspace, "tones")
    parts = split_for(before, data)
    correct("high/0.wav")
    correct("low tones/3.wav", "high")
    now = split_for(find_dataset(workspace, "tones"), data)
    for name in ("train", "held_out", "validation"):
        assert list(getattr(now, name)) == list(getattr(parts, name))
    small, small_before = (
        with_train_clips(each, DataConfig(fold="1"), 4) for each in (find_dataset(workspace, "tones"), before)
    )
    assert list(small.table["path"]) == list(small_before.table["path"])


def test_a_clip_whose_label_is_wrong_is_in_no_part(workspace, correct):
    for number in range(3):
        correct(f"high/{number}.wav", "")
    dataset = find_dataset(workspace, "tones")
    out = [row for row, label in enumerate(dataset.table["label"]) if not label]
    assert len(out) == 3
    for fold in dataset.folds:
        parts = split(dataset, fold)
        assert not set(out) & {*parts.train, *parts.held_out}
        assert "left out: excluded by hand, or the label is wrong and no other one is known" in parts.note
    assert set(select_clips(dataset.table, None).rows) == set(range(12)) - set(out)
    own = DataConfig(fold=dataset.table["fold"][out[0]])
    assert out[0] not in select_clips(dataset.table, own).rows


def test_what_is_no_longer_so_does_not_count_and_is_told(workspace, tones, correct):
    correct("high/0.wav")
    correct("high/1.wav")
    correct("high/2.wav", old="loud")  # a label that the set has given up since
    (tones / "high" / "0.wav").unlink()
    with (tones / "high" / "1.wav").open("ab") as file:
        file.write(bytes(100))
    dataset = find_dataset(workspace, "tones")
    assert set(labels(dataset).values()) == {"high", "low tones"}
    assert dataset.corrections.corrected == 0
    assert dataset.corrections.unused == 3
    (finding,) = [
        finding for finding in dataset.findings if finding.kind == "annotations" and finding.level == "warning"
    ]
    assert "3 annotations do not count" in finding.sentence
    run = Run.create(workspace, RunConfig().replace({"data.dataset": "tones"}))
    pin_labels(run, workspace, "tones")
    assert finding in find_again(run, workspace, "tones").findings  # and so the training warns of it


def test_a_set_of_another_place_has_annotations_of_its_own(workspace, tones, correct, tmp_path):
    correct("high/0.wav")
    copied = shutil.copytree(tones, tmp_path / "copied")
    assert labels(find_dataset(workspace, copied))["high/0.wav"] == "high"
    with pytest.raises(DatasetError, match="is not in the workspace") as caught:
        name_of(workspace, str(copied))
    assert "labcore datasets import" in caught.value.remedy


def begun(workspace) -> Run:
    run = Run.create(workspace, RunConfig().replace({"data.dataset": "tones", "data.fold": "1"}))
    pin_labels(run, workspace, "tones")
    dataset = find_again(run, workspace, "tones")
    ClipRecord.of(dataset, dataset.table, split(dataset, "1"), dataset.labels).save(run)
    return run


def test_a_run_goes_on_with_the_labels_that_it_began_with(workspace, correct):
    correct("high/0.wav")
    run = begun(workspace)
    correct("high/1.wav")
    take_back(workspace, "tones", "last", "Ann")
    correct("high/2.wav", "")
    pin_labels(run, workspace, "tones")  # as at every start
    resumed = labels(find_again(run, workspace, "tones"))
    assert (resumed["high/0.wav"], resumed["high/1.wav"], resumed["high/2.wav"]) == ("low tones", "high", "high")
    file_of(workspace, "tones").unlink()
    assert labels(find_again(run, workspace, "tones")) == resumed
    assert Corrections.of_run(run).sentence == "labels of revision 1: 1 corrected"
    assert labels(dataset_of(run, workspace, "tones"))["high/0.wav"] == "high"  # evaluated with those that count by now


def test_a_run_of_before_goes_on_without_corrections(workspace, correct):
    run = begun(workspace)
    (run.path / "corrections.json").unlink()
    correct("high/0.wav")
    pin_labels(run, workspace, "tones")
    assert labels(find_again(run, workspace, "tones"))["high/0.wav"] == "high"


def test_held_out_labels_that_were_corrected_since_are_counted(workspace, correct):
    first = begun(workspace)
    held_out = [clip.path for clip in ClipRecord.load(first).clips if clip.part == "held out" and clip.label == "high"]
    trained = [clip.path for clip in ClipRecord.load(first).clips if clip.part == "train" and clip.label == "high"]
    correct(held_out[0])
    correct(trained[0])
    assert corrected_since(first) == 1
    second = begun(workspace)
    assert corrected_since(second) == 0
    correct(held_out[0], "high")  # changed one's mind
    assert (corrected_since(first), corrected_since(second)) == (0, 1)
