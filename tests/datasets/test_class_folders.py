"""Inner folders as the classes, and the outer ones as their groups: chosen by somebody, kept, read, changed and forgotten."""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path

import pytest

from labcore.backup.restoring import restore
from labcore.backup.writing import back_up
from labcore.config import RunConfig
from labcore.datasets import find_dataset, known_tables, list_datasets, read_dataset, register
from labcore.datasets.annotations import annotate, decided
from labcore.datasets.class_folders import INNER, OUTER, choice_of, class_folders_of, file_of, keep_class_folders
from labcore.datasets.keeping import remove, rename
from labcore.datasets.look import look
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import known_by, read_by
from labcore.datasets.resuming import dataset_of, find_again, pin_labels
from labcore.datasets.splits import split
from labcore.errors import DatasetError
from labcore.importing.job import Import, ImportPlan
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.datasets.made import laid_out, sounds, wav, zipped

SITES, CLASSES = ("north", "south", "west"), ("cat", "dog")


def files(sites=SITES, classes=CLASSES) -> dict[str, bytes]:
    return sounds(*(f"{site}/{label}/{n}.wav" for site in sites for label in classes for n in range(3)))


@pytest.fixture
def sites(tmp_path) -> Path:
    return laid_out(tmp_path / "sites", files())


def labels(workspace, name="sites") -> list[str]:
    return find_dataset(workspace, name).labels


def sides(dataset) -> dict[str, set[str]]:
    """Group → its folds."""
    return {str(group): set(folds) for group, folds in dataset.table.groupby("group")["fold"]}


# --- read


def test_a_source_is_a_group_and_on_one_side(sites, told):
    dataset = read_dataset(sites, class_folders=INNER)
    assert (dataset.labels, dataset.layout, len(dataset)) == (["cat", "dog"], "folders", 18)
    assert sides(dataset).keys() == {*SITES}
    assert all(len(folds) == 1 for folds in sides(dataset).values())
    assert dataset.fold_note == "3 folds drawn by outer folder, stratified by class"
    assert told(dataset) == []
    (note,) = told(dataset, "note")
    assert "(cat, dog) are the classes, and the outer ones (north, south, west) the groups" in note
    parts = split(dataset)
    train, held_out = (set(dataset.table["group"].iloc[rows]) for rows in (parts.train, parts.held_out))
    assert train.isdisjoint(held_out)


def test_folds_are_those_of_a_list_with_the_groups(tmp_path, sites):
    (sites / "south" / "dog" / "0.wav").write_bytes((sites / "north" / "dog" / "0.wav").read_bytes())
    for each in SITES[1:]:
        (sites / each).rename(sites / f"{each}_2024")
    inner, text = read_dataset(sites, class_folders=INNER), io.StringIO()
    rows = [("path", "label", "group")]
    rows += [(f"{path}", path.parent.name, path.parent.parent.name) for path in sorted(sites.rglob("*.wav"))]
    csv.writer(text).writerows(rows)
    (tmp_path / "list.csv").write_text(text.getvalue())
    listed = read_dataset(tmp_path / "list.csv")
    columns = ["path", "label", "fold", "group"]
    assert inner.table[columns].sort_values("path").values.tolist() == listed.table[columns].values.tolist()


def test_classes_of_some_sources_and_files_that_lie_outside(sites, told):
    laid_out(sites, sounds("north/owl/a/1.wav", "loose.wav", "west/1.wav", "west/2.wav"))
    (sites / "south" / "empty").mkdir()
    dataset = read_dataset(sites, class_folders=INNER)
    assert dataset.labels == ["cat", "dog", "owl"]
    outside = next(each for each in told(dataset) if "outside" in each)
    assert outside == (
        "3 files lie outside the class folders of north, south, west (skipped), by folder: . (1), west (2). Move them into the folder "
        "of their class in one of the sources, if they belong to the data set."
    )
    assert "No sounds are in the folder empty, which is no class." in told(dataset, "note")


