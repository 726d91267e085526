"""Published sets with lists of their own: what they say beyond the names of the clips, and what may be missing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from labcore.datasets import read_dataset
from labcore.datasets.several import with_one_label
from labcore.errors import DatasetError
from tests.datasets.made import (
    audiofolder,
    audioset,
    birdclef,
    fsd50k,
    gtzan,
    laid_out,
    sheet,
    sounds,
    speech_commands,
    wav,
)


def test_noises_of_speech_commands_are_told(tmp_path: Path, told) -> None:
    dataset = read_dataset(laid_out(tmp_path, speech_commands().files))
    (sentence,) = [each for each in told(dataset, "note") if "noise" in each]
    assert "1 file in _background_noise_ is long noise and no class" in sentence
    assert f"--augment.noise_file {tmp_path}/_background_noise_/white_noise.wav" in sentence


@pytest.mark.parametrize("words", ["audio/", ""])
def test_speech_commands_as_kaggle_has_them_and_with_a_part_of_the_words(words: str, tmp_path: Path) -> None:
    files = {
        name if name.endswith(".txt") else words + name: content for name, content in speech_commands().files.items()
    }
    for name in ("validation_list.txt", "testing_list.txt"):
        files[name] += sheet(*(f"{word}/c3d4_nohash_0.wav" for word in ("bed", "cat", "tree", "wow")))
    dataset = read_dataset(laid_out(tmp_path / "train", files))
    assert (dataset.layout, dataset.labels, dataset.folds) == (
        "speech_commands",
        ["no", "yes"],
        ["train", "val", "test"],
    )
    assert not any(finding.kind == "missing" for finding in dataset.findings)


def test_gtzan_with_the_fault_filtered_split(tmp_path: Path) -> None:
    parts = {
        f"{part}_filtered.txt": sheet(*(f"{genre}/{genre}.{number:05}.wav" for genre in ("blues", "rock")))
        for number, part in enumerate(("train", "valid", "test"))
    }
    dataset = read_dataset(
        laid_out(tmp_path, gtzan().files | {f"genres_original/{name}": text for name, text in parts.items()})
    )
    assert (dataset.layout, dataset.folds) == ("gtzan", ["train", "val", "test"])
    assert not any(finding.kind == "repeated recordings" for finding in dataset.findings)


def test_gtzan_as_drawn_is_told_to_be_too_easy(tmp_path: Path, told) -> None:
    assert any(
        "GTZAN holds repeated recordings" in each
        for each in told(read_dataset(laid_out(tmp_path, gtzan().files)), "note")
    )


def test_clips_with_several_labels_are_told_and_chosen_from(tmp_path: Path) -> None:
    dataset = read_dataset(laid_out(tmp_path, fsd50k().files))
    (finding,) = dataset.findings
    assert finding.what.startswith("3 of 4 clips have several labels, kept as 'Bark;Dog;Animal'; there are 5 labels")
    assert {Path(file).name for file in finding.files} == {"11.wav", "12.wav", "21.wav"}
    assert "data.labels" in finding.remedy
    assert dataset.labels == ["Animal", "Bark", "Dog", "Rain", "Water"]
    first, single = with_one_label(dataset, "first"), with_one_label(dataset, "single")
    assert (list(first.table["label"]), first.findings) == (["Bark", "Rain", "Rain", "Bark"], [])
    assert [Path(path).name for path in single.table["path"]] == ["13.wav"]
    assert with_one_label(dataset, "all") is dataset


def test_what_fsd50k_lists_and_is_not_there(tmp_path: Path) -> None:
    files = fsd50k().files
    del files["FSD50K.dev_audio/12.wav"]
    dataset = read_dataset(laid_out(tmp_path, files))
    assert [(problem.path, problem.what) for problem in dataset.problems] == [
        ("12.wav", "is missing (dev.csv, line 3)")
    ]


def test_segments_of_whole_videos_are_cut_out(tmp_path: Path) -> None:
    table = sheet(
        "# YTID, start_seconds, end_seconds, positive_labels",
        'aaaaaaaaaaa, 0.5, 1.0, "Dog"',
        'bbbbbbbbbbb, 0.25, 0.75, "Cat,Rain"',
    )
    table += sheet('aaaaaaaaaaa, 0, 0.5, "Bird"')
    files = {"audio/aaaaaaaaaaa.wav": wav(1, 2.0), "audio/Ybbbbbbbbbbb.wav": wav(2, 0.5), "segments.csv": table}
    dataset = read_dataset(laid_out(tmp_path, files))
    spans = {row.label: (row.start_s, row.end_s) for row in dataset.table.itertuples()}
    assert (spans["Dog"], spans["Bird"]) == ((0.5, 1.0), (0.0, 0.5))
    assert spans["Cat;Rain"][0] == 0
    assert math.isnan(spans["Cat;Rain"][1])


def test_segments_that_cannot_be_used_and_codes_without_names(tmp_path: Path, told) -> None:
    files = audioset().files
    del files["class_labels_indices.csv"]
    files["balanced_train_segments.csv"] += sheet(
        'ccccccccccc, 0, 10, "/m/01"', 'ddddddddddd, 10, 0, "/m/01"', "eeeeeeeeeee, x, 10, /m/01", "fffffffffff, 0, 10,"
    )
    dataset = read_dataset(laid_out(tmp_path, files | sounds("audio/train/gggggggggggg_1.wav")))
    assert {problem.path: problem.what.partition(" (")[0] for problem in dataset.problems} == {
        "ccccccccccc": "is missing",
        "ddddddddddd": "ends at 0 s, but begins at 10 s",
        "eeeeeeeeeee": "has no times",
        "fffffffffff": "has no label",
    }
    assert any("2 classes called by code, as /m/01" in each for each in told(dataset, "note"))
    assert any(each.startswith("1 audio file of no listed segment skipped") for each in told(dataset))


@pytest.mark.parametrize(
    ("folder", "name", "header", "row"),
    [
        ("train_short_audio", "train_metadata.csv", "primary_label,secondary_labels,author,filename", "{0},[],{1},{2}"),
        ("train_audio", "train.csv", "ebird_code,recordist,filename", "{0},{1},{2}"),
    ],
)
def test_birdclef_of_other_years(folder: str, name: str, header: str, row: str, tmp_path: Path) -> None:
    clips = [
        ("abethr1", "Ada", "XC1.mp3"),
        ("abethr1", "", "XC2.mp3"),
        ("barswa", "Bob", "XC3.mp3"),
        ("barswa", "Bob", "XC4.mp3"),
    ]
    files = sounds(*(f"{folder}/{label}/{file}" for label, _, file in clips))
    dataset = read_dataset(laid_out(tmp_path, files | {name: sheet(header, *(row.format(*clip) for clip in clips))}))
    assert (dataset.layout, dataset.labels) == ("birdclef", ["abethr1", "barswa"])
    assert list(dataset.table["group"]) == ["author Ada", f"{folder}/abethr1/XC2.mp3", "author Bob", "author Bob"]


def test_what_birdclef_holds_beside_its_clips_is_told(tmp_path: Path, told) -> None:
    files = birdclef().files | sounds("train_audio/barswa/XC9.ogg")
    del files["train_audio/abethr1/XC2.ogg"]
    dataset = read_dataset(laid_out(tmp_path, files))
    assert [problem.path for problem in dataset.problems] == ["train_audio/abethr1/XC2.ogg"]
    assert any(each.startswith("Secondary labels of 1 clip") for each in told(dataset, "note"))
    assert any("XC9" in file for finding in dataset.findings for file in finding.files)


def test_a_metadata_list_without_labels_leaves_the_folders_their_say(tmp_path: Path) -> None:
    files = sounds("train/dog/1.wav", "train/cat/2.wav", "test/dog/3.wav", "test/cat/4.wav")
    files["metadata.csv"] = sheet("file_name,transcription", "train/dog/1.wav,woof")
    dataset = read_dataset(laid_out(tmp_path, files))
    assert (dataset.layout, dataset.labels, dataset.folds) == ("folders", ["cat", "dog"], ["train", "test"])


@pytest.mark.parametrize("line", ["{broken", "[1]", '"text"'])
def test_a_line_that_is_no_json_object(line: str, tmp_path: Path) -> None:
    root = laid_out(tmp_path, audiofolder().files)
    path = root / "data" / "train" / "metadata.jsonl"
    path.write_text(path.read_text() + line + "\n")
    for place in (root, path):
        with pytest.raises(DatasetError, match=r"line 4 of .*metadata.jsonl is not"):
            read_dataset(place)


def test_a_broken_list_beside_class_folders_is_told(tmp_path: Path, told) -> None:
    files = sounds("dog/1.wav", "cat/2.wav") | {"metadata.jsonl": b"{"}
    dataset = read_dataset(laid_out(tmp_path, files))
    assert dataset.layout == "folders"
    assert any("the list metadata.jsonl was not used: line 1" in finding.what for finding in dataset.findings)


def test_one_metadata_list_beside_the_folders_of_parts(tmp_path: Path) -> None:
    files = sounds("train/1.wav", "train/2.wav", "test/3.wav")
    files["metadata.csv"] = sheet("file_name,label", "train/1.wav,dog", "train/2.wav,cat", "test/3.wav,dog")
    dataset = read_dataset(laid_out(tmp_path, files))
    assert (dataset.layout, dataset.folds) == ("audiofolder", ["train", "test"])
    files["metadata.csv"] = sheet("file_name,label,fold", "train/1.wav,dog,1", "train/2.wav,cat,2", "test/3.wav,dog,2")
    assert read_dataset(laid_out(tmp_path, files)).folds == ["1", "2"]


def test_of_segments_that_nobody_has_the_first_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from labcore.datasets.published import audioset as reader

    monkeypatch.setattr(reader, "MOST_NAMED", 2)
    files = audioset().files
    files["unbalanced_train_segments.csv"] = files["balanced_train_segments.csv"] + sheet(
        *(f"{number:011}, 0, 10, /m/01" for number in range(5))
    )
    dataset = read_dataset(laid_out(tmp_path, files))
    assert len(dataset) == 3  # two lists have the same segments
    assert [(problem.what.partition(" (")[0], problem.clips) for problem in dataset.problems] == [
        ("is missing", 1),
        ("is missing", 1),
        ("names 3 more segments that are missing", 3),
    ]


def test_fsd50k_without_its_evaluation_set(tmp_path: Path, told) -> None:
    files = {name: content for name, content in fsd50k().files.items() if "eval_audio" not in name}
    dataset = read_dataset(laid_out(tmp_path, files))
    assert (dataset.folds, dataset.problems) == (["train", "val"], [])
    assert "The list eval.csv was not used: FSD50K.eval_audio is not there." in told(dataset, "note")
