"""``labcore backup`` and ``labcore restore`` as a user gives them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.runs import list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]


def test_there_and_back(trained: Workspace, labcore: Labcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = list_runs(trained)
    known = labcore("runs", "show", run.id, "--json").lines[0]
    told = labcore("backup", tmp_path / "b.tar", "--json")
    assert told.status == 0, told.err
    assert told.lines[0]["encrypted"] is False
    assert labcore("restore", tmp_path / "b.tar", "--check").status == 0
    told = labcore("restore", tmp_path / "b.tar")
    assert told.status == 2
    assert "--replace" in told.err
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "new"))
    told = labcore("restore", tmp_path / "b.tar", "--json")
    assert told.status == 0, told.err
    assert told.lines[0]["runs"] == [run.id]
    again = labcore("runs", "show", run.id, "--json").lines[0]
    for name in ("state", "epoch_events", "evaluated", "config"):
        assert again[name] == known[name]


def test_through_pipes(trained: Workspace, labcore: Labcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to stdout comes back from stdin, as it does with age between."""

    def piped(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(
            [sys.executable, "-m", "labcore", *arguments], input=given, capture_output=True, env=environment
        )

    (run,) = list_runs(trained)
    made = piped("backup", "-")
    assert made.returncode == 0, made.stderr
    assert b"1 run" in made.stderr
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "new"))
    for given in (b"", made.stdout[:5000]):  # what age gives for a wrong passphrase, or of a file that is cut off
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        refused = labcore("restore", "-")
        assert refused.status == 2
        assert "Traceback" not in refused.err
    assert not list((tmp_path / "new").glob("*"))
    told = piped("restore", "-", "--json", given=made.stdout)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["runs"] == [run.id]
    assert labcore("runs", "show", run.id, "--json").lines[0]["state"] == "finished"


def test_to_recipients(trained: Workspace, labcore: Labcore, tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    told = labcore("backup", tmp_path / "b.age", "--recipient", identity.to_public(), "--json")
    assert told.lines[0]["encrypted"] is True
    assert labcore("restore", tmp_path / "b.age", "--check", "--identity", tmp_path / "key", "--json").lines[0][
        "encrypted"
    ]
    told = labcore("restore", tmp_path / "b.age", "--check")
    assert told.status == 2
    assert "age -d FILE | labcore restore -" in told.err


def test_former_ways_to_a_passphrase_say_what_to_do(
    trained: Workspace, labcore: Labcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither makes a backup that is not encrypted."""
    told = [labcore("backup", tmp_path / "b.age", "--passphrase")]
    monkeypatch.setenv("LABCORE_BACKUP_PASSPHRASE", "open sesame")
    told.append(labcore("backup", tmp_path / "b.age"))
    for each in told:
        assert each.status == 2
        assert "age -p" in each.err
    assert not (tmp_path / "b.age").exists()
    former = Path(__file__).parents[1] / "backup" / "passphrase.age"
    pytest.importorskip("pyrage")
    assert labcore("restore", former, "--check", "--json").lines[0]["encrypted"] is True


def test_nothing_there(workspace: Workspace, labcore: Labcore, tmp_path: Path) -> None:
    assert labcore("backup", tmp_path / "b.tar").status == 2
    assert labcore("restore", tmp_path / "b.tar").status == 2
    told = labcore("restore", tmp_path / "b.tar", "--check", "--replace")
    assert "Traceback" not in told.err
    assert told.status == 2


def test_what_is_no_backup_is_told_with_its_path_and_why(labcore, workspace, tmp_path):
    file = tmp_path / "big.bin"
    for content, told in ((bytes(1 << 16), "it begins with nothing but zeros"), (b"x" * 2000, "is not a backup")):
        file.write_bytes(content)
        answer = labcore("restore", file)
        assert answer.status != 0
        assert f"{file}: the file" in answer.err
        assert told in answer.err
