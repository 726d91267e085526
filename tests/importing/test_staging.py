"""Uploads in the workspace: kept under names that lead nowhere else, looked at, imported, and gone with whoever held them."""

from __future__ import annotations

import gc
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from labcore.datasets import find_dataset
from labcore.datasets.packing import members
from labcore.errors import DatasetError, WorkspaceError
from labcore.importing import staging as stagings
from labcore.importing.job import Import
from labcore.importing.staging import STAGED, Staging, sweep
from labcore.jobs.process import work
from labcore.workspace import Workspace
from tests.datasets.made import Files, each_file, esc50, folders, sheet, sounds, wav, with_junk, zipped


def nothing(done: int, total: int) -> None:
    pass


@pytest.fixture
def staging(workspace: Workspace) -> Staging:
    return Staging.create(workspace)


def take(staging: Staging, files: Files) -> Staging:
    for name, content in files.items():
        staging.take(name, content)
    return staging


def imported(staging: Staging, name: str = "set") -> Import:
    job = Import.create(staging.workspace, staging.plan(name), staging.files)
    staging.remove()
    work(job)
    return job


def below(workspace: Workspace) -> list[str]:
    return [entry.name for entry in workspace.datasets.iterdir()]


def test_a_folder_becomes_a_data_set_and_leaves_nothing_behind(staging, workspace):
    take(staging, with_junk({f"mine/{name}": content for name, content in folders().files.items()}))
    assert (staging.title, staging.name, staging.left_out) == ("6 uploaded files", "mine", [])
    about = staging.look(nothing)
    assert about.sentence == "is read as class folders: 6 clips, 2 classes, 5 folds"
    assert about.labels == (("cat", 3), ("dog", 3))
    job = imported(staging)
    assert job.result.clips == 6
    assert set(each_file(workspace.datasets / "set")) == {f"mine/{name}" for name in folders().files}
    assert below(workspace) == ["set"]
    assert not job.upload.exists()


def test_an_archive_is_told_by_its_own_name(staging, tmp_path):
    files = esc50().files | {"audio/1-100-A-0.wav": b"no sound at all"}
    take(staging, {"ESC.zip": zipped(tmp_path / "x.zip", files).read_bytes()})
    about = staging.look(nothing)
    assert (about.title, about.path, staging.name) == ("ESC-50", "ESC.zip", "ESC")
    assert [name for name, _ in about.unreadable] == ["audio/1-100-A-0.wav"]
    assert imported(staging).result.layout == "esc50"


def test_a_list_beside_an_archive_and_loose_sounds(staging, workspace, tmp_path):
    archive = zipped(tmp_path / "x.zip", sounds("a.wav", "b.wav", "c.wav")).read_bytes()
    labels = sheet("path,label", "a.wav,dog", "b.wav,dog", "c.wav,cat", "d.wav,cat")
    take(staging, {"clips.zip": archive, "labels.csv": labels, "d.wav": wav("d")})
    about = staging.look(nothing)
    assert (about.layout, about.clips, about.labels) == ("csv", 4, (("cat", 2), ("dog", 2)))
    assert imported(staging).result.clips == 4
    assert find_dataset(workspace, "set").labels == ["cat", "dog"]


def test_three_uploads_of_a_class_each_make_a_set(staging):
    for label in ("dog", "cat", "Käuzchen 鸮"):
        take(staging, {"1.wav": wav(label), "2.wav": wav(f"{label}2")})
        staging.classify(dict.fromkeys(staging.tops()[""], label))
    assert {top: len(there) for top, there in staging.tops().items()} == {"Käuzchen 鸮": 2, "cat": 2, "dog": 2}
    assert imported(staging).result.classes == 3


def test_more_of_a_class_keeps_what_is_there(staging):
    for seed in "ab":
        take(staging, {"1.wav": wav(seed)})
        staging.classify(dict.fromkeys(staging.tops()[""], "dog"))
    assert list(each_file(staging.files)) == ["dog/1 (2).wav", "dog/1.wav"]
    with pytest.raises(DatasetError):
        staging.classify({staging.all()[0]: "../out"})
    assert len(staging.all()) == 2
    staging.drop("dog")
    assert staging.all() == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../x.wav", "leads out"),
        ("/etc/x.wav", "leads out"),
        ("C:\\x.wav", "leads out"),
        ("a\0b.wav", "leads out"),
        ("x" * 300 + ".wav", "too long a name"),
        ("photo.jpg", "neither a sound, a list nor an archive"),
        ("there.wav/x.wav", "the name of a file"),
    ],
)
def test_a_name_that_cannot_be_kept_is_told_and_the_rest_is_kept(staging, tmp_path, name, why):
    before = set(tmp_path.rglob("*"))
    take(staging, {"there.wav": wav("there"), name: wav("x")})
    assert [why in told for _, told in staging.left_out] == [True]
    assert list(each_file(staging.files)) == ["there.wav"]
    assert {path for path in set(tmp_path.rglob("*")) - before if path.is_file()} == {staging.files / "there.wav"}


@pytest.mark.parametrize(
    "name", ["дятел 🦉.wav", "e\u0301.wav", "x" * 251 + ".wav", "a" * 90 + "/" + "b" * 200 + ".wav"]
)
def test_names_in_any_script_and_of_any_length_that_a_disk_takes(staging, name):
    take(staging, {name: wav("x")})
    assert list(each_file(staging.files)) == [name]


def test_duplicates(staging):
    take(staging, {"1.wav": wav("a"), "labels.csv": b"old"})
    take(staging, {"1.wav": wav("a")})
    take(staging, {"1.wav": wav("b"), "labels.csv": b"new"})
    assert list(each_file(staging.files)) == ["1 (2).wav", "1.wav", "labels.csv"]
    assert (staging.files / "labels.csv").read_bytes() == b"new"
    assert [why.partition(":")[0] for _, why in staging.left_out] == [
        "came twice; it is kept once",
        "came twice, with other content",
        "came twice; the later one is kept",
    ]


