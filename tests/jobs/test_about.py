"""Name, tags, note and star of a job: kept in its folder, whoever changes them, and never lost."""

from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.errors import LabError, WorkspaceError
from labcore.jobs.about import FILE, About, change_about, read_about, tagged
from labcore.jobs.glances import about_of, known
from labcore.runs import Run


@pytest.fixture
def run(workspace) -> Run:
    return Run.create(workspace, RunConfig())


def test_what_is_said_lies_in_the_folder_and_moves_with_it(run):
    change_about(run.path, name=" a  quiet\nroom ", tags=["Keep", "keep", " b "], note="one\ntwo", star=True)
    moved = run.path.rename(run.path.with_name("20260101-000000-moved-0000"))
    assert read_about(moved) == About("a quiet room", ("Keep", "b"), "one\ntwo", star=True)
    assert about_of(Run(moved)).name == Run(moved).name == "a quiet room"


def test_an_empty_name_brings_back_the_one_made_of_the_settings(run):
    own = run.name
    change_about(run.path, name="x")
    assert run.name == "x"
    change_about(run.path, name="")
    assert run.name == own == known(run)[0].title


@pytest.mark.parametrize(
    "changes", [{"name": "last"}, {"name": "x" * 121}, {"tags": ["a,b"]}, {"tags": ["x" * 41]}, {"note": "x" * 4001},
                {"tags": [str(number) for number in range(21)]}]
)  # fmt: skip
def test_what_cannot_be_taken_is_told_and_nothing_changes(run, changes):
    change_about(run.path, name="kept")
    with pytest.raises(LabError):
        change_about(run.path, **changes)
    assert read_about(run.path) == About("kept")


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"name": 3, "tags": "x", "star": "yes"}', "\x00"])
def test_a_damaged_file_hides_no_run(run, content):
    (run.path / FILE).write_text(content)
    assert read_about(run.path) == About()
    assert run.name == known(run)[0].title


def test_a_damaged_file_is_not_written_over(run):
    (run.path / FILE).write_text('{"name": "half')
    with pytest.raises(LabError, match="cannot be read"):
        change_about(run.path, star=True)
    assert (run.path / FILE).read_text() == '{"name": "half'


def test_several_at_once_lose_nothing(run):
    def tag(word: str) -> None:
        for _ in range(20):
            change_about(run.path, **{word: True} if word != "note" else {"note": "x"})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(tag, ("star", "archived", "note")))
    assert read_about(run.path) == About(note="x", star=True, archived=True)


def test_what_a_terminal_would_obey_is_left_out(run):
    change_about(run.path, name="a\x1b[2Jb", note="c\x07d\u202e")
    assert json.loads((run.path / FILE).read_text())["name"] == "a[2Jb"
    assert read_about(run.path).note == "cd"


def test_tags_are_added_and_removed_whatever_their_case():
    assert tagged(About(tags=("Keep", "b")), ["c"], ["keep"]) == ("b", "c")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space, or choose another workspace with LABCORE_HOME"),
        (errno.EROFS, "is read-only: choose another workspace with LABCORE_HOME"),
        (errno.EACCES, "Check the permissions of .*, or choose another workspace with LABCORE_HOME"),
    ],
)
def test_what_the_disk_refuses_says_what_to_do(workspace, run, monkeypatch, number, remedy):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        with pytest.raises(WorkspaceError, match=f"directory .* cannot be created: .*{remedy}"):
            Run.create(workspace, RunConfig())
    monkeypatch.setattr("labcore.jobs.folder.FileLock.acquire", refuse)
    with pytest.raises(LabError, match=f"{run.id} cannot be locked: .*{remedy}"), run.hold():
        pass
    with pytest.raises(WorkspaceError, match=f"about.json cannot be written: .*{remedy}"):
        change_about(run.path, name="another")
