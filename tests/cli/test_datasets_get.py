"""``labcore datasets get``, against a server of the test's own."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from labcore.downloads.job import Download
from labcore.workspace import Workspace
from tests.downloads.conftest import Publish, Served, archive, publish, served

__all__ = ["archive", "publish", "served"]

Labcore = Callable[..., Any]


def test_a_set_is_downloaded_and_can_be_trained_on(
    publish: Publish, served: Served, labcore: Labcore, workspace: Workspace
) -> None:
    publish()
    told = labcore("datasets", "get", "ESC-50", "--accept-licence", "--json")
    assert told.status == 0, told.err
    (facts,) = told.lines
    assert (facts["name"], facts["clips"], facts["classes"], facts["licence"]) == ("esc50", 4, 2, "CC BY-NC 3.0")
    assert "licence: CC BY-NC 3.0. Name its authors; no commercial use" in told.err
    assert f"downloading {served.url}/ESC-50.zip" in told.err
    (listed,) = labcore("datasets", "list", "--json").lines
    assert (listed["name"], listed["layout"], listed["error"]) == ("esc50", "esc50", "")
    assert {each["name"]: each["here"] for each in labcore("datasets", "get", "--json").lines}["esc50"] == ["esc50"]
    again = labcore("datasets", "get", "esc50", "--json")
    assert again.status == 0
    assert again.lines[0]["path"] == facts["path"]
    assert "is here already" in again.err
    assert len(served.asked) == 1


def test_nothing_is_downloaded_before_the_licence_is_accepted(
    publish: Publish, served: Served, labcore: Labcore, workspace: Workspace
) -> None:
    publish()
    told = labcore("datasets", "get", "esc50")
    assert told.status == 2
    assert "the licence of ESC-50 was not accepted" in told.err
    assert "--accept-licence" in told.err
    assert served.asked == []


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("YES\n", 0), ("\n", 2), ("n\n", 2), ("", 2)])
def test_at_a_terminal_it_is_asked(
    answer: str, status: int, publish: Publish, labcore: Labcore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    stdin = io.StringIO(answer)
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert labcore("datasets", "get", "esc50").status == status


def test_the_sets_are_listed(labcore: Labcore, workspace: Workspace) -> None:
    out = labcore("datasets", "get").out
    for word in ("esc50", "UrbanSound8K", "speech_commands", "CC BY-SA 4.0", "6.0 GB"):
        assert word in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["esc5"], "Did you mean 'esc50'"),
        (["esc50", "--file", "gone.zip", "--accept-licence"], "there is no file"),
        (["esc50", "--file", ".", "--accept-licence"], "adds the folder as it is"),
        (["esc50", "--checksum", "12", "--accept-licence"], "is no checksum"),
    ],
)
def test_what_cannot_be_done(words: list[str], message: str, labcore: Labcore, workspace: Workspace) -> None:
    told = labcore("datasets", "get", *words)
    assert told.status == 2
    assert message in told.err
    assert Download.every(workspace) == []


def test_one_that_was_renamed_is_here_still(
    publish: Publish, served: Served, labcore: Labcore, workspace: Workspace
) -> None:
    publish()
    labcore("datasets", "get", "esc50", "--accept-licence")
    labcore("datasets", "rename", "esc50", "city")
    told = labcore("datasets", "get", "esc50", "--json")
    assert (told.status, told.lines[0]["name"], len(served.asked)) == (0, "city", 1)
    assert "ESC-50 is here already, as city" in told.err
    assert labcore("datasets", "get", "esc50", "--name", "city").status == 0
    assert labcore("datasets", "get", "esc50", "--name", "two", "--accept-licence").status == 0
    assert labcore("datasets", "remove", "city", "--yes").status == 0
    assert "two" in labcore("datasets", "get").out


def test_the_name_of_another_set(publish: Publish, labcore: Labcore, workspace: Workspace) -> None:
    publish()
    (workspace.datasets / "esc50").mkdir()
    told = labcore("datasets", "get", "esc50", "--accept-licence")
    assert told.status == 2
    assert "the name 'esc50' is used" in told.err
    assert labcore("datasets", "get", "esc50", "--accept-licence", "--name", "mine").status == 0


def test_one_that_broke_off_is_kept_to_be_resumed(
    publish: Publish, served: Served, labcore: Labcore, workspace: Workspace
) -> None:
    publish()
    served.cuts = [50_000, 0, 0]
    told = labcore("datasets", "get", "esc50", "--accept-licence", "--json")
    assert (told.status, told.out) == (1, "")
    assert "put the file at" in told.err
    (job,) = Download.every(workspace)
    assert "download" in labcore("jobs", "list").out
    assert labcore("jobs", "show", job.id, "--json").lines[0]["state"] == "failed"
    assert labcore("datasets", "get", "esc50", "--accept-licence").status == 0
    assert Download.every(workspace) == [job]
