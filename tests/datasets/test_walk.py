"""Looks through folders have bounds, whatever path was typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labcore.datasets import find_dataset, list_datasets, read_dataset, register
from labcore.datasets import walk as walk_module
from labcore.datasets.scan import find_audio, holds_audio, suffix_of
from labcore.datasets.walk import TooMuchError, looking
from labcore.errors import DatasetError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_links_that_point_at_each_other_are_not_walked_on_every_way(tmp_path):
    """As in /sys: nine folders that each link to all others have a million ways through them."""
    names = [f"f{n}" for n in range(9)]
    for name in names:
        touch(tmp_path / name / "a.wav")
        for other in set(names) - {name}:
            (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
    found = find_audio(tmp_path).files
    assert {parts for parts in found if len(parts) == 2} == {(name, "a.wav") for name in names}
    assert len(found) < 200  # each folder by itself, by the links to it, and once in a chain of them
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("path", ["/proc", "/sys", "/dev", "/proc/self"])
def test_folders_of_the_system_are_refused(path):
    if not Path(path).exists():
        pytest.skip(f"no {path} here")
    for ask in (read_dataset, lambda path: find_audio(Path(path))):
        with pytest.raises(DatasetError, match="system folder"):
            ask(path)


def test_folders_of_the_system_below_are_passed_over(tmp_path, monkeypatch):
    touch(tmp_path / "dog" / "a.wav", tmp_path / "sys" / "b.wav")
    monkeypatch.setattr(walk_module, "SYSTEM_FOLDERS", (str(tmp_path / "sys"),))
    (tmp_path / "link").symlink_to(tmp_path / "sys")
    assert find_audio(tmp_path).files == [("dog", "a.wav")]
    assert not holds_audio(tmp_path / "sys")


def test_file_systems_of_the_system_are_passed_over(tmp_path, monkeypatch):
    touch(tmp_path / "dog" / "a.wav")
    device = (tmp_path / "dog").stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 {os.major(device)}:{os.minor(device)} / {tmp_path} rw - cgroup2 cgroup rw\nbroken line\n")
    monkeypatch.setattr(walk_module, "MOUNTS", str(mounts))
    with pytest.raises(DatasetError, match="system folder"):
        find_audio(tmp_path)


def test_the_whole_disk_is_no_data_set(workspace):
    for ask in (read_dataset, lambda path: register(workspace, path), lambda path: find_dataset(workspace, path)):
        with pytest.raises(DatasetError, match="whole disk"):
            ask("/")


@pytest.mark.parametrize(("bound", "most"), [("MOST_FOLDERS", 4), ("MOST_FILES", 20), ("MOST_OTHERS", 12)])
def test_too_much_is_given_up_and_named(tmp_path, workspace, monkeypatch, bound, most):
    for n in range(6):
        touch(*(tmp_path / "disk" / "usr" / str(n) / f"{m}.txt" for m in range(5)))
    touch(tmp_path / "disk" / "music" / "a.wav")
    monkeypatch.setattr(walk_module, bound, most)
    for ask in (find_audio, read_dataset, lambda path: register(workspace, path)):
        with pytest.raises(TooMuchError, match=r"disk is too large to scan.* of them lie in .*usr") as caught:
            ask(tmp_path / "disk")
        assert "Choose the subfolder" in caught.value.remedy
    assert list_datasets(workspace) == []


def test_a_data_set_that_grew_too_much_is_told_in_the_list(class_folders, workspace, monkeypatch):
    register(workspace, class_folders, "tones")
    monkeypatch.setattr(walk_module, "MOST_FILES", 5)
    (info,) = list_datasets(workspace)
    assert "is too large to scan" in info.error
    monkeypatch.setattr(walk_module.WalkBudget, "saw", None)  # and is not walked through for each list
    assert list_datasets(workspace) == [info]


def test_walking_again_for_one_thing_counts_once(class_folders, monkeypatch):
    monkeypatch.setattr(walk_module, "MOST_FILES", 12)  # it is walked several times: which layout, which files
    assert len(read_dataset(class_folders)) == 12


def test_progress_is_told_and_ends_the_look(tmp_path, monkeypatch):
    monkeypatch.setattr(walk_module, "EVERY", 3)
    touch(*(tmp_path / str(n) / "a.wav" for n in range(9)))
    seen: list[tuple[int, int]] = []
    with looking(lambda done, total: seen.append((done, total))):
        find_audio(tmp_path)
    assert len(seen) > 2
    assert seen == sorted(seen)

    def enough(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), looking(enough):
        find_audio(tmp_path)
    assert len(find_audio(tmp_path).files) == 9  # nothing of it is left


@pytest.mark.parametrize("name", ["a.WAV", "a.tar.gz", "a.wav  ", "a", ".wav", "..wav", "a.", "", "a .wav"])
def test_endings_are_those_of_the_standard_library(name):
    assert suffix_of(name) == os.path.splitext(name.rstrip())[1].lower()  # noqa: PTH122
