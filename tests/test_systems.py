"""Systems that the lab does not run on say so in one line, where a traceback would tell nothing."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import labcore

ROOT = Path(__file__).parents[1]


def test_windows_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match=r"^labcore: Windows by itself is not supported.*WSL 2"):
        runpy.run_path(labcore.__file__)


def test_make_refuses_windows_too() -> None:
    command = ["make", "--no-print-directory", "OS=Windows_NT", "help"]  # it may run within `make test`
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Windows by itself is not supported" in done.stderr
