"""The audit's judgement on recorded answers of pip-audit; no service is asked here."""

from __future__ import annotations

import datetime
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TODAY = datetime.date(2026, 11, 26)
VULNERABLE = {
    "name": "Jinja2", "version": "2.4.1",
    "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": ["CVE-2014-1402", "GHSA-8r7q-cvjq-x353"]}],
}  # fmt: skip
SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.11.0)"}
ENTRY = """
[[accepted]]
id = "{id}"
package = "{package}"
accepted = 2026-01-01
until = {until}
why = "Templates are our own."
"""


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answers(audit: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Runs the audit on an answer of pip-audit: its packages, its status and its stderr; the accepted list as text."""

    def run(
        *packages: dict[str, Any], accepted: str = "", status: int = 0, said: str = "", out: str | None = None
    ) -> int:
        told = json.dumps({"dependencies": list(packages), "fixes": []}) if out is None else out

        def answer(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            listed = Path(command[command.index("-r") + 1]).read_text().split()
            assert "audio-gpu-lab" not in " ".join(listed)
            assert all("==" in line and "+" not in line for line in listed)
            return subprocess.CompletedProcess(command, status, told, said)

        monkeypatch.setattr(audit.subprocess, "run", answer)
        (tmp_path / "audit.toml").write_text(accepted)
        monkeypatch.setattr(audit, "ACCEPTED", tmp_path / "audit.toml")
        return audit.main(["--where-possible"] if run.where_possible else [])  # type: ignore[attr-defined]

    run.where_possible = False  # type: ignore[attr-defined]
    return run


def test_clean(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert answers(SOUND) == 0
    assert "0 findings" in capsys.readouterr().out


def test_found(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert answers(SOUND, VULNERABLE, status=1) == 1
    assert (
        "FOUND     Jinja2 2.4.1: PYSEC-2014-8 (CVE-2014-1402, GHSA-8r7q-cvjq-x353), mended in 2.7.2"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("name", ["PYSEC-2014-8", "CVE-2014-1402"])
def test_accepted_by_any_of_its_names(answers: Any, capsys: pytest.CaptureFixture[str], name: str) -> None:
    entry = ENTRY.format(id=name, package="jinja2", until="2999-01-01")
    assert answers(SOUND, VULNERABLE, status=1, accepted=entry) == 0
    assert "until 2999-01-01: Templates are our own." in capsys.readouterr().out


def test_of_another_package_it_is_not_accepted(answers: Any) -> None:
    entry = ENTRY.format(id="PYSEC-2014-8", package="numpy", until="2999-01-01")
    assert answers(VULNERABLE, status=1, accepted=entry) == 1


def test_an_expired_acceptance_fails_and_an_unused_one_is_told(audit: ModuleType) -> None:
    def one(until: datetime.date) -> Any:
        return audit.Acceptance("PYSEC-2014-8", "jinja2", datetime.date(2026, 1, 1), until, "why")

    found = [audit.Finding("Jinja2", "2.4.1", ("PYSEC-2014-8",), ())]
    day = datetime.timedelta(days=1)
    assert audit.judge(found, [one(TODAY)], TODAY)[0] == audit.CLEAN
    status, lines = audit.judge(found, [one(TODAY - day)], TODAY)
    assert status == audit.FOUND
    assert [line.split()[0] for line in lines] == ["FOUND", "EXPIRED"]
    assert audit.judge([], [one(TODAY - day)], TODAY)[0] == audit.WRONG
    status, lines = audit.judge([], [one(TODAY)], TODAY)
    assert status == audit.CLEAN
    assert lines[0].startswith("unused")


@pytest.mark.parametrize("where_possible", [False, True])
def test_nobody_to_ask_is_not_clean(answers: Any, capsys: pytest.CaptureFixture[str], where_possible: bool) -> None:
    answers.where_possible = where_possible
    away = {
        "status": 1,
        "out": "",
        "said": "Traceback\nrequests.exceptions.ConnectionError: Name or service not known\n",
    }
    cases: list[tuple[tuple[dict[str, Any], ...], dict[str, Any]]] = [
        ((), away),
        ((SKIPPED, SKIPPED), {}),  # a mirror without the service answers 404, and pip-audit ends with status 0
        ((), {"out": "[]"}),
        (({"name": "numpy"},), {}),
    ]
    for packages, options in cases:
        assert answers(*packages, **options) == (0 if where_possible else 3)
        assert "NOT ASKED" in capsys.readouterr().err
    assert answers(SOUND, SKIPPED) == (0 if where_possible else 3)
    assert "NOT ASKED about 1 packages, which it does not know: torch" in capsys.readouterr().err
    assert answers(VULNERABLE, SKIPPED, status=1) == 1
    entry = ENTRY.format(id="PYSEC-2014-8", package="jinja2", until="2026-01-02")
    assert answers(**away, accepted=entry) == 2  # what has expired has done so without a network too
    assert "EXPIRED" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "[[accepted]]\nid = 'x'\n",
        "accepted = 3",
        "not toml",
        ENTRY.format(id="", package="x", until="2999-01-01"),
        ENTRY.format(id="x", package="x", until="2025-01-01"),
        ENTRY.format(id="x", package="x", until="'soon'"),
        ENTRY.format(id="x", package="x", until="2999-01-01") + "more = 1\n",
    ],
)
def test_a_list_that_is_wrong(answers: Any, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert answers(SOUND, accepted=text) == 2
    assert "audit.toml" in capsys.readouterr().err


def test_the_list_of_this_project_can_be_read(audit: ModuleType) -> None:
    assert all(each.why for each in audit.read_accepted(audit.ACCEPTED))
    assert "pip-audit" in (ROOT / "requirements-dev.txt").read_text()
    assert any(line.startswith("streamlit==") for line in audit.installed())
