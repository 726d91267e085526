"""Paths as people type and paste them."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore import typed
from labcore.typed import hint, plain_path, typed_path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "ESC 50"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("around", ["{}", " {} ", "'{}'", '"{}"', " '{}' \n", "“{}”", "„{}“", "«{}»", "‘{}’", "{}/"])
def test_what_surrounds_a_path_is_undone(sounds, around):
    assert typed_path(around.format(sounds)) == sounds


def test_addresses_shell_escapes_and_the_home_folder(sounds, monkeypatch):
    monkeypatch.setenv("HOME", str(sounds.parent))
    assert typed_path(sounds.as_uri()) == sounds
    assert typed_path(f"file://localhost{str(sounds).replace(' ', '%20')}") == sounds
    assert typed_path(str(sounds).replace(" ", r"\ ")) == sounds
    assert typed_path("~/ESC 50") == sounds
    assert plain_path("file:///C:/clips/a.wav") == "C:/clips/a.wav"
    assert plain_path("FILE:/clips/a?.wav#1") == "/clips/a?.wav#1"
    assert plain_path("file://[no host/a.wav") == "/a.wav"


def test_a_path_of_windows_in_its_linux(sounds, monkeypatch):
    assert typed_path(rf'"\\wsl.localhost\Ubuntu-24.04{str(sounds).replace("/", chr(92))}"') == sounds
    assert typed_path(rf"\\wsl$\Ubuntu{str(sounds).replace('/', chr(92))}") == sounds
    there = "/mnt/c/Users/ada/ESC 50"
    monkeypatch.setattr(typed, "exists", lambda path: str(path) == there)
    assert typed_path(r"C:\Users\ada\ESC 50") == typed_path("file:///C:/Users/ada/ESC%2050") == Path(there)
    assert typed_path(r"D:\Users\ada") == Path(r"D:\Users\ada")  # called as it was typed where it is not there


def test_a_path_that_begins_nowhere(sounds, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert typed_path("data/ESC 50").resolve() == sounds
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert typed_path("data/ESC 50") == sounds
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("LABCORE_DATA_ROOTS", str(sounds.parent))
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    assert typed_path("ESC 50") == sounds


def test_a_name_that_holds_quotes_is_taken_as_it_is(tmp_path):
    for name in ("'quoted'", "‘Heroes’", "a\\ b"):
        (tmp_path / name).mkdir()
        assert typed_path(str(tmp_path / name)) == tmp_path / name
    assert plain_path("‘Heroes’.wav") == "‘Heroes’.wav"


@pytest.mark.parametrize(
    "typed", ["esc 50", "ESC-50", "ESC50", "../dta/ESC_5O", "Data/esc50".replace("Data", "../Data")]
)
def test_near_paths_are_named(sounds, typed):
    assert hint(sounds.parent / typed) == f"Did you mean {sounds}? Give that path"


def test_what_is_there_is_named_where_nothing_is_near(sounds):
    assert hint(sounds.parent / "birds") == f"{sounds.parent} is there; it holds ESC 50"
    assert hint("/no such folder anywhere/at all") == "Check the path"
    for odd in ("x" * 5000, "a\0b", "/" + "a/" * 600):
        assert hint(odd)


def test_nothing_is_told_of_folders_that_are_not_open(sounds, tmp_path, monkeypatch):
    (tmp_path / "secret" / "plans").mkdir(parents=True)
    monkeypatch.setenv("LABCORE_DATA_ROOTS", str(sounds.parent))
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    assert hint(tmp_path / "secret" / "plan") == "Check the path"
    assert hint(tmp_path / "secrets") == "Check the path"
    assert hint(tmp_path / "dat" / "ESC50") == f"Did you mean {sounds}? Give that path"
    monkeypatch.chdir(tmp_path)
    assert typed_path("secret") == Path("secret")
