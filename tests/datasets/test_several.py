"""Data sets whose clips have several labels: how they are recognised, and how they are divided."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from labcore.config import DataConfig
from labcore.datasets import find_dataset
from labcore.datasets.cells import labels_of
from labcore.datasets.layouts import read_dataset
from labcore.datasets.splits import split
from labcore.errors import DatasetError


@pytest.fixture
def listed(tmp_path: Path, write_wav, tone):
    """Writes sounds and a list of them: ``listed(cells)``, a cell a row; a second cell of a name is a further row of it."""

    def made(rows: list[tuple[str, str]]) -> Path:
        for name, _ in rows:
            if not (tmp_path / name).exists():
                write_wav(tmp_path / name, tone(200 + 7 * len(list(tmp_path.iterdir())), 0.05))
        text = "path,label\n" + "".join(f'{name},"{label}"\n' for name, label in rows)
        (tmp_path / "clips.csv").write_text(text)
        return tmp_path

    return made


@pytest.mark.parametrize("mark", [";", "|", ", "])
def test_cells_of_a_list(listed, mark):
    dataset = read_dataset(
        listed([("0.wav", f"dog{mark}rain"), ("1.wav", "rain"), ("2.wav", "dog"), ("3.wav", "-dog")])
    )
    assert (dataset.several_labels, dataset.labels) == (True, ["dog", "rain"])
    assert list(dataset.table["label"]) == ["dog;rain", "rain", "dog", "-dog"]
    (told,) = (each for each in dataset.findings if each.kind == "several labels")
    assert "kept as 'dog;rain'" in told.what
    assert "data.labels" in told.remedy


def test_names_with_commas_stay_whole(listed):
    dataset = read_dataset(listed([("0.wav", "Speech, male"), ("1.wav", "Speech, female"), ("2.wav", "rain")]))
    assert (dataset.several_labels, len(dataset.labels)) == (False, 3)


def test_several_rows_of_a_clip(listed):
    rows = [("0.wav", "dog"), ("0.wav", "rain"), ("1.wav", "dog"), ("1.wav", "wind"), ("2.wav", "rain")]
    dataset = read_dataset(listed(rows))
    assert list(dataset.table["label"]) == ["dog;rain", "dog;wind", "rain"]
    single = read_dataset(
        listed([*rows[:2], ("1.wav", "dog"), ("2.wav", "rain")])
    )  # a contradiction, and no set for tagging
    assert not single.several_labels


@pytest.mark.parametrize(("clips", "level"), [(20, "warning"), (8, "note")])
def test_few_clips_of_several_rows_may_be_contradictions(listed, clips, level):
    rows = [(f"{n}.wav", "ab"[n % 2]) for n in range(clips)] + [("0.wav", "b"), ("1.wav", "a")]
    dataset = read_dataset(listed(rows))
    assert dataset.several_labels
    (told,) = (each for each in dataset.findings if each.kind == "several labels")
    assert (told.level, "contradict" in told.remedy) == (level, level == "warning")


def test_folders_as_the_users_of_birdnet_name_them(tmp_path: Path, write_wav, tone):
    for number, name in enumerate(["Wren", "Robin", "Wren,Robin", "-Wren"]):
        for clip in range(5):
            write_wav(tmp_path / name / f"{clip}.wav", tone(200 + 50 * number + 7 * clip, 0.05))
    dataset = read_dataset(tmp_path)
    assert (dataset.several_labels, dataset.labels) == (True, ["Robin", "Wren"])
    assert set(dataset.table["label"]) == {"Wren", "Robin", "Wren;Robin", "-Wren"}
    for fold in dataset.folds:  # each label is in each drawn fold as often
        held = [label for cell in dataset.fold(fold).table["label"] for label in labels_of(cell)]
        assert Counter(held) == {"Wren": 2, "Robin": 2}


def test_splits_look_at_each_label(listed):
    rows = [(f"{n}.wav", ["dog;rain", "rain", "dog", "wind;dog", "-dog"][n % 5]) for n in range(40)]
    dataset = read_dataset(listed(rows))
    parts = split(dataset, "1", validation_share=0.25, exclude_classes=("wind",))
    cells = dataset.table["label"].to_numpy()
    assert not any("wind" in cells[row] for row in (*parts.train, *parts.held_out, *parts.validation))
    assert {"dog", "rain"} <= {label for row in parts.validation for label in labels_of(cells[row])}
    assert len(np.intersect1d(parts.train, parts.validation)) == 0
    with pytest.raises(DatasetError, match="there is no class 'dog;rain' to exclude"):
        split(dataset, "1", exclude_classes=("dog;rain",))


def test_a_setting_takes_one_of_them(listed, workspace):
    root = listed([("0.wav", "dog;rain"), ("1.wav", "rain"), ("2.wav", "dog"), ("3.wav", "-dog")])
    first, single, every = (
        find_dataset(workspace, root, DataConfig(labels=kind)) for kind in ("first", "single", "all")
    )
    assert list(first.table["label"]) == ["dog", "rain", "dog"]
    assert list(single.table["label"]) == ["rain", "dog"]
    assert (first.several_labels, every.several_labels) == (False, True)
