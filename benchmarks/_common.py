"""What the training benchmarks share: sessions of the lab's own pipeline, and the machine in a line."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import torch

from labcore.config import RunConfig
from labcore.device import cpu_name
from labcore.events import Event
from labcore.runs import Run
from labcore.training.prepare import prepare
from labcore.training.session import Session
from labcore.workspace import Workspace

T = TypeVar("T")


def parser(what: str, *, settings: bool = False) -> argparse.ArgumentParser:
    """A parser that knows where the clips are, and which ``settings`` are turned: pairs of path and value."""
    made = argparse.ArgumentParser(description=what)
    made.add_argument(
        "--data", default="../shared/data/esc10", help="folder of ESC-10 or ESC-50 (default: %(default)s)"
    )
    made.add_argument("--home", help="workspace to work in (default: a temporary one)")
    if settings:
        made.add_argument(
            "--set",
            nargs="*",
            default=[],
            type=lambda word: word.split("=", 1),
            metavar="PATH=VALUE",
            help="settings to turn, for ablations",
        )
    return made


def workspace(home: str | None) -> Workspace:
    return Workspace(Path(home).absolute() if home else Path(tempfile.mkdtemp(prefix="labcore-benchmark-")))


def machine() -> str:
    return f"{cpu_name()}, torch {torch.__version__}, load average {os.getloadavg()[0]:.1f}"


def outcome(generator: Generator[Event, None, T]) -> T:
    """Run a generator to its end and take what it returns."""
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value


def session(config: RunConfig, home: Workspace) -> Session:
    """Everything before the first step of a run."""
    return outcome(prepare(config, Run.create(home, config), home, lambda: False))
