"""Named splits: groups that names of files tell, folds that are drawn, kept, chosen by a run, and refused where they leak."""

from __future__ import annotations

import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labcore.audio import encode_wav
from labcore.config import DataConfig, RunConfig
from labcore.datasets import Dataset, check_dataset, find_dataset, read_dataset, register
from labcore.datasets.annotations import SPLITS
from labcore.datasets.drawing import make_folds
from labcore.datasets.grouping import fields_of, group_by
from labcore.datasets.in_split import dataset_for
from labcore.datasets.keeping import rename
from labcore.datasets.leaks import leaks_of
from labcore.datasets.listed_folds import folds_listed
from labcore.datasets.named_splits import (
    file_of,
    keep_split,
    named_now,
    named_splits,
    remove_split,
    rename_split,
    split_named,
)
from labcore.datasets.record import ClipRecord
from labcore.datasets.resuming import dataset_of, find_again, pin
from labcore.datasets.split_use import forget_split, use_of_split
from labcore.datasets.splits import split_for
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.owners import NotYoursError
from labcore.runs import Run
from tests.audio.commented import moth, with_chunks

NAME = "voices"


@pytest.fixture
def voices(tmp_path, workspace, noise, write_wav) -> Path:
    """Two words, said by six speakers twice each: yes/s01_0.wav …"""
    root, seed = tmp_path / "voices", 0
    for word in ("no", "yes"):
        for speaker in range(6):
            for take in range(2):
                write_wav(root / word / f"s{speaker:02}_{take}.wav", noise(0.1, seed=seed))
                seed += 1
    register(workspace, root, NAME)
    return root


def kept(workspace, by: str = "speaker", name: str = "people", folds: int = 3):
    dataset = find_dataset(workspace, NAME)
    drawn = make_folds(dataset, group_by(dataset, by), folds)
    return keep_split(workspace, NAME, name, drawn.folds, drawn.grouping.groups, by=by, who="Ann")


@pytest.mark.parametrize(
    ("by", "names", "groups"),
    [
        ("speaker", ["Actor_01/03-01-01.wav", "x/speaker7_a.wav", "x/spk-B_1.wav"], ["01", "7", "b"]),
        ("speaker", ["03-01-06-01-02-01-12.wav", "1001_DFA_ANG_XX.wav", "OAF_back_angry.wav"], ["12", "1001", "oaf"]),
        ("speaker", ["0_jackson_3.wav", "9_07_11.wav", "yes/a1b2_nohash_0.wav"], ["jackson", "07", "a1b2"]),
        ("site", ["Site 3/20230514_043000.WAV", "S4A01_20230514_043000.wav", "plot_b2/x.wav"], ["site3", "S4A01", "plotb2"]),
        ("day", ["a_20230514_043000.wav", "2023-05-15 x.wav", "20230516T0430.wav", "20230517043000.wav"],
         ["2023-05-14", "2023-05-15", "2023-05-16", "2023-05-17"]),
        ("{who}_*", ["anna_1.wav", "d/bert_2_x.flac"], ["anna", "bert"]),
        ("{site}_{day:8}_*", ["A_20230514_1.wav", "B_20230514_2.wav"], ["A 20230514", "B 20230514"]),
        ("{n:digits}-*.wav", ["12-a.wav", "7-b-c.wav"], ["12", "7"]),
        ("{room}/*", ["x/kitchen/1.wav", "y/hall/2.wav"], ["kitchen", "hall"]),
        ("rec?{id}", ["recA12.wav", "recB7.wav"], ["12", "7"]),
    ],
)  # fmt: skip
def test_what_names_tell(lay_out, by, names, groups):
    rows = [f"{name},{'ab'[row % 2]}" for row, name in enumerate(names)]
    dataset = read_dataset(lay_out(*names, lists={"clips.csv": "\n".join(["path,label", *rows])}) / "clips.csv")
    found = group_by(dataset, by)
    assert dict(zip(found.ways, found.groups, strict=True)) == dict(zip(names, groups, strict=True))
    assert not found.unmatched


def test_names_that_do_not_tell_keep_their_recording(voices, workspace):
    (voices / "yes" / "s05_1.wav").rename(voices / "yes" / "loud.wav")
    found = group_by(find_dataset(workspace, NAME), "s{who:digits}_*")
    assert [found.ways[row] for row in found.unmatched] == ["yes/loud.wav"]
    assert found.sizes == {"00": 4, "01": 4, "02": 4, "03": 4, "04": 4, "05": 3, "yes/loud.wav": 1}
    assert found.sentence == (
        "7 groups by s{who:digits}_*, of 1 to 4 clips; 1 group of one clip; 1 clip whose names do not tell, each with its own recording"
    )


