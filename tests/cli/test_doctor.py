"""``labcore doctor``: forms, exit statuses, and nothing about who ran it."""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.cli import doctor
from labcore.doctor.examination import WORKS
from labcore.doctor.report import Check, DoctorReport, Proof
from labcore.errors import LabError
from labcore.workspace import Workspace

CHECKS = (
    Check("driver", "NVIDIA driver", "Driver", "error", "Too old", {"driver": "1.0"}, "Update it:\n$ sudo update"),
    Check("memory", "Machine", "Memory", "ok", "Enough", {"memory": "plenty"}),
)


def command(*words: str) -> int:
    return doctor.run(doctor.parser().parse_args(list(words)))


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Any:
    """verdict("red") makes the examination come to it."""

    def come_to(colour: str) -> None:
        def examine(_: Workspace) -> Iterator[DoctorReport]:
            yield DoctorReport("amber", "Looking", "", (), (), False, ("PyTorch",))
            yield DoctorReport(colour, "So it is", "cpu", CHECKS, (Proof("cpu", "CPU", "STFT", "ok", 1.0, 1e-7, 1e-4),))

        monkeypatch.setattr(doctor, "examine", examine)

    return come_to


@pytest.mark.parametrize(("colour", "status"), [("green", 0), ("amber", 0), ("red", 1)])
def test_exit_status_follows_the_verdict(
    verdict: Any, colour: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict(colour)
    assert command() == status
    out = capsys.readouterr().out
    assert out.splitlines()[0] == f"{colour.upper()}: So it is."
    assert "  ✗ Driver: Too old\n      driver: 1.0\n      Update it:\n      $ sudo update\n" in out
    assert "plenty" not in out  # evidence of what is fine would bury the rest
    assert "STFT" in out


def test_json_is_one_line_and_alone(verdict: Any, capsys: pytest.CaptureFixture[str]) -> None:
    verdict("red")
    assert command("--json") == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["checks"][0]["remedy"] == "Update it:\n$ sudo update"


@pytest.mark.parametrize(
    ("words", "start"), [(["--output", "r.json"], "{"), (["--output", "r.md"], "# "), (["--output", "r.txt"], "GREEN"),
                         (["--markdown", "--output", "r.txt"], "# "), (["--json", "--output", "r.md"], "{")],
)  # fmt: skip
def test_output_takes_its_form_from_flag_or_name(
    verdict: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], start: str
) -> None:
    verdict("green")
    path = tmp_path / words[-1]
    assert command(*words[:-1], str(path)) == 0
    assert path.read_text(encoding="utf-8").startswith(start)
    assert capsys.readouterr().out == ""


def test_an_output_that_cannot_be_written_is_said_before_the_work(workspace: Workspace) -> None:
    with pytest.raises(LabError, match="There is no folder /dev/null: choose another place"):
        command("--output", "/dev/null/r.md")


def test_this_machine_for_real(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real child: torch is loaded, the CPU proves itself."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-5a1b2c3d-0000-1111-2222-333344445555")
    command("--json")
    out = capsys.readouterr().out
    report = json.loads(out)
    assert report["complete"]
    assert report["verdict"] in ("green", "amber", "red")
    proofs = {proof["work"]: proof["status"] for proof in report["proofs"] if proof["device"] == "cpu"}
    assert proofs == dict.fromkeys(WORKS, "ok"), report["proofs"]
    assert next(check["status"] for check in report["checks"] if check["id"] == "torch_build") in ("ok", "error")
    assert report["device"] in ("cpu", "cuda:0")
    assert str(workspace.home) not in out
    assert str(Path.home()) + "/" not in out
    assert "5a1b2c3d" not in out
    for name in (platform.node(), getpass.getuser()):
        if len(name) > 4:
            assert name not in out
