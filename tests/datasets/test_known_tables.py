"""Clip tables that are kept: taken as long as nothing changed, and never for what a data set was before."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from labcore.datasets import find_dataset, list_datasets, read_dataset, register
from labcore.datasets import known_tables as module
from labcore.datasets.annotations import Annotation, file_of
from labcore.datasets.keeping import remove, rename
from labcore.datasets.table import Dataset
from labcore.workspace import Workspace, append_line
from tests.datasets.made import EVERY, folders, laid_out, sheet, sounds, wav

NOT_UTF8 = os.fsdecode(b"M\x84dchen")


@pytest.fixture(autouse=True)
def small_and_settled(monkeypatch):
    """Small data sets are kept too, however new their files are."""
    monkeypatch.setattr(module, "LEAST_CLIPS", 1)
    monkeypatch.setattr(module, "SETTLED_SECONDS", -3600.0)


@pytest.fixture
def reads(monkeypatch) -> list[Path]:
    """What was read and not taken from what is kept."""
    read: list[Path] = []

    def counted(path, *more):
        read.append(Path(path))
        return read_dataset(path, *more)

    monkeypatch.setattr(module, "read_dataset", counted)
    return read


def same(one: Dataset, other: Dataset) -> bool:
    """Whether two data sets are the same in all that reading gives; what is compared is the table's kinds of columns, too."""
    facts = [
        each.name for each in fields(Dataset) if each.name not in ("table", "annotations", "annotated", "corrections")
    ]
    equal = one.table.equals(other.table) and list(one.table.dtypes) == list(other.table.dtypes)
    equal = equal and repr(one.annotated) == repr(
        other.annotated
    )  # which hold figures that are not told, nan, equal to none
    return equal and all(getattr(one, name) == getattr(other, name) for name in facts)


@pytest.mark.parametrize("layout", EVERY)
def test_every_layout_is_the_same_from_what_is_kept(workspace: Workspace, tmp_path: Path, reads, layout: str) -> None:
    root = laid_out(tmp_path / "set", EVERY[layout]().files)
    first, second = (module.read_through(workspace, root) for _ in range(2))
    assert same(first, second)
    assert same(second, read_dataset(root))
    assert len(reads) == (2 if layout == "annotations" else 1)  # those are cut in another way each time
    assert module.read_through(workspace, root, "another name").name == "another name"


def test_names_that_are_not_utf8_several_labels_and_folds_by_time(workspace: Workspace, tmp_path: Path, reads) -> None:
    files = {f"{label}/{n}.wav": wav(ascii(label) + n) for label in ("dog,cat", "dog", NOT_UTF8, "cat") for n in "12"}
    root = laid_out(tmp_path / "set", files | {"one/long.wav": wav(1, 20.0), f"cat/{NOT_UTF8}.wav": b"x"})
    first, second = (module.read_through(workspace, root) for _ in range(2))
    assert same(first, second)
    assert len(reads) == 1
    assert second.several_labels
    assert second.table["start_s"].any()


@pytest.fixture
def tones(workspace: Workspace, tmp_path: Path, reads) -> Path:
    """A known data set of the name "tones"; what was read of it so far does not count."""
    root = laid_out(tmp_path / "tones", folders().files | {"testing_list.txt": sheet("dog/0.wav", "cat/0.wav")})
    register(workspace, root, "tones")
    reads.clear()
    assert same(find_dataset(workspace, "tones"), read_dataset(root, "tones"))
    assert not reads
    return root


def overwritten(root: Path) -> None:
    """A file's content becomes that of another one, of the same size and time."""
    before = (root / "dog/1.wav").stat()
    (root / "dog/1.wav").write_bytes((root / "dog/2.wav").read_bytes())
    os.utime(root / "dog/1.wav", ns=(before.st_atime_ns, before.st_mtime_ns))


def linked(root: Path) -> None:
    laid_out(root.parent / "far", sounds("1.wav", "2.wav"))
    (root / "bird").symlink_to(root.parent / "far")