@pytest.mark.parametrize(
    ("by", "error", "told"),
    [
        ("day", DatasetError, "the names tell no day of 24 clips of 24"),
        ("folder", DatasetError, "each folder is a class"),
        (
            "colour",
            ConfigError,
            r"cannot be grouped by 'colour'. There are: source, .*recorder, night, place or a field of GUANO",
        ),
        ("{}_*", ConfigError, "has no field in braces"),
    ],
)
def test_groups_that_cannot_be(voices, workspace, by, error, told):
    with pytest.raises(error, match=told):
        group_by(find_dataset(workspace, NAME), by)


def test_a_recording_of_many_clips_is_named_once(voices, workspace):
    dataset = find_dataset(workspace, NAME)
    table = pd.concat([dataset.table[:2]] * 5, ignore_index=True)
    first, second = (f"{Path(path).parent.name}/{Path(path).name}" for path in dataset.table["path"][:2])
    with pytest.raises(DatasetError, match=f"of 10 clips of 10: {first}, {second}. Give"):
        group_by(replace(dataset, table=table), "day")


def test_drawn_folds_keep_groups_together_and_have_every_class(voices, workspace):
    dataset = find_dataset(workspace, NAME)
    drawn = make_folds(dataset, group_by(dataset, "speaker"), 3)
    table = dataset.table.assign(fold=drawn.folds, group=drawn.grouping.groups)
    assert (table.groupby("group")["fold"].nunique() == 1).all()
    assert (table.groupby(["fold", "label"]).size() == 4).all()
    assert drawn.notes == []
    shuffled = dataset.table.sample(frac=1, random_state=1).reset_index(drop=True)
    again = Dataset(NAME, dataset.root, "folders", shuffled)
    other = make_folds(again, group_by(again, "speaker"), 3)
    assert dict(zip(shuffled["path"], other.folds, strict=True)) == dict(zip(table["path"], drawn.folds, strict=True))
    assert make_folds(dataset, group_by(dataset, "speaker"), 3, seed=1).folds != drawn.folds
    with pytest.raises(DatasetError, match=r"6 groups by speaker cannot make 7 folds.*at most 6 folds"):
        make_folds(dataset, group_by(dataset, "speaker"), 7)
    with pytest.raises(ConfigError, match="1 folds cannot be drawn"):
        make_folds(dataset, group_by(dataset, "speaker"), 1)


def test_groups_with_copies_become_one(voices, workspace, noise, write_wav):
    shutil.copy(voices / "no" / "s00_0.wav", voices / "no" / "s01_9.wav")  # equal files
    write_wav(voices / "yes" / "s03_9.flac", 0.3 * noise(0.1, seed=16))  # yes/s02_0.wav at another level
    check_dataset(find_dataset(workspace, NAME))
    dataset = find_dataset(workspace, NAME)
    drawn = make_folds(dataset, group_by(dataset, "speaker"), 3)
    assert drawn.grouping.joined == 2
    fold = dict(zip(drawn.grouping.ways, drawn.folds, strict=True))
    assert fold["no/s00_0.wav"] == fold["yes/s01_0.wav"]
    assert fold["yes/s02_0.wav"] == fold["no/s03_0.wav"]
    with pytest.raises(
        DatasetError, match=r"4 groups by speaker \(6 before those .* became one\) .*, or exclude copies: "
    ):
        make_folds(dataset, group_by(dataset, "speaker"), 5)
    assert leaks_of(dataset, drawn.folds, drawn.grouping.groups) == []


def test_a_split_is_chosen_by_a_setting_and_kept_in_the_run(voices, workspace, make_run):
    split, data = kept(workspace), DataConfig(dataset=NAME, named_split="people")
    before = sorted(path.name for path in voices.rglob("*"))
    dataset = dataset_for(workspace, data)
    assert dataset.folds == ["1", "2", "3"]
    assert dataset.fold_note == "split people: 3 folds by speaker"
    parts = split_for(dataset, data)
    held_out = {Path(path).name[:3] for path in dataset.table["path"].iloc[parts.held_out]}
    assert held_out.isdisjoint(Path(path).name[:3] for path in dataset.table["path"].iloc[parts.train])
    run = make_run()
    pin(run, workspace, data)
    remove_split(workspace, NAME, "people", who="Ann")
    for again in (find_again(run, workspace, NAME), dataset_of(run, workspace, NAME)):
        assert list(again.table["fold"]) == list(dataset.table["fold"])
    with pytest.raises(DatasetError, match="has no split 'people'"):
        dataset_for(workspace, data)
    assert kept(workspace).folds == split.folds  # the name is free again
    assert sorted(path.name for path in voices.rglob("*")) == before
    assert dataset_for(workspace, DataConfig(dataset=NAME)).fold_note == find_dataset(workspace, NAME).fold_note


