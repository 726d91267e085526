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
from tests.datasets.made import folders, fsd50k, laid_out, sheet, sounds, urbansound8k, wav, zipped


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


def test_what_of_an_archive_is_left_out(tmp_path: Path, workspace: Workspace) -> None:
    files = folders().files | {
        "dog/call.m4a": b"\0\0\0\x20ftypM4A ",
        "more.zip": b"PK",
        "a.png": b"x",
        "x" * 300 + ".wav": wav(0),
    }
    found = look(workspace, zipped(tmp_path / "set.zip", files))
    assert found.sentence == "is read as class folders: 6 clips, 2 classes, 5 folds; 2 files or rows left out"
    assert [why.partition(" (")[0] for _, why in found.left_out] == [
        "has too long a name for a file",
        "is audio of an unsupported format",
    ]
    (told,) = (finding.sentence for finding in found.findings if finding.level == "warning")
    assert "are not copied (1 .zip, 1 .png). Unpack what is packed in it (.zip)" in told


def test_an_archive_in_an_archive_is_pointed_at(tmp_path: Path, workspace: Workspace) -> None:
    found = look(workspace, zipped(tmp_path / "set.zip", {"inner.zip": b"PK"}))
    assert found.remedy == "Unpack what is packed in it (.zip), and import the folder"


def test_a_list_beside_an_archive_says_what_its_sounds_are(tmp_path: Path, workspace: Workspace) -> None:
    root = laid_out(tmp_path / "set", {"labels.csv": sheet("path,label", "a.wav,dog", "b.wav,cat")})
    zipped(root / "audio.zip", sounds("a.wav", "b.wav"))
    found = look(workspace, root)
    assert (found.layout, found.labels, found.archive) == ("csv", (("cat", 1), ("dog", 1)), "archive")


def test_mpeg_of_another_name_in_an_archive_is_sound(tmp_path: Path, workspace: Workspace) -> None:
    mpeg = bytes([0xFF, 0xFB, 0x90, 0xC0]) + bytes(413)  # frames of silence of MPEG-1 layer III, 128 kbit/s
    files = folders().files | {
        "dog/mpeg.wav": mpeg * 8,
        "dog/noise.wav": bytes([0xFF, 0xFB, 0x90, 0xC0]) + bytes(range(250)) * 9,
    }
    assert [name for name, _ in look(workspace, zipped(tmp_path / "set.zip", files)).unreadable] == ["dog/noise.wav"]


def test_recordings_of_a_telephone_alone_are_said_to_be_of_another_format(tmp_path: Path, workspace: Workspace) -> None:
    files = {f"{label}/{n}.m4a": b"ftyp" for label in ("dog", "cat") for n in "12"}
    for path in (laid_out(tmp_path / "set", files), zipped(tmp_path / "set.zip", files)):
        found = look(workspace, path)
        assert "is of a format that is read here; there are 4 files of .m4a" in found.error
        assert "ffmpeg -i FILE" in found.remedy


def test_files_that_are_not_audio_are_counted(tmp_path: Path, workspace: Workspace) -> None:
    found = look(workspace, laid_out(tmp_path / "set", folders().files | {"dog/1.wav.bak": wav(1), "dog/notes": b"x"}))
    assert "2 files are not audio, and no clips" in [finding.what for finding in found.findings]
