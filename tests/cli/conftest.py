from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labcore.cli.main import main
from labcore.workspace import Workspace

TINY = (
    "--audio.sample_rate", "8000", "--audio.clip_seconds", "0.2", "--features.n_fft", "256", "--features.win_length", "256",
    "--features.hop_length", "128", "--features.n_mels", "16", "--model", "compact", "--model.width", "0.25",
    "--batch-size", "8", "--lr", "0.01", "--precision", "fp32",
    "--runtime.memory_format", "contiguous", "--runtime.threads", "1", "--device", "cpu",
)  # fmt: skip
"""A training of a fraction of a second. What comes out tells nothing apart: its network is as small as they get."""


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that follows others looks for what is new every fiftieth of a second."""
    for place in ("jobs.FOLLOW_SECONDS", "crossval.LOOK_SECONDS"):
        monkeypatch.setattr(f"labcore.cli.{place}", 0.02)


@dataclass
class Outcome:
    """What a command line left: exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """The lines of stdout, each of which has to be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace, in force for this test."""
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    return Workspace.default()


@pytest.fixture
def ada(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who types the commands."""
    monkeypatch.setenv("LABCORE_USER", "Ada")


@pytest.fixture
def labcore(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a command line in this process."""

    def run(*words: object) -> Outcome:
        capfd.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 1
        out, err = capfd.readouterr()
        return Outcome(status, out, err)

    return run


@pytest.fixture
def start(workspace: Workspace) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command line as a process of its own, in a session of its own."""

    def begin(*words: object, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "labcore", *map(str, words)],
            **{
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                "env": os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
                "start_new_session": True,
            }
            | options,
        )

    return begin


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    return TINY


@pytest.fixture(scope="session")
def trained_home(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one finished run on the tones. Not to be changed."""
    home = tmp_path_factory.mktemp("trained")
    before = os.environ.get("LABCORE_HOME")
    os.environ["LABCORE_HOME"] = str(home)
    try:
        assert main(["train", "--dataset", str(tones), "--epochs", "4", *TINY]) == 0
    finally:
        if before is None:
            del os.environ["LABCORE_HOME"]
        else:
            os.environ["LABCORE_HOME"] = before
    return home


@pytest.fixture
def trained(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LABCORE_HOME", str(trained_home))
    return Workspace.default()
