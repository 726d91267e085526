"""Findings that are mended: what a remedy changes, that it is undone by a line, and that a run keeps what it began with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import decode
from labcore.config import DataConfig
from labcore.datasets import check_dataset, find_dataset, open_store, register, split
from labcore.datasets.annotations import annotate, decided, file_of, read_annotations, take_back
from labcore.datasets.corrections import Corrections
from labcore.datasets.drawing import make_folds
from labcore.datasets.grouping import group_by
from labcore.datasets.leaks import leaks_of
from labcore.datasets.mending import clips_named, finding_named, health_of, mend, mendings_of, unmend
from labcore.datasets.resuming import find_again, pin
from labcore.datasets.shares import make_parts
from labcore.errors import AudioError, DatasetError
from labcore.owners import NotYoursError

NAME = "sounds"


@pytest.fixture
def sounds(tmp_path, workspace, noise, write_wav) -> Path:
    """Two classes of five clips; one of dog is silent, one of cat has channels of opposite phase, one is labelled Dog."""
    root = tmp_path / "sounds"
    for number in range(10):
        label = ("cat", "dog")[number % 2]
        write_wav(root / label / f"{number}.wav", noise(0.3, seed=number))
    write_wav(root / "dog" / "silent.wav", np.zeros(4800, np.float32))
    left = noise(0.3, seed=50)
    write_wav(root / "cat" / "phase.wav", np.stack([left, 0.3 * noise(0.3, seed=51) - left], axis=1))
    write_wav(root / "Dog" / "odd.wav", noise(0.3, seed=52))
    register(workspace, root, NAME)
    check_dataset(find_dataset(workspace, NAME))
    return root


def labels(workspace) -> dict[str, str]:
    table = find_dataset(workspace, NAME).table
    return {Path(path).name: label for path, label in zip(table["path"], table["label"], strict=True)}


def open_kinds(workspace) -> set[str]:
    return {finding.kind for finding in health_of(workspace, NAME)[1].found if finding.remedies}


def test_an_excluded_clip_is_left_out_whatever_people_say_of_its_label(sounds, workspace):
    before = {file: file.read_bytes() for file in sounds.rglob("*.wav")}
    assert "silent" in open_kinds(workspace)
    line = mend(workspace, NAME, "silent", who="Ann")
    assert line.sentence == "1 clip excluded (silent)"
    assert line.why.startswith("1 clip silent")
    annotate(workspace, NAME, decided(("dog/silent.wav", 0.0, "dog"), "right", who="Bo", size=line.clips[0].bytes))
    assert labels(workspace)["silent.wav"] == ""
    assert "silent" not in open_kinds(workspace)
    dataset = find_dataset(workspace, NAME)
    assert dataset.corrections.sentence == "labels of revision 2: 0 corrected, 1 clip left out"
    fold = dataset.folds[0]
    used = split(dataset, fold)
    assert not any(dataset.table["label"].iloc[[*used.train, *used.held_out]] == "")
    with pytest.raises(NotYoursError):
        unmend(workspace, NAME, "silent", who="Bo")
    assert unmend(workspace, NAME, "silent", who="Ann") == line
    assert labels(workspace)["silent.wav"] == "dog"
    assert "silent" in open_kinds(workspace)
    assert read_annotations(file_of(workspace, NAME)).revision == 3
    assert {file: file.read_bytes() for file in sounds.rglob("*.wav")} == before


def test_a_merged_label_is_replaced_wherever_it_counts(sounds, workspace):
    size = (sounds / "cat" / "0.wav").stat().st_size
    annotate(workspace, NAME, decided(("cat/0.wav", 0.0, "cat"), "other", who="Ann", size=size, new="Dog"))
    mend(workspace, NAME, "alike", who="Ann")
    found = labels(workspace)
    assert found["odd.wav"] == found["0.wav"] == "dog"
    assert find_dataset(workspace, NAME).labels == ["cat", "dog"]
    assert not [finding for finding in find_dataset(workspace, NAME).findings if finding.kind == "alike"]
    assert "alike" not in open_kinds(workspace)
    unmend(workspace, NAME, "alike", who="Ann")
    assert find_dataset(workspace, NAME).labels == ["cat", "Dog", "dog"]


def test_a_class_that_was_merged_is_none_that_folds_lack(sounds, workspace):
    def notes() -> list[str]:
        dataset = find_dataset(workspace, NAME)
        grouping = group_by(dataset, "source")
        parts = make_parts(dataset, grouping, {"train": 0.6, "test": 0.4})
        return [*make_folds(dataset, grouping, 2).notes, *parts.notes]

    assert [note.rpartition(": ")[2] for note in notes()] == ["Dog", "Dog"]
    mend(workspace, NAME, "alike")
    mend(workspace, NAME, "silent")
    assert notes() == []


def test_a_clip_that_somebody_labelled_keeps_that_label(sounds, workspace, write_wav, noise):
    for label in ("cat", "dog"):
        write_wav(sounds / label / "twice.wav", noise(0.3, seed=60))
    check_dataset(find_dataset(workspace, NAME))
    size = (sounds / "cat" / "twice.wav").stat().st_size
    mend(workspace, NAME, "mislabelled", "relabel=dog", who="Ann")
    table = find_dataset(workspace, NAME).table
    assert set(table["label"][table["path"].str.endswith("twice.wav")]) == {"dog"}
    annotate(workspace, NAME, decided(("cat/twice.wav", 0.0, "cat"), "other", who="Bo", size=size, new="Dog"))
    table = find_dataset(workspace, NAME).table
    assert sorted(table["label"][table["path"].str.endswith("twice.wav")]) == ["Dog", "dog"]


def test_a_clip_is_heard_by_one_channel(sounds, workspace):
    def heard() -> np.ndarray:
        dataset = find_dataset(workspace, NAME)
        store = open_store(workspace, dataset, 16_000)
        return store.waveform([Path(path).name for path in store.table["path"]].index("phase.wav"))

    mean = heard()
    assert "opposite phase" in open_kinds(workspace)
    mend(workspace, NAME, "opposite-phase", "right")
    right, _ = decode(sounds / "cat" / "phase.wav", channel=2)
    assert heard() == pytest.approx(right, abs=1e-4)
    assert not np.allclose(heard(), mean, atol=1e-3)
    assert "opposite phase" not in open_kinds(workspace)
    unmend(workspace, NAME, "opposite phase")
    assert heard() == pytest.approx(mean)


def test_one_channel_of_a_recording(tmp_path, noise, write_wav, monkeypatch):
    planes = np.stack([noise(0.2, seed=1), noise(0.2, seed=2)], axis=1)
    file = write_wav(tmp_path / "a.wav", planes, subtype="FLOAT")
    whole = decode(file, channel=2)[0]
    assert whole == pytest.approx(planes[:, 1])
    monkeypatch.setattr("labcore.audio.blocks.ONE_GO", 1000)
    monkeypatch.setattr("labcore.audio.blocks.BLOCK", 700)
    assert decode(file, channel=2)[0] == pytest.approx(whole)
    with pytest.raises(AudioError, match="has 2 channels, and no channel 3"):
        decode(file, channel=3)


def test_a_run_keeps_what_was_mended_when_it_began(sounds, workspace, make_run):
    run = make_run()
    mend(workspace, NAME, "silent")
    mend(workspace, NAME, "opposite-phase")
    pin(run, workspace, DataConfig(dataset=NAME))
    unmend(workspace, NAME, "silent")
    unmend(workspace, NAME, "opposite-phase")
    table = find_again(run, workspace, NAME).table.set_index("path")
    assert table["label"][str(sounds / "dog" / "silent.wav")] == ""
    assert table["channel"][str(sounds / "cat" / "phase.wav")] == 1
    assert Corrections.of_run(run).mended == (
        "1 clip excluded (silent)",
        "1 clip heard by channel 1 alone (opposite-phase)",
    )
    assert Corrections.of_run(run).sentence == (
        "labels of revision 2: 0 corrected, 1 clip left out, 1 clip by one channel"
    )
    assert labels(workspace)["silent.wav"] == "dog"


def test_some_clips_alone(sounds, workspace):
    (finding,) = [each for each in health_of(workspace, NAME)[1].found if each.kind == "few clips"]
    assert len(finding.clips) == 13
    assert not finding.remedies  # nothing would be left
    some = mend(workspace, NAME, "alike", "merge=Dog", clips=clips_named(workspace, NAME, ["dog/1.wav"]))
    assert some.mend == "relabel"  # of the others the label stays
    assert labels(workspace)["1.wav"] == "Dog"
    assert labels(workspace)["3.wav"] == "dog"
    with pytest.raises(DatasetError, match=r"there is no clip 'dog/99.wav'"):
        clips_named(workspace, NAME, ["dog/99.wav"])
    with pytest.raises(DatasetError, match="none of the clips"):
        mend(workspace, NAME, "silent", clips=clips_named(workspace, NAME, ["dog/1.wav"]))


def test_any_copy_of_a_sound_can_go_and_what_was_seen_must_still_be_so(sounds, workspace, write_wav, noise):
    for number in range(3):
        write_wav(sounds / "cat" / f"twice{number}.wav", noise(0.3, seed=80))
    check_dataset(find_dataset(workspace, NAME))
    seen = finding_named(health_of(workspace, NAME)[1].found, "copies", NAME)
    assert [remedy.name for remedy in seen.remedies] == ["exclude"]
    first = clips_named(workspace, NAME, ["cat/twice0.wav"])
    assert not first & set(seen.remedies[0].clips)
    mend(workspace, NAME, "copies", clips=first, seen=seen)
    assert labels(workspace)["twice0.wav"] == ""
    with pytest.raises(DatasetError, match="has changed meanwhile"):
        mend(workspace, NAME, "copies", clips=seen.clips, seen=seen)
    assert [label for name, label in labels(workspace).items() if name.startswith("twice")] == ["", "cat", "cat"]


def test_a_copy_that_is_left_out_ties_no_groups(sounds, workspace, write_wav, noise):
    write_wav(sounds / "cat" / "9.flac", 0.3 * noise(0.3, seed=0))  # cat/0.wav at another level
    dataset = check_dataset(find_dataset(workspace, NAME)) and find_dataset(workspace, NAME)
    assert make_folds(dataset, group_by(dataset, "source"), 2).grouping.joined == 1
    (clip,) = mend(
        workspace, NAME, next(kind for kind in open_kinds(workspace) if "near" in kind).replace(" ", "-")
    ).clips
    assert labels(workspace)[Path(clip.clip).name] == ""
    dataset = find_dataset(workspace, NAME)
    assert make_folds(dataset, group_by(dataset, "source"), 2).grouping.joined == 0
    assert leaks_of(dataset, [str(row) for row in range(len(dataset))]) == []


def test_one_of_the_classes_of_few_clips_is_left_out(sounds, workspace, write_wav, noise):
    for number in range(12):
        for label in ("hen", "pig"):
            write_wav(sounds / label / f"{label}{number}.wav", noise(0.3, seed=200 + 2 * number + (label == "pig")))
    check_dataset(find_dataset(workspace, NAME))
    (few,) = [each for each in health_of(workspace, NAME)[1].found if each.kind == "few clips"]
    assert [remedy.name for remedy in few.remedies] == ["exclude", "exclude=cat", "exclude=Dog", "exclude=dog"]
    assert mend(workspace, NAME, "few clips", "exclude=Dog").label == ""
    assert [name for name, label in labels(workspace).items() if not label] == ["odd.wav"]


def test_what_cannot_be_mended(sounds, workspace, write_wav, noise):
    with pytest.raises(DatasetError, match=r"no open finding 'clipped'.*There are: silent, "):
        mend(workspace, NAME, "clipped")
    with pytest.raises(DatasetError, match=r"has no remedy 'left'.*There are: exclude"):
        mend(workspace, NAME, "silent", "left")
    with pytest.raises(DatasetError, match="the lab can do nothing about the finding 'few-clips'"):
        mend(workspace, NAME, "few clips")
    with pytest.raises(DatasetError, match="nothing was done about a finding 'silent'"):
        unmend(workspace, NAME, "silent")
    write_wav(sounds / "dog" / "new.wav", noise(0.3, seed=99))
    with pytest.raises(DatasetError, match="has not been checked since it changed"):
        mend(workspace, NAME, "silent")
    assert not file_of(workspace, NAME).exists()


def test_a_mending_does_not_count_for_another_file_of_that_name(sounds, workspace, write_wav, noise):
    mend(workspace, NAME, "silent")
    write_wav(sounds / "dog" / "silent.wav", noise(0.4, seed=70))
    assert labels(workspace)["silent.wav"] == "dog"
    assert find_dataset(workspace, NAME).corrections.unused == 1


@pytest.mark.parametrize(
    "change",
    [{"label": "dog"}, {"channel": 1}, {"mend": "erase"}, {"mend": "merge"}, {"clips": [{"clip": 1}]}, {"channel": -1}],
)
def test_a_line_that_makes_no_sense_is_told_and_counts_for_nothing(sounds, workspace, change):
    mend(workspace, NAME, "silent")
    file = file_of(workspace, NAME)
    file.write_text(json.dumps(json.loads(file.read_text()) | change) + "\n")
    assert mendings_of(workspace, NAME) == ()
    assert read_annotations(file).damaged == 1
    assert labels(workspace)["silent.wav"] == "dog"


def test_a_mending_is_taken_back_by_its_id_too(sounds, workspace):
    line = mend(workspace, NAME, "silent", who="Ann")
    assert take_back(workspace, NAME, line.id[:6], "Ann") == line
    assert mendings_of(workspace, NAME) == ()