def test_parts_above_the_sources(tmp_path):
    root = laid_out(
        tmp_path / "set", {f"{part}/{way}": wav(part + way) for part in ("train", "test") for way in files()}
    )
    dataset = read_dataset(root, class_folders=INNER)
    assert (dataset.labels, dataset.folds) == (["cat", "dog"], ["train", "test"])
    assert set(dataset.table["group"]) == {*SITES}


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (sounds("dog/1.wav", "cat/1.wav"), "these hold no folders with sounds"),
        (sounds("north/dog/1.wav", "north/cat/1.wav"), "these hold no folders with sounds"),
        (
            sounds("a/dog/1.wav", "b/dog/1.wav") | {"list.csv": b"path,label\na/dog/1.wav,x\nb/dog/1.wav,y\n"},
            "a CSV file",
        ),
    ],
)
def test_where_there_are_none_the_error_has_the_way_back(tmp_path, workspace, there, why):
    root = laid_out(tmp_path / "set", there)
    with pytest.raises(DatasetError, match=why) as caught:
        register(workspace, root, class_folders=INNER)
    assert "--class-folders outer" in caught.value.remedy
    assert list(workspace.datasets.iterdir()) == []
    about = look(workspace, root, class_folders=INNER)
    assert why in about.error


# --- kept


def test_it_is_kept_by_the_name_and_holds_for_what_comes_later(workspace, sites):
    register(workspace, sites, "sites", class_folders=INNER, who="Ada")
    laid_out(sites, sounds("east/owl/1.wav", "east/cat/1.wav"))
    assert labels(workspace) == labels(workspace, str(sites)) == ["cat", "dog", "owl"]
    (info,) = list_datasets(workspace)
    assert (info.classes, info.clips, info.warnings) == (3, 20, [])
    assert look(workspace, "sites").class_folders == INNER
    choice = choice_of(workspace, "sites")
    assert choice is not None
    assert (choice.who, choice.class_folders) == ("Ada", INNER)
    register(workspace, sites, "sites")  # read anew
    assert labels(workspace) == ["cat", "dog", "owl"]


def test_it_goes_by_the_new_name_and_goes_with_the_data_set(workspace, sites):
    register(workspace, sites, "sites", class_folders=INNER)
    keep_class_folders(workspace, "places", INNER)  # what a killed process left
    keep_class_folders(workspace, "places", OUTER)
    rename(workspace, "sites", "places")
    assert labels(workspace, "places") == labels(workspace, "sites") == ["cat", "dog"]
    assert not file_of(workspace, "sites").exists()
    remove(workspace, "places")
    assert list(workspace.datasets.iterdir()) == []
    register(workspace, sites, "places")
    assert labels(workspace, "places") == [*SITES]


def test_another_set_of_a_name_is_not_read_by_what_was_left(workspace, sites):
    keep_class_folders(workspace, "sites", INNER)
    register(workspace, sites, "sites")
    assert labels(workspace) == [*SITES]


@pytest.mark.parametrize("own", [False, True])
def test_one_that_is_there_is_read_otherwise_and_back_again(workspace, sites, own):
    if own:
        sites = Path(shutil.move(sites, workspace.datasets))
    else:
        register(workspace, sites, "sites")
    assert [info.classes for info in list_datasets(workspace)] == [3]
    assert read_by(workspace, str(sites), INNER, "Ada").classes == 2
    assert labels(workspace) == ["cat", "dog"]
    assert [info.classes for info in list_datasets(workspace)] == [2]
    assert read_by(workspace, "sites", OUTER).classes == 3
    assert labels(workspace) == [*SITES]


def test_what_cannot_be_read_so_stays_as_it_was(workspace, sites):
    register(workspace, sites, "sites", class_folders=INNER)
    for site in SITES[1:]:
        shutil.rmtree(sites / site)
    (info,) = list_datasets(workspace)
    assert "cannot be the inner folders of two or more outer ones" in info.error
    read_by(workspace, "sites", OUTER)
    assert labels(workspace) == ["cat", "dog"]
    with pytest.raises(DatasetError, match="two or more outer ones"):
        read_by(workspace, "sites", INNER)
    assert class_folders_of(workspace, "sites") == OUTER


