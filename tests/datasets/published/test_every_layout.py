"""What holds for every layout: it is recognised, read alike whatever real files have about them, and from an archive as from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.datasets import Dataset, read_dataset
from labcore.datasets.layouts import LAYOUTS
from labcore.datasets.look import look
from labcore.workspace import Workspace
from tests.datasets.made import EVERY, Made, from_windows, laid_out, with_junk, zipped

every_layout = pytest.mark.parametrize("name", EVERY)


def check(dataset: Dataset, name: str, made: Made) -> None:
    assert (dataset.layout, len(dataset)) == (name, made.clips)
    assert (dataset.labels, dataset.folds) == (made.labels, made.folds)
    groups = {
        Path(path).name.lower(): group
        for path, group in zip(dataset.table["path"], dataset.table["group"], strict=True)
    }
    assert {file: groups[file.lower()] for file in made.groups} == made.groups
    assert (dataset.table.groupby("group")["fold"].nunique() == 1).all()
    assert not dataset.problems


def test_each_layout_has_an_example() -> None:
    assert {layout.name for layout in LAYOUTS} == set(EVERY)


@every_layout
def test_it_is_recognised(name: str, tmp_path: Path) -> None:
    made = EVERY[name]()
    root = laid_out(tmp_path / "in" / "set", made.files)
    for place in (root, root.parent):
        check(read_dataset(place), name, made)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("urbansound8k", "metadata/UrbanSound8K.csv"),
        ("esc50", "meta/esc50.csv"),
        ("fsd50k", "FSD50K.ground_truth/dev.csv"),
        ("audioset", "eval_segments.csv"),
        ("birdclef", "train_metadata.csv"),
        ("csv", "clips.csv"),
        ("birdclef", "train_audio"),
        ("fsd50k", "FSD50K.dev_audio"),
    ],
)
def test_who_names_a_part_of_it_means_the_data_set(name: str, path: str, tmp_path: Path) -> None:
    made = EVERY[name]()
    check(read_dataset(laid_out(tmp_path / "set", made.files) / path), name, made)


@every_layout
def test_what_operating_systems_leave_does_not_matter(name: str, tmp_path: Path) -> None:
    made = EVERY[name]()
    check(read_dataset(laid_out(tmp_path / "set", with_junk(made.files))), name, made)


@every_layout
def test_what_windows_makes_of_it_does_not_matter(name: str, tmp_path: Path) -> None:
    made = EVERY[name]()
    check(read_dataset(laid_out(tmp_path / "set", from_windows(made.files))), name, made)


@every_layout
def test_an_archive_looks_as_the_folder_does(name: str, tmp_path: Path, workspace: Workspace) -> None:
    made = EVERY[name]()
    root = laid_out(tmp_path / "set", made.files)
    of_folder = look(workspace, root)
    of_zip = look(
        workspace,
        zipped(tmp_path / "set.zip", with_junk({f"top/{path}": content for path, content in made.files.items()})),
    )
    assert (of_folder.clips, of_folder.layout, of_folder.folds) == (made.clips, name, tuple(made.folds))
    for fact in ("layout", "title", "clips", "classes", "several", "unreadable", "left_out", "error"):
        assert getattr(of_zip, fact) == getattr(of_folder, fact), fact
    assert of_zip.sentence == of_folder.sentence
    assert [path.name for path in workspace.datasets.iterdir()] == []
