"""Where a lab that others reach opens files by a typed path."""

from __future__ import annotations

import os

import numpy as np
import pytest

from labcore.allowed_paths import check_root, check_weights, is_open, restrict, sound_at
from labcore.audio import encode_wav
from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.datasets import find_dataset, register
from labcore.errors import DatasetError, WorkspaceError
from labcore.models.pretrained import read_pretrained
from labcore.workspace import Workspace


@pytest.fixture
def home(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABCORE_DATA_ROOTS", str(tmp_path / "data"))
    for folder in ("data/set/cat", "data/set/dog", "secret/dog"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.wav").write_bytes(encode_wav(np.zeros(800, np.float32), 8000))
    return Workspace.default()


def test_on_ones_own_machine_every_path_opens(monkeypatch):
    monkeypatch.delenv("LABCORE_DATA_ROOTS", raising=False)
    check_root("/etc/passwd")


def test_an_empty_list_of_folders_opens_none(monkeypatch):
    monkeypatch.setenv("LABCORE_DATA_ROOTS", " ")
    restrict()
    assert os.environ["LABCORE_DATA_ROOTS"] == "/data"


def test_who_starts_work_for_visitors_is_restricted_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("LABCORE_DATA_ROOTS", "/sounds")
    restrict()
    assert not is_open("/data/x")
    monkeypatch.delenv("LABCORE_DATA_ROOTS")
    restrict()
    assert is_open("/data/x")
    assert not is_open("/etc/passwd")


def test_paths_stay_within_the_roots(home, tmp_path):
    check_root(tmp_path / "data" / "set")
    check_root(home.home / "datasets" / "x")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret")
    data, kept = tmp_path / "data", home.home
    outside = [
        "/etc/passwd",
        "/",
        "~",
        "~nobody-here/x",
        "data\0x",
        tmp_path / "database",
        data / ".." / "secret",
        data / "link" / "dog",
    ]
    outside += [
        kept,
        kept / ".access-key",
        kept / "runs" / "x",
        kept / "cache",
        kept / "datasets" / ".." / "runs" / "x",
    ]
    for path in outside:
        with pytest.raises(WorkspaceError, match="outside the folders"):
            check_root(path)


def test_data_sets_outside_are_neither_opened_nor_told_apart_from_missing_ones(home, tmp_path):
    for ask in (lambda path: find_dataset(home, path), lambda path: register(home, path)):
        told = []
        for path in (tmp_path / "secret", tmp_path / "missing"):
            with pytest.raises(WorkspaceError) as error:
                ask(str(path))
            told.append(str(error.value).replace(str(path), "PATH"))
        assert told[0] == told[1]
    assert register(home, tmp_path / "data" / "set").name == "set"
    assert find_dataset(home, "set").labels == ["cat", "dog"]
    with pytest.raises(DatasetError, match="no data set"):
        find_dataset(home, "nothing")


def test_weights_outside_are_not_opened(home, tmp_path):
    config: RunConfig = preset("quick").replace({"model.pretrained": str(tmp_path / "secret" / "w.pt")})
    with pytest.raises(WorkspaceError):
        read_pretrained(config.model)


def test_weights_may_be_those_of_a_run_and_nothing_else_of_it(home):
    for path in ("runs/x", "runs/x/weights.safetensors", "datasets/x.pt"):
        check_weights(home.home / path)
    for path in (
        "runs",
        "runs/x/config.json",
        "runs/x/pinned/weights.safetensors",
        "runs/../weights.safetensors",
        ".access-key",
    ):
        with pytest.raises(WorkspaceError, match="outside the folders"):
            check_weights(home.home / path)


def test_sounds_are_opened_among_the_data_and_among_the_labs_own_copies(home, tmp_path):
    for path in ("runs/x/pinned/a.wav", "cache/uploads/1.upload", "datasets/x/a.wav"):
        assert sound_at(home.home / path) == home.home / path
    for path in (
        "runs/x/a.wav",
        "runs/pinned/a.wav",
        "runs/x/y/pinned/a.wav",
        "cache/a.wav",
        "runs/x/pinned/../config.json",
    ):
        assert sound_at(home.home / path) is None
    (tmp_path / "data" / "link.wav").symlink_to(tmp_path / "secret" / "dog" / "a.wav")
    assert sound_at(tmp_path / "data" / "link.wav") is None
