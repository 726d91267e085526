"""The audit on recorded answers of pip-audit; no service is asked here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.by_path import module_at

SCRIPT = Path(__file__).parents[1] / "scripts" / "audit.py"
FOUND = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"]}]}
SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.11.0)"}
ENTRY = '[[accepted]]\nid = "CVE-2014-1402"\nuntil = {until}\nwhy = "Templates are our own."\n'
AWAY = "requests.exceptions.ConnectionError: Name or service not known"


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The script, with an empty list of what is accepted."""
    module = module_at(SCRIPT)
    assert module.accepted(module.ACCEPTED, module.datetime.date(2026, 11, 26)) == []
    monkeypatch.setattr(module, "ACCEPTED", tmp_path / "audit.toml")
    module.ACCEPTED.touch()
    return module


def answer(monkeypatch: pytest.MonkeyPatch, audit: Any, out: str, said: str = "") -> list[list[str]]:
    asked: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        listed = Path(command[command.index("-r") + 1]).read_text().split()
        assert all("==" in line and "+" not in line and "audio-gpu-lab" not in line for line in listed)
        return subprocess.CompletedProcess(command, 1, out, said)

    monkeypatch.setattr(audit.subprocess, "run", run)
    return asked


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ([SOUND], 0, "0 findings"),
        ([SOUND, FOUND], 1, "FOUND  jinja2 2.4.1: PYSEC-2014-8, fixed in 2.7.2"),
        ([SOUND, SKIPPED], 3, "NOT ASKED about 1 packages, which it does not know: torch"),
        ([FOUND, SKIPPED], 1, "NOT ASKED about 1"),
        ([SKIPPED, SKIPPED], 3, "NOT ASKED about 2"),  # a mirror without the service answers 404
        ([], 3, "NOT ASKED"),
        (None, 3, AWAY),
    ],
)
def test_status(monkeypatch: Any, audit: Any, capsys: Any, packages: Any, status: int, says: str) -> None:
    out = "" if packages is None else json.dumps({"dependencies": packages})
    answer(monkeypatch, audit, out, f"Traceback\n{AWAY}\n")
    assert audit.main([]) == status
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert audit.main(["--where-possible"]) == (0 if status == 3 else status)


def test_what_is_accepted_is_ignored(monkeypatch: Any, audit: Any) -> None:
    audit.ACCEPTED.write_text(ENTRY.format(until="2999-01-01"))
    asked = answer(monkeypatch, audit, json.dumps({"dependencies": [SOUND]}))
    assert audit.main([]) == 0
    assert asked[0][-2:] == ["--ignore-vuln", "CVE-2014-1402"]


@pytest.mark.parametrize(
    "text",
    [
        "[[accepted]]\nid = 'x'\n",
        "accepted = 3",
        "not toml",
        ENTRY.format(until="'soon'"),
        ENTRY.format(until="2025-01-01"),
    ],
)
def test_a_list_that_is_wrong_or_expired(audit: Any, capsys: Any, text: str) -> None:
    audit.ACCEPTED.write_text(text)
    assert audit.main(["--where-possible"]) == 2
    assert "audit" in capsys.readouterr().err