def test_a_full_disk_is_told_and_leaves_no_part(staging, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 10**6))
    with pytest.raises(WorkspaceError, match=r"x\.wav"):
        staging.take("x.wav", wav("x"))
    assert list(each_file(staging.path)) == ["lock"]


def test_a_disk_that_fills_up_while_it_is_written(staging, monkeypatch):
    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WorkspaceError, match=r"x.wav cannot be written: No space left on device"):
        staging.take("x.wav", wav("x"))
    assert list(each_file(staging.path)) == ["lock"]


def test_archives_of_loose_sounds_are_unpacked_to_be_classified(staging, tmp_path):
    archive = zipped(tmp_path / "x.zip", sounds("dog_1.wav", "dog_2.wav", "cat_1.wav", "cat_2.wav")).read_bytes()
    take(staging, {"loose.zip": archive})
    about = staging.look(nothing)
    assert about.error == "loose.zip holds 4 audio files, but no labels for them"
    staging.unpack(nothing)
    assert len(staging.tops()[""]) == 4
    assert not staging.look(nothing).clips


@pytest.mark.parametrize("broken", ["leads out", "cut off"])
def test_unpacking_what_is_hostile_leaves_everything_as_it_was(staging, tmp_path, broken):
    content = zipped(tmp_path / "x.zip", {"a.wav": wav("a"), "../b.wav": wav("b")}).read_bytes()
    take(staging, {"x.zip": content if broken == "leads out" else content[: len(content) // 2]})
    with pytest.raises(DatasetError, match=r"^x\.zip"):
        staging.look(nothing)
    with pytest.raises(DatasetError):
        staging.unpack(nothing)
    assert list(each_file(staging.path)) == ["files/x.zip", "lock"]


def test_a_failed_import_keeps_the_upload_until_it_is_deleted(staging, workspace):
    take(staging, folders().files)
    plan = staging.plan("set")
    (workspace.datasets / "set").mkdir()
    job = Import.create(workspace, plan, staging.files)
    staging.remove()
    work(job)
    assert job.status().state == "failed"
    assert "the name 'set' is used" in job.status().error
    (workspace.datasets / "set").rmdir()
    work(job)
    assert job.result.clips == 6
    lost = Import.create(workspace, plan.model_copy(update={"name": "other"}))
    work(lost)
    assert lost.status().error == "what was uploaded is not there any more"


def test_an_upload_that_is_no_data_set_is_told_without_the_labs_own_paths(staging, workspace):
    take(staging, sounds("a.wav", "b.wav"))
    about = staging.look(nothing)
    assert about.error == "the upload holds 2 audio files, but no labels for them"
    job = imported(staging)
    assert str(workspace.home) not in job.status().error


def test_it_goes_with_whoever_held_it(workspace):
    kept = take(Staging.create(workspace), folders().files)
    assert kept.all()
    del kept
    gc.collect()
    assert below(workspace) == []


def test_what_a_killed_server_left_is_swept_and_what_another_holds_is_not(workspace):
    left = workspace.datasets / f"{STAGED}left"
    (left / "files").mkdir(parents=True)
    (left / "lock").touch()
    held = Staging.create(workspace)
    sweep(workspace)
    assert left.exists()  # it may be one that is just being made
    for folder in (left, held.path):
        os.utime(folder, (1, 1))
    sweep(workspace)
    assert [workspace.datasets / name for name in below(workspace)] == [held.path]


def test_a_workspace_that_cannot_be_written_is_told(workspace, monkeypatch):
    def refuse(**options: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(stagings.tempfile, "mkdtemp", refuse)
    with pytest.raises(WorkspaceError, match="cannot be written: Permission denied"):
        Staging.create(workspace)


def test_sounds_that_two_archives_hold_are_told_when_they_are_unpacked(staging, tmp_path):
    for copy in ("a", "a copy"):
        take(staging, {f"{copy}.zip": zipped(tmp_path / "x.zip", {"all/1.wav": wav(1)}).read_bytes()})
    staging.unpack(nothing)
    assert list(each_file(staging.files)) == ["all/1.wav"]
    assert staging.left_out == [("all/1.wav", "comes twice; the first one is taken")]


def test_names_that_the_disk_takes_for_one_are_told_when_they_are_unpacked(staging, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "folds_case", lambda folder: True)
    take(staging, {"x.zip": zipped(tmp_path / "x.zip", {"A/1.wav": wav(1), "a/2.wav": wav(2)}).read_bytes()})
    staging.unpack(nothing)
    assert list(each_file(staging.files)) == ["A/1.wav"]
    assert staging.left_out == [("a/2.wav", "has the name of A but for the case, which is one for this disk")]


@pytest.mark.parametrize(
    ("seeds", "files"), [("ab", ["cat/1.wav", "dog/1.wav", "dog/2.wav"]), ("aa", ["1.wav", "2.wav"])]
)
@pytest.mark.parametrize("folder", ["", "all/"])
def test_archives_that_call_different_sounds_alike_are_a_folder_each(staging, tmp_path, folder, seeds, files):
    for label, seed, more in zip(("cat", "dog"), seeds, ({}, {f"{folder}2.wav": wav("2")}), strict=True):
        take(staging, {f"{label}.zip": zipped(tmp_path / "x.zip", {f"{folder}1.wav": wav(seed)} | more).read_bytes()})
    staging.unpack(nothing)
    assert [name.replace(folder, "") for name in each_file(staging.files)] == files
