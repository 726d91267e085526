"""Archives are unpacked into the workspace: whole, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labcore.datasets import find_dataset, list_datasets
from labcore.datasets.look import look
from labcore.datasets.packing import members
from labcore.errors import DatasetError
from labcore.events import Finished, Log, Preparing, each_of
from labcore.importing import work as importing
from labcore.importing.job import DRAFTS, Import, ImportPlan
from labcore.jobs.process import work
from labcore.workspace import Workspace
from tests.datasets.made import EVERY, each_file, folders, sheet, tarred, urbansound8k, wav, with_junk, zipped


def imported(workspace: Workspace, path: Path, name: str = "set", **options: object) -> Import:
    job = Import.create(workspace, ImportPlan(path=str(path), name=name))
    work(job, **options)
    return job


def ending(job: Import) -> Finished:
    end = job.last_event(Finished)
    assert end is not None
    return end


def test_an_archive_becomes_a_data_set_of_the_workspace(tmp_path: Path, workspace: Workspace) -> None:
    made = urbansound8k()
    path = zipped(tmp_path / "US8K.zip", with_junk(made.files) | {"figures/one.png": b"\x89PNG", "LICENCE": b"CC"})
    before = path.read_bytes(), path.stat().st_mtime_ns
    job = imported(workspace, path)
    result = job.result
    assert ending(job).state == "finished"
    assert (result.layout, result.clips, result.classes, result.warnings) == ("urbansound8k", 4, 2, [])
    assert set(each_file(workspace.datasets / "set")) == {*made.files, "LICENCE"}
    assert find_dataset(workspace, "set").folds == made.folds
    assert [(info.name, info.layout, info.clips) for info in list_datasets(workspace)] == [("set", "urbansound8k", 4)]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert any(
        "looks like UrbanSound8K: 4 clips, 2 classes, 2 folds" in log.message for log in each_of(job.events(), Log)
    )
    assert {event.what for event in each_of(job.events(), Preparing)} >= {"looking into the archive", "unpacking"}


@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz", "set.tgz", "misnamed gz.tar"])
def test_tar_archives(name: str, tmp_path: Path, workspace: Workspace) -> None:
    path = tarred(tmp_path / name, {f"top/{file}": content for file, content in folders().files.items()})
    if name.startswith("misnamed"):
        tarred(tmp_path / "set.tar.gz", folders().files).rename(path)
    assert imported(workspace, path).result.clips == 6


def test_several_archives_of_one_set(tmp_path: Path, workspace: Workspace) -> None:
    made = EVERY["esc50"]()
    place = tmp_path / "downloads"
    place.mkdir()
    zipped(place / "audio.zip", {file: content for file, content in made.files.items() if file.startswith("audio")})
    zipped(place / "meta.zip", {file: content for file, content in made.files.items() if file.startswith("meta")})
    job = imported(workspace, place)
    assert (job.result.layout, job.result.clips) == ("esc50", 4)


def test_train_and_test_in_an_archive_each(tmp_path: Path, workspace: Workspace) -> None:
    (place := tmp_path / "parts").mkdir()
    for part in ("train", "test"):
        zipped(place / f"{part}.zip", {f"{label}/{n}.wav": wav((part, label, n)) for label in "ab" for n in "12"})
    assert imported(workspace, place).result.clips == 8
    assert find_dataset(workspace, "set").folds == ["train", "test"]


def test_a_list_of_the_same_name_in_an_archive_each(tmp_path: Path, workspace: Workspace) -> None:
    (place := tmp_path / "parts").mkdir()
    for part in ("train", "test"):
        files = {f"{part}{n}.wav": wav((part, n)) for n in "12"}
        rows = sheet("file_name,label", f"{part}1.wav,dog", f"{part}2.wav,cat")
        zipped(place / f"{part}.zip", files | {"metadata.csv": rows})
    assert imported(workspace, place).result.clips == 4
    assert find_dataset(workspace, "set").folds == ["train", "test"]


def test_the_last_part_of_a_zip_in_several_files(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "FSD50K.dev_audio.zip", folders().files)
    path.write_bytes(path.read_bytes()[400:])
    (tmp_path / "FSD50K.dev_audio.z01").write_bytes(b"x")
    end = ending(imported(workspace, path))
    assert "the last part of a zip archive in several files" in end.error
    assert "zip -s 0 FSD50K.dev_audio.zip" in end.remedy


def test_names_as_macos_packs_them(tmp_path: Path, workspace: Workspace) -> None:
    """UTF-8, and nothing says so."""
    path = tmp_path / "set.zip"
    path.write_bytes(_without_flag(tmp_path, {"Vögel/ä.wav": wav(1), "犬/b.wav": wav(2)}))
    imported(workspace, path)
    assert find_dataset(workspace, "set").labels == ["Vögel", "犬"]


def _without_flag(folder: Path, files: dict[str, bytes]) -> bytes:
    content = bytearray(zipped(folder / "flagged.zip", files).read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flags + 1] &= ~8 & 0xFF
            at = content.find(mark, at + 1)
    return bytes(content)


def test_nothing_is_copied_where_no_layout_is_recognised(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", {"a.wav": wav(1), "b/notes.pdf": b"%PDF"})
    found = look(workspace, path)
    assert found.error.startswith(f"{path} holds 1 audio file, but no labels for it")
    assert found.seen == "seen: 1 .pdf, 1 .wav"
    end = ending(imported(workspace, path))
    assert (end.state, end.error) == ("failed", found.error)
    assert list(workspace.datasets.iterdir()) == []


def test_one_that_is_stopped_leaves_nothing_and_begins_anew(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "set.zip", folders().files)
    copied, real = [], importing.copy

    def copy(*arguments: object) -> None:
        real(*arguments)
        copied.append(arguments)

    monkeypatch.setattr(importing, "copy", copy)
    job = imported(workspace, path, should_stop=lambda: len(copied) > 2)
    assert ending(job).state == "stopped"
    assert 2 < len(copied) < 6
    assert list(workspace.datasets.iterdir()) == []
    assert work(job).state == "finished"
    assert job.result.clips == 6


def test_what_a_killed_import_left_goes_with_the_next(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", folders().files)
    killed = Import.create(workspace, ImportPlan(path=str(path), name="killed"))
    (killed.draft_of_set / "dog").mkdir(parents=True)
    (workspace.datasets / f"{DRAFTS}of-one-that-is-gone").mkdir()
    at_work = Import.create(workspace, ImportPlan(path=str(path), name="at work"))
    at_work.draft_of_set.mkdir()
    assert list_datasets(workspace) == []  # what is not whole is none
    with at_work.hold():
        imported(workspace, path)
        assert {each.name for each in workspace.datasets.iterdir()} == {"set", at_work.draft_of_set.name}


def test_an_archive_from_windows(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", {name.replace("/", "\\"): content for name, content in folders().files.items()})
    assert imported(workspace, path).result.clips == 6
    assert find_dataset(workspace, "set").labels == ["cat", "dog"]


def test_what_a_killed_import_left_goes_with_its_job(workspace: Workspace) -> None:
    killed = Import.create(workspace, ImportPlan(path="/x.zip", name="killed"))
    (killed.draft_of_set / "dog").mkdir(parents=True)
    killed.delete()
    assert list(workspace.datasets.iterdir()) == []


def test_a_name_that_is_taken(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", folders().files)
    imported(workspace, path)
    end = ending(imported(workspace, path))
    assert "the name 'set' is used" in end.error
    assert len(find_dataset(workspace, "set")) == 6


def test_an_archive_that_is_gone_or_becomes_a_folder(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", folders().files)
    path.unlink()
    assert "does not exist any more" in ending(imported(workspace, path)).error
    path.mkdir()
    assert "is no archive" in ending(imported(workspace, path)).error


def test_sounds_that_are_none_are_told(tmp_path: Path, workspace: Workspace) -> None:
    header = wav(0)[:40] + bytes(4)  # of no samples
    bad = {
        "dog/7.wav": b"<html>404</html>",
        "dog/8.wav": b"",
        "dog/9.wav": header,
        "cat/phone.m4a": b"\0\0\0\x18ftypM4A ",
    }
    path = zipped(tmp_path / "set.zip", folders().files | bad)
    found = look(workspace, path)
    assert (
        found.sentence
        == "is read as class folders: 9 clips, 2 classes, 5 folds; 3 of the files cannot be read; 1 file or row left out"
    )
    assert {name: what.partition(",")[0] for name, what in found.unreadable} == {
        "dog/7.wav": "is a web page",
        "dog/8.wav": "is empty",
        "dog/9.wav": "contains no samples",
    }
    assert found.left_out == (("cat/phone.m4a", "is audio of an unsupported format (.m4a); convert it to WAV or FLAC"),)
    assert "3 of 9 files cannot be read" in imported(workspace, path).result.warnings[0]


def test_a_plan_that_cannot_be_read(workspace: Workspace) -> None:
    job = Import.create(workspace, ImportPlan(path="/x.zip", name="x"))
    (job.path / "import.json").write_text("[]")
    assert job.asked().error
    assert "cannot be read" in work(job).error


def test_a_read_only_folder_needs_no_import(class_folders: Path, workspace: Workspace) -> None:
    for place in (class_folders, *class_folders.iterdir()):
        place.chmod(0o555)
    found = look(workspace, class_folders)
    assert (found.archive, found.clips) == ("", 12)
    with pytest.raises(DatasetError, match="is no archive"):
        importing._packed(ImportPlan(path=str(class_folders), name="x"))
    for place in (class_folders, *class_folders.iterdir()):
        place.chmod(0o755)
    shutil.rmtree(class_folders)


def test_what_of_an_archive_is_not_copied_is_told(tmp_path: Path, workspace: Workspace) -> None:
    place = tmp_path / "downloads"
    place.mkdir()
    for name in ("a.zip", "b.zip"):
        zipped(place / name, folders().files | {"dog/same.wav": wav(1), "more.rar": b"Rar!"})
    twice, packed = imported(workspace, place).result.warnings
    assert twice.startswith("8 files or rows left out, as ")
    assert "which comes twice; the first one is taken" in twice
    assert "(1 .rar). Unpack what is packed in it" in packed


def test_names_that_the_disk_takes_for_one_are_told(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As most disks of macOS: the classes A and a would become one folder."""
    monkeypatch.setattr(members, "folds_case", lambda folder: True)
    path = zipped(tmp_path / "set.zip", {"A/1.wav": wav(1), "a/2.wav": wav(2), "B/1.wav": wav(3), "B/1.WAV": wav(4)})
    (told,) = imported(workspace, path).result.warnings
    assert "2 files or rows left out" in told
    assert "has the name of A but for the case" in told
    assert set(each_file(workspace.datasets / "set")) == {"A/1.wav", "B/1.wav"}
