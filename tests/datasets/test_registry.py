from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from labcore.datasets import find_dataset, glance, list_datasets, names, register, registry, split
from labcore.datasets.keeping import remove
from labcore.errors import DatasetError
from labcore.workspace import Workspace


def test_an_empty_workspace(workspace):
    assert list_datasets(workspace) == []
    with pytest.raises(DatasetError) as caught:
        find_dataset(workspace, "demo")
    assert "labcore datasets demo" in caught.value.remedy
    for name in ("other", "", "no/such/path", "x" * 5000, "a\0b"):
        with pytest.raises(DatasetError, match="there is no data set"):
            find_dataset(workspace, name)


def test_a_folder_in_the_workspace(workspace, urbansound):
    urbansound.rename(workspace.datasets / "demo")
    (info,) = list_datasets(workspace)
    assert (info.name, info.layout, info.clips, info.classes, info.error) == ("demo", "urbansound8k", 12, 2, "")
    assert find_dataset(workspace, "demo").name == "demo"


def test_a_reference(workspace, class_folders):
    info = register(workspace, class_folders, "my tones")
    assert (info.name, info.clips) == ("my-tones", 12)
    assert register(workspace, class_folders, "my tones") == info
    assert list_datasets(workspace) == [info]
    dataset = find_dataset(workspace, "my-tones")
    assert (dataset.name, len(dataset)) == ("my-tones", 12)
    shutil.rmtree(class_folders)
    assert "does not exist" in list_datasets(workspace)[0].error
    with pytest.raises(DatasetError, match="does not exist"):
        find_dataset(workspace, "my-tones")


def test_one_of_many_is_found_without_a_look_at_the_references_of_others(workspace, class_folders, monkeypatch):
    for name in ("one", "two", "three"):
        register(workspace, class_folders, name)
    referred, opened = names._referred, []
    monkeypatch.setattr(names, "_referred", lambda entry: opened.append(entry.stem) or referred(entry))
    assert find_dataset(workspace, "two").name == "two"
    assert glance.dataset_info(workspace, "two").clips == 12
    assert registry.place_of(workspace, "two") == class_folders
    assert set(opened) == {"two"}
    assert glance.dataset_info(workspace, "four") is None


def test_a_name_is_taken_once(workspace, class_folders, urbansound):
    register(workspace, class_folders, "mine")
    with pytest.raises(DatasetError, match="taken"):
        register(workspace, urbansound, "mine")


def test_a_name_that_the_disk_takes_for_another_is_taken_too(workspace, class_folders, urbansound, monkeypatch):
    """As on macOS: the second reference would be written over the first, and runs would train on other clips."""
    register(workspace, class_folders, "Birds")
    monkeypatch.setattr(names, "folds_case", lambda folder: True)
    for folder in (urbansound, class_folders):
        with pytest.raises(DatasetError, match="the name 'Birds' is used by the data set at"):
            register(workspace, folder, "birds")
    assert register(workspace, class_folders, "Birds").clips == 12
    monkeypatch.setattr(registry, "folds_case", lambda folder: True)
    assert registry.name_at(workspace, Path(str(class_folders).upper())) == "Birds"


def test_a_name_is_one_in_both_spellings_of_its_letters(workspace, class_folders, urbansound):
    """macOS writes й as и and a mark; people type one letter."""
    composed, apart = (unicodedata.normalize(form, "мой лай") for form in ("NFC", "NFD"))
    assert register(workspace, class_folders, apart).name == "мой-лай"
    assert register(workspace, class_folders, composed).name == "мой-лай"
    with pytest.raises(DatasetError, match="the name 'мой-лай' is used"):
        register(workspace, urbansound, composed)
    assert find_dataset(workspace, apart.replace(" ", "-")).name == "мой-лай"
    urbansound.rename(workspace.datasets / unicodedata.normalize("NFD", "бой"))  # as a copy from macOS brings it
    assert len(find_dataset(workspace, "бой")) == 12
    with pytest.raises(DatasetError, match="is used by the data set at"):
        register(workspace, class_folders, "бой")


def test_a_command_that_is_told_can_be_copied(workspace):
    (workspace.datasets / "my birds.json").write_text('{"path": "/is/gone"}')
    with pytest.raises(DatasetError, match=r"does not exist") as error:
        find_dataset(workspace, "my birds")
    assert "`labcore datasets remove 'my birds'`" in error.value.remedy


