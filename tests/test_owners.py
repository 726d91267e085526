"""Names of people: how they are cleaned, where they come from, whose a thing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore import owners
from labcore.config import RunConfig
from labcore.events import RunFinished, RunQueued, RunStarted
from labcore.runs import Run
from labcore.workspace import Workspace


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("Ada", "Ada"),
        ("  Ada \t Lovelace\n", "Ada Lovelace"),
        ("A\x00d\x1b[31ma", "Ad[31ma"),
        ("Ada\u202egnp", "Adagnp"),
        ("Zoe\u0308", "Zoë"),
        ("x" * 500, "x" * owners.LONGEST),
        ("\u200b\n", ""),
        (None, ""),
        (7, ""),
        ("\ud800", ""),
    ],
)
def test_names_are_one_visible_line(raw: object, kept: str) -> None:
    assert owners.clean(raw) == kept
    assert owners.clean(kept) == kept


def test_the_name_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(owners.VARIABLE, " Ada\n")
    assert owners.shell_user() == "Ada"
    monkeypatch.setenv(owners.VARIABLE, "\x00"[:0])
    monkeypatch.setattr("getpass.getuser", lambda: "bo")
    assert owners.shell_user() == "bo"
    for error in (KeyError, OSError):

        def unknown(error: type[Exception] = error) -> str:
            raise error("no name")

        monkeypatch.setattr("getpass.getuser", unknown)
        monkeypatch.setattr("os.getuid", lambda: 1234)
        assert owners.shell_user() == "uid 1234"


def test_what_nobody_is_known_to_own_is_everybodys() -> None:
    assert owners.is_anothers("Ada", "Bo")
    assert not owners.is_anothers("Ada", "Ada")
    assert not owners.is_anothers("", "Bo")
    assert not owners.is_anothers("Ada", "")
    with pytest.raises(owners.NotYoursError, match=r"run 7 belongs to Ada, and you are Bo\. Mean it\."):
        owners.require_owner("Ada", "Bo", "run 7", "Mean it")
    owners.require_owner("", "Bo", "run 7", "Mean it")


def test_the_first_who_signs_has_signed(tmp_path: Path) -> None:
    file = tmp_path / "stop"
    assert owners.signer(file) == ""
    owners.sign(file, "Ada")
    owners.sign(file, "Bo")
    assert owners.signer(file) == "Ada"
    file.write_bytes(b"\xff\x00Ada")
    assert owners.signer(file).endswith("Ada")
    with pytest.raises(OSError, match="nowhere"):
        owners.sign(tmp_path / "nowhere" / "stop", "Ada")


class TestRuns:
    def test_the_owner_is_who_queued_it_first(self, workspace: Workspace) -> None:
        run = Run.create(workspace, RunConfig(), queued=True, by="Ada\n")
        assert run.status().by == "Ada"
        run.append(RunFinished(state="stopped", by="Bo"))
        assert (run.status().by, run.status().stopped_by) == ("Ada", "Bo")
        run.append(RunQueued(by="Bo"))
        assert (run.status().by, run.status().stopped_by) == ("Ada", "")

    def test_the_owner_is_who_started_it_in_a_shell(self, workspace: Workspace) -> None:
        run = Run.create(workspace, RunConfig())
        assert run.status().by == ""
        run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here", by="Ada"))
        run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here", by="Bo"))
        assert run.status().by == "Ada"
        with run.hold():
            run.request_stop("Bo")
            assert (run.status().state, run.status().stopped_by) == ("stopping", "Bo")
            run.clear_stop()
            assert run.status().stopped_by == ""

    def test_runs_of_older_versions_have_no_owner(self, workspace: Workspace) -> None:
        run = Run.create(workspace, RunConfig())
        lines = ['{"type": "run_queued", "time": 1}', '{"type": "run_started", "time": 2, "by": "Bo"}']
        (run.path / "events.jsonl").write_text("\n".join(lines) + "\n")
        assert run.status().by == ""
        (run.path / "events.jsonl").write_text('{"type": "run_queued", "time": 1, "by": {"not": "a name"}}\n')
        assert run.status().by == ""
        (run.path / "stop").touch()
        assert run.stopper == ""

    def test_a_turn_tells_who(self, workspace: Workspace) -> None:
        run = Run.create(workspace, RunConfig(), queued=True, by="Ada")
        run.override({"model.dropout": 0.4}, who="Bo")
        run.override({"model.dropout": 0.5})
        first, second = (run.path / "overrides.jsonl").read_text().splitlines()
        assert '"who": "Bo"' in first
        assert "who" not in second
