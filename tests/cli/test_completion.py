"""What a shell is offered when it completes a command line, asked for in the way of argcomplete's scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.cli.completion import SHELLS
from labcore.cli.main import COMMANDS
from labcore.cli.run_changes import ACTIONS as RUN_CHANGES
from labcore.jobs.kind import TABLE

Labcore = Callable[..., Any]
ROOT = Path(__file__).parents[2]
# As `labcore` starts; the answer goes to the descriptor that argcomplete writes to. A fork for each line: argcomplete ends its process.
ASK = """
import json, os, sys
import argcomplete.lexers, labcore.__main__, labcore.cli.completion, labcore.cli.main, labcore.cli.train
leave, os._exit = os._exit, lambda status: leave(7 if {"torch", "numpy", "pandas"} & set(sys.modules) else status)
for number, line in enumerate(sys.argv[1:]):
    if not (child := os.fork()):
        os.dup2(os.open(f"answer{number}", os.O_WRONLY | os.O_CREAT), 8)
        os.environ.update(COMP_LINE=line, COMP_POINT=str(len(line)))
        labcore.__main__.run()
    assert os.waitpid(child, 0)[1] == 0, line
"""
OFFERED = {
    "labcore ": {*COMMANDS, "--version", "--help"},
    "labcore ev": {"evaluate"},
    "labcore runs ": {
        "list",
        "show",
        "compare",
        "calibrate",
        "unknown",
        "report",
        "suspicious",
        "hidden",
        "stop",
        "delete",
        *RUN_CHANGES,
        "--help",
    },
    "labcore export --run ": {"last", "20260101-tones"},
    "labcore jobs show 2026": {"20260101-tones", "20260102-search"},
    "labcore train --preset ": {"quick", "balanced", "thorough"},
    "labcore train --pres": {"--preset"},
    "labcore train --dataset do": {"dogs"},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder in ("runs/20260101-tones", "runs/.draft", "searches/20260102-search", "datasets/dogs"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_what_could_follow_is_offered_and_nothing_heavy_loaded(home: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "LABCORE_HOME": str(home),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
    }
    command = [sys.executable, "-c", ASK, *OFFERED]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [(home / f"answer{number}").read_text() for number in range(len(OFFERED))]
    assert [{word.strip() for word in answer.splitlines()} for answer in answers] == [*OFFERED.values()]


def test_every_kind_of_job_that_an_argument_names_has_its_room() -> None:
    assert {"runs", "searches", "reports", "experiments"} <= set(TABLE)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell(labcore: Labcore, shell: str) -> None:
    told = labcore("completion", shell)
    assert told.status == 0
    assert "_ARGCOMPLETE" in told.out
    assert "labcore" in told.out
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n", "-c", told.out], check=True)