def test_what_is_no_data_set_is_not_registered(workspace, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        register(workspace, tmp_path / "empty")
    assert list_datasets(workspace) == []


def test_paths_and_near_misses(workspace, class_folders, urbansound):
    assert len(find_dataset(workspace, class_folders)) == 12
    assert find_dataset(workspace, str(urbansound / "metadata" / "UrbanSound8K.csv")).layout == "urbansound8k"
    register(workspace, class_folders, "tones")
    with pytest.raises(DatasetError, match="'tonse'") as caught:
        find_dataset(workspace, "tonse")
    assert "Did you mean 'tones'" in caught.value.remedy


def test_a_broken_one_does_not_hide_the_others(workspace, class_folders):
    register(workspace, class_folders, "tones")
    (workspace.datasets / "empty").mkdir()
    (workspace.datasets / "broken.json").write_text("{")
    (workspace.datasets / ".half.draft").mkdir()
    infos = {info.name: info for info in list_datasets(workspace)}
    assert set(infos) == {"tones", "empty", "broken"}
    assert infos["empty"].error.startswith("Cannot be read: no data set was recognised")
    assert "does not contain the folder" in infos["broken"].error
    assert not infos["tones"].error
    with pytest.raises(DatasetError, match="does not contain the folder"):
        find_dataset(workspace, "broken")
    assert register(workspace, class_folders, "broken").clips == 12  # a reference that names none is replaced


def unlistable(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Folders of these names cannot be listed, also by root."""
    real = os.scandir

    def scandir(path):
        if Path(path).name in names:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_a_folder_that_cannot_be_listed_harms_nothing_but_itself(workspace, class_folders, monkeypatch):
    (class_folders / "lost+found").mkdir()
    register(workspace, class_folders, "tones")
    (workspace.datasets / "lost+found").mkdir()
    unlistable(monkeypatch, "lost+found")
    infos = {info.name: info for info in list_datasets(workspace)}
    assert "Permission denied" in infos["lost+found"].error
    assert (infos["tones"].clips, infos["tones"].error) == (12, "")
    problems = find_dataset(workspace, "tones").problems
    assert [(Path(problem.path).name, problem.what) for problem in problems] == [
        ("lost+found", "is a folder that cannot be read")
    ]


def test_any_fault_of_a_data_set_is_told_of_it_alone(workspace, class_folders, urbansound, monkeypatch):
    register(workspace, class_folders, "tones")
    register(workspace, urbansound, "city")
    real = glance.read_through

    def read(workspace, path, name="", **more):
        if name == "city":
            raise RecursionError("too deep")
        return real(workspace, path, name, **more)

    monkeypatch.setattr(glance, "FORMAT", 99)  # nothing is remembered
    monkeypatch.setattr(glance, "read_through", read)
    infos = {info.name: info for info in list_datasets(workspace)}
    assert infos["city"].error == "Cannot be read: RecursionError: too deep."
    assert infos["tones"].clips == 12


NOT_UTF8 = os.fsdecode(b"M\x84dchen")


def test_names_that_are_not_utf8(workspace, class_folders):
    bad = class_folders / "high" / f"{NOT_UTF8}.wav"
    shutil.copy(class_folders / "high" / "0.wav", bad)
    with bad.open("ab") as file:
        file.write(b"another content")
    (class_folders / "low tones").rename(class_folders / NOT_UTF8)
    moved = class_folders.rename(workspace.datasets / NOT_UTF8)
    (info,) = list_datasets(workspace)
    assert (info.name, info.clips, info.classes, info.error) == (r"M\x84dchen", 13, 2, "")
    assert list_datasets(workspace) == [info]  # as it is remembered
    for asked in (info.name, NOT_UTF8, moved):
        dataset = find_dataset(workspace, asked)
        assert dataset.labels == ["high", r"M\x84dchen"]  # labels are texts
        assert str(moved / "high" / bad.name) in set(dataset.table["path"])  # paths open their files
        for kind in ("official", "random"):
            assert len(split(dataset, kind=kind, validation_share=0.2).validation)
    assert register(workspace, moved, "again").clips == 13
    assert find_dataset(workspace, "again").root == moved


def test_counts_are_remembered_until_something_changes(workspace, class_folders, monkeypatch):
    register(workspace, class_folders, "tones")
    real = glance.read_through
    monkeypatch.setattr(glance, "read_through", lambda *_: pytest.fail("read again"))
    assert list_datasets(workspace)[0].clips == 12
    monkeypatch.setattr(glance, "read_through", real)
    shutil.copy(class_folders / "high" / "0.wav", class_folders / "high" / "new.wav")
    assert list_datasets(workspace)[0].clips == 13


@pytest.mark.parametrize("path", ["", "  "])
def test_no_path_registers_nothing(workspace: Workspace, path: str) -> None:
    with pytest.raises(DatasetError, match="no folder or file"):
        register(workspace, path)


@pytest.mark.parametrize("name", ["metadata.jsonl", "clips.parquet", "clips.csv"])
def test_a_list_that_is_written_again_is_seen_at_a_glance(workspace, class_folders, name):
    written = class_folders / name
    written.write_bytes(b"x")
    before = glance._stamp(class_folders, workspace.home / "none")
    os.utime(written, ns=(0, 1))
    assert glance._stamp(class_folders, workspace.home / "none") != before


def test_clips_elsewhere_that_are_gone_are_seen_at_a_glance(workspace, class_folders, tmp_path):
    rows = "".join(f"{path},{path.parent.name}\n" for path in sorted(class_folders.rglob("*.wav")))
    (tmp_path / "mine").mkdir()
    listing = tmp_path / "mine" / "l.csv"
    listing.write_text(f"path,label\n{rows}")
    register(workspace, listing, "listed")
    assert list_datasets(workspace)[0].clips == 12
    (class_folders / "high" / "0.wav").unlink()
    assert list_datasets(workspace)[0].clips == 11
    class_folders.rename(tmp_path / "unplugged")
    assert "has no clips: 12 skipped" in list_datasets(workspace)[0].error


def test_the_name_of_one_that_is_gone_can_be_had_again(workspace, class_folders, tmp_path):
    register(workspace, class_folders, "mine")
    moved = class_folders.rename(tmp_path / "moved")
    with pytest.raises(DatasetError) as caught:
        register(workspace, moved, "mine")
    assert "`labcore datasets remove mine`" in caught.value.remedy
    remove(workspace, "mine")
    assert register(workspace, moved, "mine").clips == 12
