"""A recorded set on disk: read as any data set is, changed by several, found again, and nothing lost where a change fails."""

from __future__ import annotations

import json

import numpy as np
import pytest

from labcore.audio import decode, encode_wav
from labcore.datasets import find_dataset, list_datasets
from labcore.datasets.keeping import remove, rename
from labcore.datasets.takes import recorded
from labcore.datasets.takes.recorded import RecordedSet, begun, is_recorded, recorded_sets
from labcore.errors import DatasetError, WorkspaceError
from labcore.owners import NotYoursError

RATE = 8000


@pytest.fixture
def sound(tone) -> bytes:
    return encode_wav(tone(300.0, seconds=0.5, sample_rate=RATE), RATE)


@pytest.fixture
def made(workspace, sound) -> RecordedSet:
    """Three takes of each of two classes."""
    made = RecordedSet.create(workspace, "my sounds", ["clap", "雨"])
    for _ in range(3):
        for label in ("clap", "雨"):
            made.add(sound, label, by="Ada", session="Ada")
    return made


def files(made: RecordedSet) -> list[str]:
    return sorted(path.name for path in (made.path / "takes").iterdir())


def test_takes_make_a_data_set_that_is_read_as_any_other(made, workspace, tone):
    dataset = find_dataset(workspace, "my-sounds")
    assert sorted(dataset.table["label"]) == ["clap"] * 3 + ["雨"] * 3
    assert dataset.folds == ["1", "2", "3"]
    assert dataset.table.groupby("fold")["label"].nunique().tolist() == [2, 2, 2]
    assert [finding.level for finding in dataset.findings] == ["note"]
    waveform, rate = decode(dataset.table["path"][0])
    assert rate == RATE
    assert np.abs(waveform - tone(300.0, seconds=0.5, sample_rate=RATE)).max() < 1e-4


def test_one_long_take_a_class_is_parted_by_time(workspace, noise):
    made = RecordedSet.create(workspace, "", ["fan", "pump"])
    for seed, label in enumerate(("fan", "pump")):
        made.add(encode_wav(noise(6.0, RATE, seed=seed), RATE), label)
    made.cut(1.0)
    table = find_dataset(workspace, "recorded-1").table
    assert (len(table), table["fold"].nunique()) == (12, 5)


def test_it_is_told_how_far_it_is_until_it_can_be_read(workspace, sound):
    made = RecordedSet.create(workspace, "new", ["clap", "snap"])
    assert begun(workspace, "new") == "being recorded: 0 takes of 2 classes"
    made.add(sound, "clap")
    assert begun(workspace, "new") == "being recorded: 1 take of 2 classes"
    assert list_datasets(workspace)[0].error
    made.add(sound, "snap")
    assert begun(workspace, "new") == ""
    assert list_datasets(workspace)[0].classes == 2


def test_digital_silence_is_measured_and_not_kept(made):
    before = made.read()
    take = made.add(encode_wav(np.zeros(RATE, np.float32), RATE), "clap")
    assert (take.number, take.levels.verdict) == (0, "dead")
    assert made.read() == before


def test_a_deleted_take_leaves_the_list_and_comes_back(made, workspace):
    made.delete([1], who="Ada")
    assert "0001.wav" not in files(made)
    dataset = find_dataset(workspace, "my-sounds")
    assert len(dataset.table) == 5
    assert [finding.kind for finding in dataset.findings] == ["columns"]  # no file is told to lie unlisted
    made.restore([1])
    assert len(find_dataset(workspace, "my-sounds").table) == 6


def test_what_was_deleted_long_ago_goes_for_good(made, monkeypatch):
    made.delete([1])
    now = recorded.time.time()
    monkeypatch.setattr(recorded.time, "time", lambda: now + 8 * 86400)
    made.trim(True)
    assert list((made.path / ".deleted").iterdir()) == []
    with pytest.raises(DatasetError, match="no take 1"):
        made.restore([1])


def test_a_take_moves_to_another_class(made, workspace):
    made.move(1, "雨", who="Ada")
    labels = find_dataset(workspace, "my-sounds").table["label"].value_counts()
    assert labels.to_dict() == {"雨": 4, "clap": 2}


def test_another_persons_take_is_not_touched_by_accident(made):
    acts = (made.delete, [1]), (made.move, 1, "雨"), (made.delete_class, "clap")
    for act, *what in acts:
        with pytest.raises(NotYoursError, match="Ada"):
            act(*what, who="Bo")
    made.delete([1], who="Bo", anyone=True)
    assert len(made.read().kept) == 5


def test_two_who_write_lose_nothing_of_each_other(made, workspace, sound):
    other = RecordedSet.find(workspace, "my-sounds")
    made.change(lambda ledger: ledger.with_classes(["snap"]))
    numbers = [each.add(sound, "snap").number for each in (other, made, other)]
    assert numbers == [7, 8, 9]
    assert len(made.read().of_class("snap")) == 3


def test_a_take_that_cannot_be_listed_leaves_nothing(made, sound, monkeypatch):
    before, there = made.read(), files(made)

    def full(path, data):
        if path.name == "takes.json":
            raise WorkspaceError("the disk is full")
        real(path, data)

    real = recorded.write_atomically
    monkeypatch.setattr(recorded, "write_atomically", full)
    with pytest.raises(WorkspaceError):
        made.add(sound, "clap")
    assert (made.read(), files(made)) == (before, there)


def test_what_is_no_sound_or_of_no_class_is_refused(made, sound):
    before = made.read()
    with pytest.raises(DatasetError, match="no class 'snap'"):
        made.add(sound, "snap")
    with pytest.raises(Exception, match="the take"):
        made.add(b"RIFF no sound", "clap")
    with pytest.raises(DatasetError, match=r"0\.01 s"):
        made.cut(0.01)
    assert made.read() == before


def test_it_is_renamed_and_deleted_as_any_other(made, workspace):
    rename(workspace, "my-sounds", "rain")
    found = RecordedSet.find(workspace, "my-sounds")
    assert found.name == "rain"
    assert len(found.read().kept) == 6
    remove(workspace, "rain", delete=True)
    assert recorded_sets(workspace) == []
    with pytest.raises(DatasetError, match="is gone"):
        found.read()


def test_a_name_that_is_taken_is_refused_and_those_of_the_lab_are_counted_up(made, workspace):
    with pytest.raises(DatasetError, match="used by"):
        RecordedSet.create(workspace, "my sounds", ["a"])
    assert [RecordedSet.create(workspace, "", ["a"]).name for _ in range(2)] == ["recorded-1", "recorded-2"]


def test_a_set_that_lies_elsewhere_is_never_written_to(made, workspace, tmp_path):
    elsewhere = made.path.rename(tmp_path / "elsewhere")
    made.path.symlink_to(elsewhere)
    assert not is_recorded(workspace, "my-sounds")
    with pytest.raises(DatasetError, match="not recorded here"):
        RecordedSet.find(workspace, "my-sounds")


@pytest.mark.parametrize("content", ["{", "[]", '{"takes": [{"number": 1}]}', '{"classes": 3}'])
def test_a_damaged_ledger_is_told_and_not_overwritten(made, sound, content):
    ledger = made.path / "takes.json"
    ledger.write_text(content)
    with pytest.raises(DatasetError, match=r"takes\.json cannot be read"):
        made.add(sound, "clap")
    assert ledger.read_text() == content
    assert len(files(made)) == 6


def test_the_ledger_reads_back_as_it_was(made):
    made.delete([2])
    known = made.read()
    assert json.loads((made.path / "takes.json").read_text())["format"] == 1
    made.trim(True)
    made.trim(False)
    assert made.read() == known
