"""What is recognised is shown before anything is added."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labcore.datasets import register
from labcore.datasets.look import look
from labcore.datasets.packing.sketch import SKETCHES, sketch_folder
from labcore.errors import DatasetError
from labcore.workspace import Workspace
from tests.datasets.made import fsd50k, laid_out, sheet, sounds, urbansound8k, wav


def test_a_folder_with_files_that_cannot_be_read(tmp_path: Path, workspace: Workspace) -> None:
    files = urbansound8k().files
    files["audio/fold1/101-3-0-0.wav"] = b"<!DOCTYPE html>"
    del files["audio/fold2/102-1-0-1.wav"]
    root = laid_out(tmp_path / "set", files)
    found = look(workspace, root)
    assert (
        found.sentence
        == "looks like UrbanSound8K: 3 clips, 2 classes, 2 folds; 1 of the files cannot be read; 1 file or row left out"
    )
    ((path, why),) = found.unreadable
    assert (path, why.partition(",")[0]) == (str(root / "audio/fold1/101-3-0-0.wav"), "is a web page")
    assert found.left_out[0][1].startswith("is missing")
    assert list(workspace.datasets.iterdir()) == []


def test_a_list(tmp_path: Path, workspace: Workspace) -> None:
    laid_out(
        tmp_path, sounds("a.wav", "b.wav") | {"clips.csv": sheet("path;label", "a.wav;dog", "b.wav;cat", "c.wav;cat")}
    )
    found = look(workspace, tmp_path / "clips.csv")
    assert found.sentence == "is read as a CSV file: 2 clips, 2 classes, 2 folds; 1 file or row left out"
    assert any("path → path, label → label" in finding.what for finding in found.findings)


def test_classes_are_single_labels_where_clips_have_several(tmp_path: Path, workspace: Workspace) -> None:
    found = look(workspace, laid_out(tmp_path / "set", fsd50k().files))
    assert (found.classes, found.several, found.clips) == (5, 3, 4)
    assert "4 clips, 5 classes, the parts train, val, test" in found.sentence


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        (
            {"a.pdf": b"x", "b/c.txt": b"x", "b/d.txt": b"x", "README": b"x"},
            "seen: 2 .txt, 1 no ending, 1 .pdf; folders: b/",
        ),
        ({"x.wav": wav(1), "y.WAV": wav(2)}, "seen: 2 .wav"),
        ({}, "seen: no files"),
    ],
)
def test_what_lies_where_nothing_is_recognised(
    files: dict[str, bytes], seen: str, tmp_path: Path, workspace: Workspace
) -> None:
    (tmp_path / "set").mkdir()
    found = look(workspace, laid_out(tmp_path / "set", files))
    assert (found.layout, found.seen) == ("", seen)
    assert found.error
    assert found.remedy
    assert found.to_dict()["recognised"] is False


@pytest.mark.parametrize("path", ["", "/no/such/place", "~/nowhere at all"])
def test_paths_that_lead_to_nothing(path: str, workspace: Workspace) -> None:
    with pytest.raises(DatasetError) as error:
        look(workspace, path)
    assert error.value.remedy


@pytest.mark.parametrize(("path", "why"), [("/", "is the whole disk"), ("/proc", "is a system folder")])
def test_what_nobody_walks_through(path: str, why: str, workspace: Workspace) -> None:
    assert why in look(workspace, path).error


def test_a_single_clip_is_no_data_set(tmp_path: Path, workspace: Workspace) -> None:
    laid_out(tmp_path, {"a.wav": wav(1)})
    assert "is a single clip" in look(workspace, tmp_path / "a.wav").error


def test_what_a_killed_look_left_goes_when_it_is_old(workspace: Workspace) -> None:
    old, young = (workspace.datasets / f"{SKETCHES}{name}" for name in ("old", "young"))
    for each in (old, young):
        each.mkdir()
    os.utime(old, (0, 0))
    with sketch_folder(workspace) as folder:
        assert {each.name for each in workspace.datasets.iterdir()} == {young.name, folder.name}
    assert [each.name for each in workspace.datasets.iterdir()] == [young.name]


def test_a_data_set_of_the_workspace_by_its_name(class_folders: Path, workspace: Workspace) -> None:
    register(workspace, class_folders, "mine")
    assert look(workspace, "mine").path == str(class_folders)


def test_names_with_blanks_behind_them(tmp_path: Path, workspace: Workspace) -> None:
    files = sounds("dog/1.wav ", "dog/2.WAV", "cat /3.wav", "cat /4.wav")
    assert look(workspace, laid_out(tmp_path / "folders", files)).clips == 4
    table = sheet("path,label", "dog\\1.wav,dog", "cat/3.wav,cat ")
    found = look(workspace, laid_out(tmp_path / "listed", files | {"clips.csv": table}))
    assert (found.layout, found.clips, found.left_out) == ("csv", 2, ())


def test_archives_among_other_things_are_pointed_at(tmp_path: Path, workspace: Workspace) -> None:
    root = laid_out(tmp_path / "downloads", {"a.pdf": b"x", "b/c.pdf": b"x", "set.zip": b"x"})
    assert look(workspace, root).remedy == f"Look into an archive in it: `labcore datasets look {root / 'set.zip'}`"
