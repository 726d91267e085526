"""Folders of classes: parts are none, what lies beside is told, published lists make the folds."""

from __future__ import annotations

import pytest

from labcore.datasets import read_dataset, split
from labcore.errors import DatasetError


@pytest.mark.parametrize(
    ("parts", "folds"),
    [
        (("train", "test"), ["train", "test"]),
        (("audio_train", "audio_test"), ["train", "test"]),
        (("train_audio", "dev_audio", "eval_audio"), ["train", "val", "test"]),
        (("birds-train", "birds-test"), ["train", "test"]),
        (("TrainSet", "ValidationSet"), ["train", "val"]),
        (("Training", "Testing"), ["train", "test"]),
        (("train-clean-100", "dev-clean", "test-clean"), ["train", "val", "test"]),
        (("my.audio_train", "my.audio_test"), ["train", "test"]),
        (("1_train", "2_val", "3_test"), ["train", "val", "test"]),
        (("trainAudio", "testAudio"), ["train", "test"]),
        (("fold1", "fold2", "fold3"), ["1", "2", "3"]),
        (("train", "holdout"), ["train", "test"]),
    ],
)
@pytest.mark.parametrize("beside", [(), ("samples/0.wav", "samples/1.wav", "loose.wav", "train_notes.txt")])
def test_parts_are_no_classes(lay_out, many, told, parts, folds, beside):
    classes = [f"{part}/{label}" for part in parts for label in ("cat", "dog")]
    root = lay_out(*many(classes, "abc"), *beside)
    dataset = read_dataset(root)
    assert dataset.labels == ["cat", "dog"]
    assert dataset.folds == folds
    assert len(dataset) == 6 * len(parts)
    outside = [finding for finding in dataset.findings if finding.kind == "outside"]
    assert bool(outside) == bool(beside)
    if beside:
        (finding,) = outside
        assert finding.files == tuple(str(root / name) for name in ("loose.wav", "samples/0.wav", "samples/1.wav"))
        assert "samples (2)" in finding.what
        assert told(dataset) == [finding.sentence]


@pytest.mark.parametrize(
    ("files", "labels", "left_aside"),
    [
        (["train/cat/a.wav", "train/dog/b.wav", "samples/c.wav"], ["cat", "dog"], 1),  # one part
        (["train/cat/a.wav", "train/dog/b.wav", "cat/c.wav", "dog/d.wav"], ["cat", "dog"], 2),
        (["train/cat/a.wav", "train/dog/b.wav", "test/c.wav", "test/d.wav"], ["cat", "dog"], 2),  # no labels for one
        (["train/cat/a.wav", "train/x.wav", "test/dog/b.wav", "bird/c.wav"], ["cat", "dog"], 2),
        (["cat/train/a.wav", "cat/test/b.wav", "dog/train/c.wav", "dog/test/d.wav"], ["cat", "dog"], 0),
    ],
)
def test_parts_of_other_shapes(lay_out, files, labels, left_aside):
    dataset = read_dataset(lay_out(*files))
    assert dataset.labels == labels
    assert sum(len(finding.files) for finding in dataset.findings if finding.kind == "outside") == left_aside


def test_parts_below_the_classes_are_the_folds(lay_out, many):
    root = lay_out(*many([f"{label}/{part}" for label in ("cat", "dog") for part in ("train", "test")], "ab"))
    assert read_dataset(root).folds == ["train", "test"]


@pytest.mark.parametrize("parts", [("train", "test"), ("audio_train", "audio_test"), ("fold1", "fold2"), ("train",)])
def test_parts_without_classes_are_an_error(lay_out, many, parts):
    with pytest.raises(DatasetError, match="no class folders") as caught:
        read_dataset(lay_out(*many(parts, "abc")))
    assert "folder" in caught.value.remedy


def test_a_train_is_a_class_and_it_is_told(lay_out, many, told):
    dataset = read_dataset(lay_out(*many(("train", "tram", "aeroplane"), "abc")))
    assert dataset.labels == ["aeroplane", "train", "tram"]
    (warning,) = told(dataset)
    assert "train is read as a class" in warning
    assert not told(read_dataset(lay_out(*many(("train", "tram", "aeroplane"), "abc"), "train/x/a.wav")))[1:]


@pytest.mark.parametrize("names", [("test_tone", "sweep"), ("train_horn", "train_bell"), ("training shoe", "boot")])
def test_words_of_parts_in_names_of_classes(lay_out, many, told, names):
    dataset = read_dataset(lay_out(*many(names, "abc")))
    assert dataset.labels == sorted(names)
    assert not told(dataset)


@pytest.mark.parametrize(
    "folders", [("Actor_01", "Actor_02", "Actor_03"), ("train/s01", "train/s02", "train/s03", "test/s04")]
)
def test_people(lay_out, many, told, folders):
    (warning,) = told(read_dataset(lay_out(*many(folders, "abc"))))
    assert "look like speakers" in warning
    assert "group (the speaker)" in warning