def test_tables_that_are_kept_are_of_one_of_both(workspace, sites, monkeypatch):
    monkeypatch.setattr(known_tables, "LEAST_CLIPS", 1)
    monkeypatch.setattr(known_tables, "SETTLED_SECONDS", -3600.0)
    register(workspace, sites, "sites")
    for which, expected in ((INNER, ["cat", "dog"]), (OUTER, [*SITES])):
        read_by(workspace, "sites", which)
        assert labels(workspace) == expected
    monkeypatch.setattr(known_tables, "read_dataset", lambda *_: pytest.fail("it was read again"))
    assert labels(workspace) == [*SITES]


def test_a_data_set_is_known_by_its_place_or_where_nothing_lies_its_name(workspace, sites, tmp_path, monkeypatch):
    register(workspace, sites, "places")
    assert (known_by(workspace, str(sites)), known_by(workspace, "places")) == ("places", "places")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "places").mkdir()  # what lies there is meant
    assert (known_by(workspace, "places"), known_by(workspace, "nothing")) == ("", "")


def test_it_is_in_a_backup(workspace, sites, tmp_path):
    register(workspace, sites, "sites", class_folders=INNER)
    back_up(workspace, tmp_path / "backup.tar.gz")
    other = Workspace(tmp_path / "other")
    restore(tmp_path / "backup.tar.gz", other)
    assert labels(other) == ["cat", "dog"]


def test_a_file_that_cannot_be_read_is_told(workspace, sites):
    register(workspace, sites, "sites")
    os.mkfifo(file_of(workspace, "sites"))
    (info,) = list_datasets(workspace)
    assert f"the choice of class folders {file_of(workspace, 'sites')} cannot be read" in info.error


# --- imports


def test_archives_of_a_site_each(workspace, tmp_path):
    folder = tmp_path / "zips"
    folder.mkdir()
    for site in SITES:
        there = {way: content for way, content in files().items() if way.startswith(site)}
        zipped(folder / f"{site}.zip", {way.partition("/")[2]: content for way, content in there.items()})
    assert look(workspace, folder).classes == 3
    assert look(workspace, folder, class_folders=INNER).labels == (("cat", 9), ("dog", 9))
    job = Import.create(workspace, ImportPlan(path=str(folder), name="sites", class_folders=INNER), by="Ada")
    work(job)
    made = job.result
    assert made is not None
    assert (made.classes, made.warnings) == (2, [])
    assert [info.classes for info in list_datasets(workspace)] == [2]
    assert sides(find_dataset(workspace, "sites")).keys() == {*SITES}


def test_an_import_without_inner_folders_leaves_nothing(workspace, tmp_path):
    path = zipped(tmp_path / "set.zip", sounds("dog/1.wav", "cat/1.wav"))
    job = Import.create(workspace, ImportPlan(path=str(path), name="set", class_folders=INNER))
    work(job)
    assert "cannot be the inner folders" in job.status().error
    assert list(workspace.datasets.iterdir()) == []


# --- runs


def begun(workspace, name="sites") -> Run:
    """A run that has begun with the data set as it is by now."""
    run = Run.create(workspace, RunConfig().replace({"data.dataset": name}))
    pin_labels(run, workspace, name)
    found = find_again(run, workspace, name)
    ClipRecord.of(found, found.table).save(run)
    return run


def test_a_run_keeps_the_classes_that_it_began_with(workspace, sites):
    register(workspace, sites, "sites")
    outer = begun(workspace)
    read_by(workspace, "sites", INNER)
    inner = begun(workspace)
    size = (sites / "north" / "cat" / "0.wav").stat().st_size
    annotate(workspace, "sites", decided(("north/cat/0.wav", 0.0, "cat"), "other", who="Ada", size=size, new="dog"))
    for which in (OUTER, INNER):
        read_by(workspace, "sites", which)
        assert dataset_of(outer, workspace, "sites").labels == [*SITES]
        assert dataset_of(inner, workspace, "sites").labels == ["cat", "dog"]
    remove(workspace, "sites")  # found where it lies
    assert find_again(outer, workspace, "sites").labels == [*SITES]
    assert find_again(inner, workspace, "sites").labels == ["cat", "dog"]
