"""The script that is run where there is a GPU."""

from __future__ import annotations

import importlib.util
import json
import sys

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
        lambda small, device: [
            step("wrong", "print('Traceback'); raise SystemExit(3)"),
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
    assert "good       passed" in capsys.readouterr().out


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
    assert sum(step.seconds for step in check.steps(False, "cuda")) < 15 * 60