def test_folders_whose_names_stand_for_no_label_in_lists(lay_out, many, told):
    (warning,) = told(read_dataset(lay_out(*many(("nan", "NA", "none", "dog"), "abc"))))
    assert "is called 'NA', 'nan' and read as a class" in warning


def test_classes_that_are_spelled_alike(lay_out, many, told):
    (warning,) = told(read_dataset(lay_out(*many(("Dog", "dog ", "cat"), "abc"))))
    assert "'Dog' = 'dog '" in warning


class TestSpeechCommands:
    """validation_list.txt and testing_list.txt beside the folders of words."""

    FILES = tuple(
        f"{word}/{speaker}_nohash_{take}.wav" for word in ("no", "yes") for speaker in "abcde" for take in (0, 1)
    )
    LISTS = {  # noqa: RUF012
        "validation_list.txt": "yes/a_nohash_0.wav\r\nyes/a_nohash_1.wav\r\nno/a_nohash_0.wav\r\nno/a_nohash_1.wav\r\n",
        "testing_list.txt": "yes\\b_nohash_0.wav\n./yes/b_nohash_1.wav\nno/b_nohash_0.wav\nno/B_nohash_1.WAV\n",
    }

    def test_the_published_lists_make_the_folds(self, lay_out, told):
        dataset = read_dataset(lay_out(*self.FILES, "_background_noise_/hum.wav", lists=self.LISTS))
        assert (dataset.layout, dataset.labels) == ("speech_commands", ["no", "yes"])
        assert dataset.table["fold"].value_counts().to_dict() == {"train": 12, "val": 4, "test": 4}
        assert set(dataset.table["group"]) == set("abcde")
        assert dataset.fold_note == "official folds: train, val, test"
        assert not told(dataset)
        assert "validation_list.txt" in told(dataset, "note")[0]
        assert len(split(dataset).held_out) == 4

    def test_speakers_stay_together_without_the_lists(self, lay_out):
        table = read_dataset(lay_out(*self.FILES)).table
        assert set(table["group"]) == set("abcde")
        assert (table.groupby("group")["fold"].nunique() == 1).all()

    def test_one_list(self, lay_out):
        dataset = read_dataset(lay_out(*self.FILES, lists={"testing_list.txt": self.LISTS["testing_list.txt"]}))
        assert dataset.table["fold"].value_counts().to_dict() == {"train": 16, "test": 4}

    def test_what_is_listed_and_not_there_and_what_no_list_names(self, lay_out, told):
        lists = self.LISTS | {"train_list.txt": "".join(f"{name}\n" for name in self.FILES[4:8]) + "no/gone.wav\n"}
        dataset = read_dataset(lay_out(*self.FILES, lists=lists))
        assert dataset.table["fold"].value_counts().to_dict() == {"train": 4, "val": 4, "test": 4}
        missing, unlisted = told(dataset)
        assert "no/gone.wav" in missing
        assert unlisted.startswith("8 files are not listed in")


def test_any_lists_of_files_by_part_make_the_folds(lay_out, many):
    root = lay_out(
        *many(("blues", "jazz"), "abc"),
        lists={
            "train_filtered.txt": "blues/a.wav\njazz/a.wav\n",
            "test_filtered.txt": "blues/b.wav\njazz/b.wav\n",
            "notes.txt": "blues/a.wav\n",
            "test_report.txt": "all is well\n",
        },
    )
    dataset = read_dataset(root)
    assert dataset.layout == "folders"
    assert dataset.table["fold"].value_counts().to_dict() == {"train": 2, "test": 2}


def test_folders_of_no_sounds_are_told_and_names_with_underscores_are_read(lay_out, many, told):
    root = lay_out(*many(("dog", "__quiet__"), "abc"), "frog/notes.txt", "docs/read.txt", "__MACOSX/dog/._a.wav")
    (root / "bird").mkdir()
    dataset = read_dataset(root)
    assert dataset.labels == ["__quiet__", "dog"]
    assert told(dataset, "note") == ["No sounds are in the folders bird, frog, which are no classes."]


def test_an_empty_class_of_one_part_is_one_of_the_other(lay_out, told):
    root = lay_out("train/cat/a.wav", "train/dog/b.wav", "test/dog/c.wav")
    (root / "test" / "cat").mkdir()
    assert not told(read_dataset(root), "note")


@pytest.mark.parametrize(
    ("inner", "more", "warned"),
    [
        (("cat", "dog"), (), True),
        (("cat", "dog"), ("north/cow", "south/hen"), True),  # a class that one site lacks
        (("2021", "2022"), (), False),
        (("cat",), ("north/cow", "south/hen"), False),
    ],
)
def test_folders_of_two_levels_may_be_sites_of_classes(lay_out, many, told, inner, more, warned):
    sites = [*(f"{site}/{name}" for site in ("north", "south") for name in inner), *more]
    dataset = read_dataset(lay_out(*many(sites, "abc")))
    assert dataset.labels == ["north", "south"]
    assert [("north, south" in each, "(cat, dog)" in each) for each in told(dataset)] == [(True, True)] * warned