def test_splits_are_kept_beside_the_set(voices, workspace):
    kept(workspace)
    kept(workspace, by="source", name="clips")
    assert list(named_splits(workspace, NAME)) == ["people", "clips"]
    with pytest.raises(DatasetError, match="has a split 'people' already"):
        kept(workspace)
    for name in ("official", "a b", "", "../x"):
        with pytest.raises(DatasetError, match="cannot be the name of a split"):
            kept(workspace, name=name)
    with pytest.raises(NotYoursError):
        remove_split(workspace, NAME, "people", who="Bo")
    remove_split(workspace, NAME, "people", who="Bo", anyone=True)
    with file_of(workspace, NAME).open("a") as file:
        file.write('{"split": 3}\nno JSON\n')
    rename(workspace, NAME, "words")
    assert list(named_splits(workspace, "words")) == ["clips"]
    assert not (workspace.datasets / f"{NAME}{SPLITS}").exists()
    with pytest.raises(DatasetError, match=r"has no split 'people'.*There are: clips"):
        split_named(workspace, "words", "people")


def test_a_split_has_a_name_in_any_script(voices, workspace):
    composed, apart = (unicodedata.normalize(form, "набор-й") for form in ("NFC", "NFD"))
    assert kept(workspace, name=apart).split == composed
    with pytest.raises(DatasetError, match="already"):
        kept(workspace, name=composed)
    assert split_named(workspace, NAME, apart).split == composed
    rename_split(workspace, NAME, apart, "鳥", who="Ann")
    assert named_now(workspace, NAME, apart) == "鳥"


def test_a_renamed_split_is_found_by_its_old_name(voices, workspace):
    split = kept(workspace)
    with pytest.raises(NotYoursError):
        rename_split(workspace, NAME, "people", "folk", who="Bo")
    assert rename_split(workspace, NAME, "people", "folk", who="Ann").clips == split.clips
    assert list(named_splits(workspace, NAME)) == ["folk"]
    assert split_named(workspace, NAME, "people").split == "folk"
    assert dataset_for(workspace, DataConfig(dataset=NAME, named_split="people")).fold_note.startswith("split folk")
    rename_split(workspace, NAME, "folk", "persons", who="Ann")
    assert named_now(workspace, NAME, "people") == "persons"
    new = kept(workspace, folds=2)  # the first name is free, and is that of the new one from now on
    assert split_named(workspace, NAME, "people").clips == new.clips
    for taken, error in (
        ("persons", "has a split 'persons' already"),
        ("new", "cannot be the name"),
        ("", "cannot be"),
    ):
        with pytest.raises(DatasetError, match=error):
            rename_split(workspace, NAME, "people", taken, who="Ann")
    assert rename_split(workspace, NAME, "people", "people", who="Ann").clips == new.clips
    remove_split(workspace, NAME, "persons", who="Ann")
    with pytest.raises(DatasetError, match="has no split 'folk'"):
        split_named(workspace, NAME, "folk")


def test_a_run_keeps_its_split_and_leaves_out_what_came_later(voices, workspace, make_run, noise, write_wav):
    kept(workspace)
    run, data = make_run(), DataConfig(dataset=NAME, named_split="people")
    pin(run, workspace, data)
    write_wav(voices / "yes" / "s09_0.wav", noise(0.1, seed=99))
    assert len(dataset_of(run, workspace, NAME)) == 24
    assert len(find_again(run, workspace, NAME)) == 24


def test_a_run_without_its_split_knows_its_sides_from_its_clips(voices, workspace, make_run):
    kept(workspace)
    data = DataConfig(dataset=NAME, named_split="people", fold="2")
    dataset = dataset_for(workspace, data)
    run = make_run()
    run.save_config(run.config.replace({"data.dataset": NAME, "data.named_split": "people", "data.fold": "2"}))
    parts = split_for(dataset, data)
    ClipRecord.of(dataset, dataset.table, parts, dataset.labels).save(run)
    (run.path / "split.json").write_text("{")
    again = dataset_of(run, workspace, NAME)
    held_out = set(again.table["path"].iloc[split_for(again, data).held_out])
    assert held_out == set(dataset.table["path"].iloc[parts.held_out])
    assert len(split_for(again, data).train) == len(parts.train)
    aside = split_for(dataset, data.model_copy(update={"validation_share": 0.3}))
    ClipRecord.of(dataset, dataset.table, aside, dataset.labels).save(run)
    with pytest.raises(DatasetError, match=r"its file split\.json is gone or damaged"):
        dataset_of(run, workspace, NAME)


