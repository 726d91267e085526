"""``labcore backup`` and ``labcore restore`` as a user gives them."""

from __future__ import annotations

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


def test_through_a_pipe(trained: Workspace, labcore: Labcore, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labcore", "backup", "-"], capture_output=True, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    (tmp_path / "b.tar").write_bytes(done.stdout)
    assert labcore("restore", tmp_path / "b.tar", "--check").status == 0


def test_passphrase_of_the_environment(
    trained: Workspace, labcore: Labcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyrage")
    assert "terminal" in labcore("backup", tmp_path / "b.age", "--passphrase").err
    monkeypatch.setenv("LABCORE_BACKUP_PASSPHRASE", "open sesame")
    told = labcore("backup", tmp_path / "b.age", "--json")
    assert told.lines[0]["encrypted"] is True
    assert "sesame" not in told.out + told.err
    assert labcore("restore", tmp_path / "b.age", "--check", "--json").lines[0]["encrypted"] is True
    monkeypatch.delenv("LABCORE_BACKUP_PASSPHRASE")
    told = labcore("restore", tmp_path / "b.age", "--check")
    assert told.status == 2
    assert "LABCORE_BACKUP_PASSPHRASE" in told.err


def test_nothing_there(workspace: Workspace, labcore: Labcore, tmp_path: Path) -> None:
    assert labcore("backup", tmp_path / "b.tar").status == 2
    assert labcore("restore", tmp_path / "b.tar").status == 2
    told = labcore("restore", tmp_path / "b.tar", "--check", "--replace")
    assert "Traceback" not in told.err
    assert told.status == 2
