from __future__ import annotations

import os
from pathlib import Path

import pytest

from labcore.datasets import lookup
from labcore.datasets.lookup import FileFinder
from labcore.workspace import folded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "0.WAV",
        "dog/1.wav",
        "cat/1.wav",
        "wavs/deep/only here.flac",
        "audio/in audio.wav",
        "a b.mp3",
        "Mu\u0308ll.wav",
    ):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"x")
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("cell", "file"),
    [
        ("0.WAV", "0.WAV"),
        ("0.wav", "0.WAV"),
        ("0", "0.WAV"),
        ("DOG/1.WAV", "dog/1.wav"),
        ("dog\\1.wav", "dog/1.wav"),
        (".\\dog\\1", "dog/1.wav"),
        ("./cat/1.wav", "cat/1.wav"),
        ("C:\\Users\\me\\clips\\cat\\1.wav", "cat/1.wav"),
        ("/home/other/clips/dog/1.wav", "dog/1.wav"),
        ("only here.flac", "wavs/deep/only here.flac"),
        ("only here", "wavs/deep/only here.flac"),
        ("in audio", "audio/in audio.wav"),
        ('"a b.mp3"', "a b.mp3"),
        ("M\u00fcll.wav", "Mu\u0308ll.wav"),
        ("file:a%20b.mp3", "a b.mp3"),
    ],
)
@pytest.mark.parametrize("folds", [False, True])
def test_spellings(folder, cell, file, folds, monkeypatch):
    if folds:  # as most disks of macOS: a file is there under each spelling, and has the name that the disk gives it
        there = {folded(str(path)) for path in folder.rglob("*") if path.is_file()}
        monkeypatch.setattr(lookup, "folds_case", lambda base: True)
        monkeypatch.setattr(lookup, "is_file", lambda path: folded(os.path.normpath(path)) in there)
    assert FileFinder(folder).find(cell) == (folder / file, True)


def test_whole_urls_and_the_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    finder = FileFinder(folder.parent / "elsewhere")
    wanted = folder / "a b.mp3"
    assert finder.find("~/set/a b.mp3") == (wanted, True)
    assert finder.find(wanted.as_uri()) == (wanted, True)
    assert finder.find(f"file://localhost{str(wanted).replace(' ', '%20')}") == (wanted, True)
    assert finder.find("~nobody-of-that-name/x.wav") is None


def test_what_is_missing_or_not_clear(folder):
    finder = FileFinder(folder)
    assert finder.find("") is None
    assert finder.find("gone.wav") is None
    assert finder.find("x" * 5000) is None
    assert finder.find("a\0b.wav") is None
    assert finder.find("bird/only here.flac") == (folder / "wavs/deep/only here.flac", False)  # another folder
    with pytest.raises(ValueError, match=r"fits 2 files: .*1\.wav"):
        finder.find("1.wav")


def test_names_that_are_not_utf8(folder):
    for raw in (b"M\x84dchen.wav", b"B\xe4r.wav"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + raw)).write_bytes(b"x")
    finder = FileFinder(folder)
    assert finder.find("Mädchen.wav") == (folder / os.fsdecode(b"M\x84dchen.wav"), True)  # DOS
    assert finder.find("Bär.wav") == (folder / os.fsdecode(b"B\xe4r.wav"), True)  # Windows


def test_the_folder_above_a_folder_for_lists(folder):
    (folder / "metadata").mkdir()
    assert FileFinder(folder / "metadata").find("only here.flac") == (folder / "wavs/deep/only here.flac", True)
    (folder / "other").mkdir()
    assert FileFinder(folder / "other").find("only here.flac") is None