def test_who_uses_a_split_is_told_before_it_goes(voices, workspace):
    kept(workspace)
    config = RunConfig().replace({"data.dataset": NAME, "data.named_split": "people"})
    run = Run.create(workspace, config, queued=True)
    rename_split(workspace, NAME, "people", "folk", who="Ann")
    use = use_of_split(workspace, NAME, "folk")
    assert (use.runs, use.waiting) == ((run,), (run,))
    assert use.sentence == f"1 run uses the split folk: {run.id}"
    with pytest.raises(RunError, match=f"cannot be removed now: 1 run has not begun with it yet, {run.id}"):
        forget_split(workspace, NAME, "folk", who="Ann")
    pin(run, workspace, config.data)
    assert use_of_split(workspace, NAME, "people").waiting == ()
    forget_split(workspace, NAME, "folk", who="Ann")
    assert named_splits(workspace, NAME) == {}
    assert len(dataset_of(run, workspace, NAME).folds) == 3


def test_folds_drawn_before_a_data_set_changed_are_kept_as_they_are(voices, workspace, noise, write_wav):
    dataset = find_dataset(workspace, NAME)
    drawn = make_folds(dataset, group_by(dataset, "speaker"), 3)
    write_wav(voices / "yes" / "s09_0.wav", noise(0.1, seed=99))
    made = keep_split(workspace, NAME, "mine", drawn.folds, drawn.grouping.groups, by="speaker", dataset=dataset)
    assert len(made.clips) == 24


def test_clips_are_grouped_by_what_recorders_wrote(lay_out):
    def written(name: str, day: int) -> bytes:
        text = f"Recorded at 02:00:00 {day:02}/06/2022 (UTC) by AudioMoth {name} at high gain while battery was 4.0V."
        return with_chunks(moth(text))

    names = [f"{label}/r{n}.wav" for label in ("bat", "owl") for n in range(4)]
    root = lay_out(*names)
    for number, name in enumerate(names):
        (root / name).write_bytes(written("AB"[number % 2] * 4, 1 + number // 2))
    dataset = read_dataset(root)
    assert group_by(dataset, "recorder").sizes == {"AAAA": 4, "BBBB": 4}
    assert list(group_by(dataset, "night").sizes) == ["2022-05-31", "2022-06-01", "2022-06-02", "2022-06-03"]
    assert next(iter(group_by(dataset, "day").sizes)) == "2022-06-01"  # no name tells a day
    assert set(fields_of(dataset)) == {"recorder", "day", "night"}
    (root / names[0]).write_bytes(encode_wav(np.zeros(80, np.float32), 8000))
    found = group_by(dataset, "Recorder")
    assert [found.ways[row] for row in found.unmatched] == names[:1]
    assert "1 clip whose recorders' comments do not tell" in found.sentence
    with pytest.raises(ConfigError, match=r"There are: .*recorder, day, night"):
        group_by(dataset, "colour")


def test_clips_that_came_later_are_told(voices, workspace, noise, write_wav):
    kept(workspace)
    write_wav(voices / "yes" / "s09_0.wav", noise(0.1, seed=99))
    with pytest.raises(DatasetError, match=r"1 clip of voices are not in the split 'people', as yes/s09_0.wav"):
        dataset_for(workspace, DataConfig(dataset=NAME, named_split="people"))


def test_a_split_that_leaks_is_refused_saying_what(voices, workspace, tmp_path):
    dataset = find_dataset(workspace, NAME)
    grouping = group_by(dataset, "speaker")
    folds = [str(number % 2 + 1) for number in range(len(dataset))]
    with pytest.raises(
        DatasetError, match=r"the split 'mine' leaks: 6 groups in several folds: s00_0.wav in fold 1 and s00_1.wav in"
    ):
        keep_split(workspace, NAME, "mine", folds, grouping.groups, by="speaker")
    shutil.copy(voices / "no" / "s00_0.wav", voices / "yes" / "s07_0.wav")
    dataset = find_dataset(workspace, NAME)
    rows = [f"{'yes' if 'yes' in path else 'no'}/{Path(path).name},{2 if 's07' in path else 1 if 's00' in path else 3}"
            for path in dataset.table["path"]]  # fmt: skip
    (tmp_path / "mine.csv").write_text("\n".join(["file,fold", *rows]))
    listed = folds_listed(dataset, tmp_path / "mine.csv")
    assert listed.count("2") == 1
    with pytest.raises(DatasetError, match=r"s00_0.wav in fold 1 and s07_0.wav in fold 2"):
        keep_split(workspace, NAME, "mine", listed, [""] * len(listed), by="list")
    assert named_splits(workspace, NAME) == {}


def test_a_copy_that_a_later_check_finds_is_refused_at_training(voices, workspace, noise, write_wav):
    write_wav(voices / "yes" / "s07_0.flac", 0.3 * noise(0.1, seed=0))  # no/s00_0.wav at another level
    dataset = find_dataset(workspace, NAME)
    grouping = group_by(dataset, "speaker")
    folds = ["2" if "s07" in way else "1" if int(way.rpartition("s")[2][:2]) < 3 else "3" for way in grouping.ways]
    keep_split(workspace, NAME, "mine", folds, grouping.groups, by="speaker")
    data = DataConfig(dataset=NAME, named_split="mine")
    assert dataset_for(workspace, data).folds == ["1", "2", "3"]
    check_dataset(find_dataset(workspace, NAME))
    with pytest.raises(
        DatasetError, match=r"leaks: 1 copy of a sound in several folds: s00_0.wav in fold 1 and s07_0.flac in"
    ):
        dataset_for(workspace, data)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["file,word", "no/s00_0.wav,1"], "no columns path and fold"),
        (["file,fold", "no/s00_0.wav,1", "no/s00_0.wav,2"], "puts no/s00_0.wav into the folds 1 and 2"),
        (["file,fold", "other.wav,1"], "names no clip of voices, as other.wav"),
        (["file,fold", "no/s00_0.wav,1", "other.wav,1"], "1 row of mine.csv name no clip of voices"),
    ],
)
def test_lists_of_folds_that_cannot_be_taken(voices, workspace, tmp_path, lines, told):
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=told):
        folds_listed(find_dataset(workspace, NAME), tmp_path / "mine.csv")


