"""The examination around a child process that works, crashes, hangs, poisons its context, or never gets to torch.

With the real child, on this machine, tests/cli/test_doctor.py has it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from labcore.doctor import proofs
from labcore.doctor.examination import WORKS, examine
from labcore.doctor.process import ProofProcess
from labcore.doctor.report import DoctorReport
from labcore.workspace import Workspace

Start = Callable[..., ProofProcess]

PRELUDE = """
import json, os, signal, sys, time
def tell(**content): print(json.dumps(content), flush=True)
WORKS = @
DEVICES = sys.argv[1:] or ["cpu", "cuda:0", "cuda:1"]
def torch(**changes):
    gpus = [dict(device=f"cuda:{i}", name=f"Card {i}", capability="8.0", memory_total=2**34, memory_free=2**33) for i in (0, 1)]
    tell(torch=dict(version="2.11.0", cuda="13.0", available=True, count=2, current="cuda:0", devices=gpus) | changes)
def prove(device, work, **changes):
    proof = dict(device=device, device_name=device, work=work, status="ok", milliseconds=1.0, difference=1e-7, tolerance=1e-4)
    tell(proof=proof | changes)
""".replace("@", repr(WORKS))


@pytest.fixture
def starting(tmp_path: Path) -> Callable[[str], Start]:
    """starting(program) → what starts a child that runs the program; each start is noted in ``starts``."""

    def make(program: str, patience: float = 30.0) -> Start:
        script = tmp_path / "child.py"
        script.write_text(PRELUDE + program)

        def start(devices: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> ProofProcess:
            with (tmp_path / "starts").open("a") as file:
                file.write(json.dumps([list(devices), dict(environment or {})]) + "\n")
            return ProofProcess(devices, environment, command=(sys.executable, str(script)), patience=patience)

        return start

    return make


def starts(tmp_path: Path) -> list[Any]:
    return [json.loads(line) for line in (tmp_path / "starts").read_text().splitlines()]


def outcome(report: DoctorReport, device: str) -> dict[str, str]:
    return {proof.work: proof.error or proof.status for proof in report.proofs if proof.device == device}


ALL_WELL = """
torch()
for device in DEVICES:
    for work in WORKS:
        tell(starting=[device, work])
        prove(device, work)
tell(done=True)
"""
WITH_TROUBLE = """
tell(starting=["torch"]); tell(starting=["looking for GPUs"]); torch()
for device in DEVICES:
    for work in WORKS:
        tell(starting=[device, work])
        if (device, work) == ("cuda:0", WORKS[1]):
            {trouble}
        prove(device, work)
tell(done=True)
"""


def test_reports_grow_until_complete(workspace: Workspace, starting: Callable[..., Start]) -> None:
    reports = list(examine(workspace, starting(ALL_WELL)))
    assert [report.complete for report in reports] == [False] * (len(reports) - 1) + [True]
    assert reports[0].pending == ("PyTorch", "proofs")
    counts = [len(report.proofs) for report in reports]
    assert counts == sorted(counts)
    last = reports[-1]
    assert len(last.proofs) == 3 * len(WORKS)
    assert last.device == "cuda:0"
    assert not workspace.home.exists()  # looking leaves nothing behind


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV, a crash in compiled code"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        (
            "sys.exit('a library of /home/ada/lib/libnasty.so is missing')",
            "status 1: a library of …/libnasty.so is missing",
        ),
        (
            "prove(device, work, status='error', error='CUDA error: x'); tell(poisoned=device); sys.exit()",
            "CUDA error: x",
        ),
    ],
)
def test_a_gpu_that_fails_takes_nothing_along(
    workspace: Workspace, starting: Callable[..., Start], tmp_path: Path, trouble: str, said: str
) -> None:
    *_, report = examine(workspace, starting(WITH_TROUBLE.format(trouble=trouble)))
    failed = outcome(report, "cuda:0")
    assert failed[WORKS[0]] == "ok"
    assert said in failed[WORKS[1]]
    assert all("had failed before" in failed[work] for work in WORKS[2:])
    for device in ("cpu", "cuda:1"):
        assert outcome(report, device) == dict.fromkeys(WORKS, "ok")
    assert starts(tmp_path) == [[[], {}], [["cuda:1"], {}]]
    assert report.complete
    assert report.verdict == "amber"
    assert "Card 1 (cuda:1) can be used, Card 0 (cuda:0) cannot" in report.sentence
    check = report.check("kernels-cuda-0")
    assert check is not None
    assert check.status == "error"
    assert check.remedy


def test_a_kernel_that_hangs_is_a_red_check(workspace: Workspace, starting: Callable[..., Start]) -> None:
    *_, report = examine(workspace, starting(WITH_TROUBLE.format(trouble="time.sleep(600)"), patience=1.0))
    assert outcome(report, "cuda:0")[WORKS[1]] == "no answer within 1 s"
    assert outcome(report, "cuda:1") == dict.fromkeys(WORKS, "ok")


def test_a_driver_that_crashes_torch_leaves_the_cpu_to_be_proved(
    workspace: Workspace, starting: Callable[..., Start], tmp_path: Path
) -> None:
    program = """
tell(starting=["torch"]); tell(starting=["looking for GPUs"])
if os.environ.get("CUDA_VISIBLE_DEVICES") != "-1":
    os.kill(os.getpid(), signal.SIGABRT)
torch(available=False, count=0, devices=[])
for work in WORKS:
    tell(starting=["cpu", work]); prove("cpu", work)
tell(done=True)
"""
    *_, report = examine(workspace, starting(program))
    assert report.verdict == "red"
    assert "looking for GPUs" in report.sentence
    assert "SIGABRT" in report.sentence
    assert outcome(report, "cpu") == dict.fromkeys(WORKS, "ok")
    assert starts(tmp_path)[1] == [["cpu"], {"CUDA_VISIBLE_DEVICES": "-1"}]
    build = report.check("torch_build")
    assert build is not None
    assert "2.11.0" in build.evidence["version"]


@pytest.mark.parametrize(
    "program",
    [
        "tell(starting=['torch']); os.kill(os.getpid(), signal.SIGILL)",
        "tell(starting=['torch']); tell(torch=dict(error='ImportError: no torch'))",
        "raise SystemExit(3)",
        "print('noise'); print('{\"half')",
    ],
)
def test_without_torch_the_report_still_comes(
    workspace: Workspace, starting: Callable[..., Start], program: str
) -> None:
    *_, report = examine(workspace, starting(program))
    assert report.complete
    assert report.verdict == "red"
    assert "PyTorch cannot be loaded" in report.sentence
    assert report.check("memory") is not None


def test_a_device_that_always_kills_its_process_ends(
    workspace: Workspace, starting: Callable[..., Start], tmp_path: Path
) -> None:
    program = "torch()\nos.kill(os.getpid(), signal.SIGSEGV)"
    *_, report = examine(workspace, starting(program))
    assert report.complete
    assert {proof.status for proof in report.proofs} == {"error"}
    assert len(starts(tmp_path)) <= 5


def test_leaving_early_ends_the_child(workspace: Workspace, tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text("import time\ntime.sleep(600)")
    children: list[ProofProcess] = []

    def start(*_: Any) -> ProofProcess:
        children.append(ProofProcess(command=(sys.executable, str(script))))
        return children[-1]

    with closing(examine(workspace, start)) as reports:
        assert not next(reports).complete
        os.kill(children[0].process.pid, 0)  # it is there
    assert children[0].process.poll() is not None


def test_the_names_of_the_works_are_those_of_the_proofs() -> None:
    assert tuple(work.name for work in proofs.works()) == WORKS
