"""The script that is run where there is a GPU."""

from __future__ import annotations

import importlib.util
import json
import signal
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("gpu_check", "scripts/gpu_check.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["gpu_check"]


def test_a_report_tells_of_each_step_and_goes_on_after_one_that_fails(check, tmp_path, monkeypatch, capsys):
    def step(name, code, seconds=60.0):
        return check.Step(name, "a trial", seconds, (sys.executable, "-c", code), check.lines_like("^told"))

    monkeypatch.setattr(
        check,
        "steps",
        lambda *given: [
            step("wrong", "print('Traceback\\nnanobind: leaked 4 types!'); raise SystemExit(3)"),
            step("slow", "import time; time.sleep(60)", 0.2),
            step("good", "print('told 12 ms'); print('not this')"),
        ],
    )
    monkeypatch.setattr(check, "machine", lambda: ["a card, 1 GiB, 580.1"])
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--out", str(tmp_path)])
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    assert check.main() == 1
    report = (tmp_path / "report.md").read_text()
    assert "a card, 1 GiB, 580.1" in report
    assert "FAILED (status 3)" in report
    assert "FAILED (too slow)" in report
    assert "    told 12 ms\n" in report
    assert "    not this" not in report
    assert "    nanobind" not in report
    assert "good       passed" in capsys.readouterr().out


def is_gone(stat):
    """Whether a process ends, or only waits for somebody to ask how it ended, which nobody here does."""
    for _ in range(600):
        try:
            if stat.read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_step_ends_with_all_that_it_started(check, tmp_path):
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep({})"
    for rest, status in ((0, 0), (600, 124)):
        step = check.Step("step", "", 2.0, (sys.executable, "-c", code.format(rest)), check.last(1))
        found, _, told = check.take(step, tmp_path, 1 if rest else 30)
        assert found == status
        assert is_gone(Path(f"/proc/{told[0]}/stat"))


def test_figures_that_are_not_as_expected_and_a_missing_command_stop_nothing(check, tmp_path):
    odd = check.Step("odd", "", 60, (sys.executable, "-c", "print('{}')"), check.told_by_evaluation)
    assert check.take(odd, tmp_path)[::2] == (0, ["its figures cannot be read: KeyError: 'accuracy'", "{}"])
    status, _, told = check.take(check.Step("gone", "", 60, ("/nowhere/python",), check.last(1)), tmp_path)
    assert status == 127
    assert "No such file" in told[0]
    assert check._answer(["/nowhere/nvidia-smi"], 1) == []
    assert check._answer([sys.executable, "-c", "import time; time.sleep(60)"], 0.1) == []


def test_a_check_that_is_ended_leaves_a_report_that_says_how_far_it_came(check, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "machine", lambda: ["a card"])
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
    step = check.Step("long", "a trial", 60.0, (sys.executable, "-c", code), check.last(1))
    monkeypatch.setattr(check, "steps", lambda *given: [step])
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--out", str(tmp_path)])
    for name in ("LABCORE_HOME", "PYTHONPATH", "PYTHONUNBUFFERED"):
        monkeypatch.setenv(name, str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            check.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143
    assert (tmp_path / "report.md").read_text().rstrip().endswith(f"`python -c {code}`")


def test_figures_are_read_from_what_the_commands_write(check):
    events = [
        {
            "type": "training_started",
            "device": "cuda:0",
            "precision": "bf16",
            "memory_format": "channels_last",
            "precision_reason": "r",
        },
        {"type": "epoch", "clips_per_second": 1234.4},
        {"type": "evaluated", "accuracy": 0.925},
        {"type": "run_finished", "state": "finished", "seconds": 3, "error": ""},
    ]
    lines = list(check.told_by_training("a word\n" + "\n".join(map(json.dumps, events))))
    assert lines == [
        "on cuda:0 in bf16 channels_last: r",
        "accuracy 92.5 %",
        "finished after 3 s",
        "1234 clips/s in the last of 1 epochs",
    ]
    assert list(check.told_by_evaluation('{"accuracy": 0.5, "macro_f1": 0.25}')) == [
        "accuracy 50.00 %, macro F1 0.2500"
    ]


def test_every_step_names_a_command_that_exists(check, monkeypatch):
    monkeypatch.setenv("LABCORE_HOME", "home")
    for small in (True, False):
        for step in check.steps(small, "cpu"):
            assert step.command[1] in ("-m", "benchmarks/urbansound_speed.py", "benchmarks/step_profile.py")
            assert step.seconds <= 240
    assert "all" not in [step.name for step in check.steps(False, "cuda")]
    longest = check.steps(False, "cuda", several=True)
    assert [step.command[-3:] for step in longest if step.name == "all"] == [("--device", "all", "--json")]
    assert sum(step.seconds for step in longest) < 15 * 60