def test_clips_that_a_list_does_not_name_are_used_for_nothing(voices, workspace, tmp_path):
    ways = [f"{word}/s0{speaker}_{take}.wav" for word in ("no", "yes") for speaker in range(3) for take in range(2)]
    (tmp_path / "mine.csv").write_text("\n".join(["file,fold", *(f"{way},{way[-7]}" for way in ways)]))
    dataset = find_dataset(workspace, NAME)
    folds = folds_listed(dataset, tmp_path / "mine.csv")
    keep_split(workspace, NAME, "some", folds, [""] * len(folds), by="list")
    taken = dataset_for(workspace, DataConfig(dataset=NAME, named_split="some"))
    assert len(taken) == 12
    assert taken.folds == ["0", "1", "2"]


def test_windows_cut_otherwise_are_where_their_recordings_are(tmp_path, workspace, noise, write_wav):
    for number in range(4):
        write_wav(tmp_path / "night" / f"site{number}_1.wav", noise(6.0, 4000, seed=number), 4000)
        (tmp_path / "night" / f"site{number}_1.txt").write_text("1\t2\towl\n4\t5\tfox\n")
    register(workspace, tmp_path / "night", NAME)
    kept(workspace, by="site", name="sites", folds=2)
    places = {way: clip.fold for (way, _), clip in split_named(workspace, NAME, "sites").folds.items()}
    data = DataConfig(dataset=NAME, named_split="sites", windows="grid", window_seconds=0.5)
    taken = dataset_for(workspace, data)
    assert len(taken) > len(find_dataset(workspace, NAME))
    ways = [Path(path).name for path in taken.table["path"]]
    assert list(taken.table["fold"]) == [places[way] for way in ways]
    assert list(taken.table["group"]) == [way.partition("_")[0] for way in ways]


@pytest.mark.parametrize(("by", "files"), [("{who}_*", "{label}/{who}_{n}.wav"), ("folder", "{who}/{label}_{n}.wav")])
def test_names_in_two_spellings_of_unicode_are_one_group(lay_out, by, files):
    who = ["M\u00fcller", "Mu\u0308ller", "Zo\u00eb"]
    paths = [files.format(who=name, label="ab"[n % 2], n=n) for name in who for n in range(4)]
    table = [f"{path},{'ab'[n % 2]}" for n, path in enumerate(paths)]
    dataset = read_dataset(lay_out(*paths, lists={"labels.csv": "\n".join(["path,label", *table])}))
    assert sorted(group_by(dataset, by).sizes.values()) == [4, 8]
