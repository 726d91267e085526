"""Folders that hold what is no file, names of every kind, and what changes while it is read: read or told, never waited for."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.datasets import find_dataset, headers, list_datasets, read_dataset
from labcore.datasets.look import look
from labcore.datasets.published import glimpse
from labcore.datasets.registry import register
from labcore.datasets.scan import open_regular
from labcore.errors import DatasetError
from labcore.workspace import Workspace

SHEETS = (
    "clips.csv", "train.tsv", "metadata.csv", "metadata.jsonl", "meta/esc50.csv", "metadata/UrbanSound8K.csv", "validation_list.txt",
    "testing_list.txt", "labels.txt", "dog/0.TextGrid", "dog/0.txt", "all.selections.txt", "annotations.json", "a.parquet",
    "metadata.parquet", "FSD50K.ground_truth/dev.csv", "README.md", "dog/0.csv",
)  # fmt: skip
"""What readers look for in a folder."""


def sound(seed: int = 0) -> bytes:
    return encode_wav(np.random.default_rng(seed).uniform(-0.5, 0.5, 800).astype(np.float32), 8000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of three clips."""
    root = tmp_path / "set"
    for number, label in enumerate(("cat", "dog")):
        (root / label).mkdir(parents=True)
        for clip in range(3):
            (root / label / f"{clip}.wav").write_bytes(sound(3 * number + clip))
    return root


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    """Whoever waits for a pipe is woken, and the test fails."""

    def wake(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket is short
        opened.bind(path.name)
        os.chdir(here)


KINDS = pytest.mark.parametrize(
    "kind", [pipe, device, a_folder, link_to_itself, a_socket], ids=lambda kind: kind.__name__
)


@KINDS
def test_what_lies_in_the_place_of_a_list_is_passed_over(
    kind: Callable[[Path], None], folder: Path, workspace: Workspace
) -> None:
    for name in SHEETS:
        (folder / name).parent.mkdir(exist_ok=True)
        kind(folder / name)
    assert (look(workspace, folder).layout, look(workspace, folder).clips) == ("folders", 6)
    register(workspace, folder, "pets")
    assert [(info.clips, info.error) for info in list_datasets(workspace)] == [(6, "")]
    assert len(find_dataset(workspace, "pets")) == 6


@KINDS
def test_what_is_given_as_a_list_and_is_no_file_is_refused(
    kind: Callable[[Path], None], tmp_path: Path, workspace: Workspace
) -> None:
    for name in ("clips.csv", "list.jsonl", "table.txt", "set.zip", "set.tar", "x.TextGrid"):
        kind(tmp_path / name)
        with pytest.raises(DatasetError):
            read_dataset(tmp_path / name)
        with pytest.raises(DatasetError):
            register(workspace, tmp_path / name, "x")
    assert list_datasets(workspace) == []


@KINDS
def test_what_is_named_like_a_sound_and_is_none_is_told(
    kind: Callable[[Path], None], folder: Path, workspace: Workspace
) -> None:
    kind(folder / "dog" / "x.wav")
    told = " ".join(register(workspace, folder, "pets").warnings)
    dataset = find_dataset(workspace, "pets")
    among = any(path.endswith("x.wav") for path in dataset.table["path"])
    assert among == ("x.wav" in told and "regular file" in told)
    assert len(dataset) == 6 + among


def test_names_in_every_script_and_normal_form(folder: Path, workspace: Workspace) -> None:
    names = [
        "שלום",
        "пёс",
        "犬",
        "🦉",
        "a\u202eb",
        "x\ny",
        "  lead",
        "trail  ",
        'it\'s "quoted"',
        "#x?&%41",
        "ü" * 120,
        "日" * 80,
    ]
    for name in names:
        (folder / name).mkdir()
        (folder / name / f"{name}.wav").write_bytes(sound())
    for form in ("NFC", "NFD"):  # one name to a person, and two to the disk
        label = unicodedata.normalize(form, "Käuzchen")
        (folder / label).mkdir()
        (folder / label / f"{form}.wav").write_bytes(sound(ord(form[2])))
    register(workspace, folder, "pets")
    dataset = find_dataset(workspace, "pets")
    assert len(dataset) == 6 + len(names) + 2
    assert (dataset.table["label"] == "Käuzchen").sum() == 2
    assert len(dataset.labels) == 2 + len(names) + 1
    assert headers.header_troubles(dataset, lambda done, total: None) == {}


def test_names_that_differ_in_case_alone_are_two_files(folder: Path) -> None:
    (folder / "Dog").mkdir()
    (folder / "Dog" / "0.wav").write_bytes(sound(50))
    (folder / "dog" / "0.WAV").write_bytes(sound(51))
    dataset = read_dataset(folder)
    assert len(dataset) == 8
    assert "alike" in [finding.kind for finding in dataset.findings]


def test_a_folder_that_vanishes_while_it_is_taken_in_is_told_and_not_remembered(
    folder: Path, workspace: Workspace
) -> None:
    def vanish(done: int, total: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    for clip in range(600):  # so that the progress is told in the midst of the walk
        (folder / "cat" / f"more {clip}.wav").write_bytes(sound(clip))
    with pytest.raises(DatasetError):
        register(workspace, folder, "pets", vanish)
    assert list_datasets(workspace) == []


def test_sounds_that_vanish_or_are_cut_off_after_they_were_listed_are_told(
    folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = headers.header_troubles

    def troubles(dataset: object, progress: object) -> dict[str, str]:
        (folder / "cat" / "0.wav").unlink()
        os.truncate(folder / "cat" / "1.wav", 10)
        with (folder / "dog" / "0.wav").open("ab") as growing:
            growing.write(bytes(1000))
        return real(dataset, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(headers, "header_troubles", troubles)
    told = " ".join(register(workspace, folder, "pets").warnings)
    assert "2 of 6 files cannot be read" in told
    assert "0.wav" in told
    assert "1.wav" in told


def test_a_folder_below_that_may_not_be_listed_is_told(
    folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str | Path) -> object:
        if Path(path).name == "dog":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    (folder / "owl").mkdir()
    (folder / "owl" / "0.wav").write_bytes(sound(40))
    monkeypatch.setattr(os, "scandir", scandir)
    dataset = read_dataset(folder)
    assert sorted(dataset.labels) == ["cat", "owl"]
    assert [problem.what for problem in dataset.problems] == ["is a folder that cannot be read"]


def test_the_beginning_of_what_is_no_file_is_empty(tmp_path: Path) -> None:
    pipe(tmp_path / "x.csv")
    assert glimpse.head_of(tmp_path / "x.csv") == ""
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / "x.csv")