CHANGES: dict[str, Callable[[Path], object]] = {
    "added": lambda root: (root / "dog/new.wav").write_bytes(wav("new")),
    "removed": lambda root: (root / "dog/1.wav").unlink(),
    "renamed": lambda root: (root / "dog/1.wav").rename(root / "dog/9.wav"),
    "moved to another class": lambda root: (root / "dog/1.wav").rename(root / "cat/9.wav"),
    "class renamed": lambda root: (root / "dog").rename(root / "wolf"),
    "a content changed": overwritten,
    "a list changed": lambda root: (root / "testing_list.txt").write_bytes(sheet("dog/1.wav", "cat/1.wav")),
    "a list removed": lambda root: (root / "testing_list.txt").unlink(),
    "a list of clips added": lambda root: (root / "clips.csv").write_bytes(
        sheet("path,label,fold", "dog/1.wav,x,1", "cat/1.wav,y,2", "dog/2.wav,x,2")
    ),
    "a link to a folder": linked,
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_seen(workspace: Workspace, tones: Path, reads, change: str) -> None:
    CHANGES[change](tones)
    now = find_dataset(workspace, "tones")
    assert same(now, read_dataset(tones, "tones"))
    assert reads == [tones]
    assert same(find_dataset(workspace, "tones"), now)
    assert reads == [tones]  # known again


def test_equal_contents_by_now_are_one_group(workspace: Workspace, tmp_path: Path) -> None:
    root = laid_out(tmp_path / "set", folders().files)
    assert module.read_through(workspace, root).table["group"].nunique() == 6
    overwritten(root)
    assert module.read_through(workspace, root).table["group"].nunique() == 5


def test_a_file_below_a_link_is_seen(workspace: Workspace, tones: Path) -> None:
    linked(tones)
    assert len(find_dataset(workspace, "tones")) == 8
    assert list_datasets(workspace)[0].clips == 8
    (tones.parent / "far/3.wav").write_bytes(wav("3"))
    assert len(find_dataset(workspace, "tones")) == 9
    assert list_datasets(workspace)[0].clips == 9


def test_a_list_that_misses_files_is_read_until_they_are_there(workspace: Workspace, tmp_path: Path, reads) -> None:
    lines = sheet("path,label,fold", "a.wav,x,1", "b.wav,y,1", "c.wav,x,2", "d.wav,y,2")
    root = laid_out(tmp_path / "set", sounds("a.wav", "b.wav", "c.wav") | {"clips.csv": lines})
    listed = root / "clips.csv"
    assert [len(module.read_through(workspace, listed)) for _ in range(2)] == [3, 3]
    (tmp_path / "d.wav").write_bytes(wav("d"))  # where a list may mean it, too
    assert len(module.read_through(workspace, listed)) == 4
    shutil.move(tmp_path / "d.wav", root / "d.wav")
    assert [len(module.read_through(workspace, listed)) for _ in range(3)] == [4, 4, 4]
    assert len(reads) == 4  # and not once more when all of it lies in its folder
    listed.write_bytes(lines.replace(b"y,2", b"z,2"))
    assert module.read_through(workspace, listed).labels == ["x", "y", "z"]


def test_corrections_count_over_what_is_kept(workspace: Workspace, tones: Path, reads) -> None:
    clip, file = "dog/1.wav", tones / "dog/1.wav"
    line = Annotation(
        id="1", time=1.0, clip=clip, start_s=0.0, bytes=file.stat().st_size, old="dog", verdict="other", new="cat"
    )
    append_line(file_of(workspace, "tones"), line.model_dump_json())
    table = find_dataset(workspace, "tones").table.set_index("path")
    assert (table.loc[str(file), "label"], table.loc[str(file), "own_label"]) == ("cat", "dog")
    assert not reads
    file.write_bytes(file.read_bytes() + b"\0\0")  # another sound: the correction was not for this one
    assert find_dataset(workspace, "tones").table.set_index("path").loc[str(file), "label"] == "dog"


def flipped(file: Path) -> None:
    """A label's number is another one, as where a block of the disk is lost."""
    with zipfile.ZipFile(file) as archive:
        at = archive.getinfo("label").header_offset + 36
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def of_fewer_clips(file: Path) -> None:
    """A whole archive whose columns do not fit each other."""
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content[:-8] if name == "start_s" else content)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "its end alone": lambda file: file.write_bytes(file.read_bytes()[100:]),
    "something else": lambda file: file.write_bytes(b"RIFF" * 1000),
    "flipped": flipped,
    "of fewer clips": of_fewer_clips,
    "a folder": a_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_read_is_made_again(workspace: Workspace, tones: Path, reads, damage: str) -> None:
    (file,) = (workspace.cache / "looks").glob(f"*/{module.FILE}")
    DAMAGES[damage](file)
    assert same(find_dataset(workspace, "tones"), read_dataset(tones, "tones"))
    assert len(reads) == 1
    find_dataset(workspace, "tones")
    assert len(reads) == (2 if damage == "a folder" else 1)


def test_other_code_and_other_open_folders_read_anew(workspace: Workspace, tones: Path, reads, monkeypatch) -> None:
    monkeypatch.setenv("LABCORE_DATA_ROOTS", str(tones))
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    find_dataset(workspace, "tones")
    assert len(reads) == 1
    monkeypatch.setattr(module, "_code", lambda: "newer")
    for _ in range(2):
        find_dataset(workspace, "tones")
    assert len(reads) == 2


def test_a_folder_that_changed_just_now_is_not_kept(workspace: Workspace, tmp_path: Path, reads, monkeypatch) -> None:
    monkeypatch.setattr(module, "SETTLED_SECONDS", 3600.0)
    root = laid_out(tmp_path / "set", folders().files)
    for _ in range(2):
        module.read_through(workspace, root)
    assert len(reads) == 2


def test_where_nothing_can_be_written_it_is_read_each_time(workspace: Workspace, tmp_path: Path, reads) -> None:
    root = laid_out(tmp_path / "set", folders().files)
    workspace.cache.rmdir()
    (workspace.home / "cache").write_bytes(b"")
    assert [len(module.read_through(workspace, root)) for _ in range(2)] == [6, 6]
    assert len(reads) == 2


def test_a_new_name_needs_no_reading_and_a_removed_set_leaves_nothing(workspace: Workspace, tones: Path, reads) -> None:
    rename(workspace, "tones", "sounds")
    assert find_dataset(workspace, "sounds").name == "sounds"
    assert list_datasets(workspace)[0].clips == 6
    assert not reads
    remove(workspace, "sounds")
    assert not list((workspace.cache / "looks").glob(f"*/{module.FILE}"))
