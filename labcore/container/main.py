"""The entry point of the image: understands what is asked for, and becomes the process 1 that looks after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from labcore.container.commands import understand
from labcore.container.first import STOP_SECONDS, First
from labcore.container.keeper import resumes
from labcore.errors import ConfigError, LabError
from labcore.workspace import Workspace


def main(words: Sequence[str]) -> int:
    """Start what the words ask for and stay with it to its end; returns the exit status."""
    try:
        workspace = Workspace.default()
        command = understand(words, workspace)
        seconds = stop_seconds(os.environ.get("LABCORE_STOP_SECONDS", ""))
    except LabError as error:
        print("lab: " + " ".join(str(error).split()), file=sys.stderr, flush=True)
        return 2
    keeper = [sys.executable, "-m", "labcore.container.keeper"] if command.is_app else None
    return First(command, workspace, keeper=keeper, seconds=seconds, marks=command.is_app and resumes()).run()


def stop_seconds(text: str) -> float:
    """How long a stop may take, as ``LABCORE_STOP_SECONDS`` gives it.

    Raises:
        ConfigError: no number, or one out of bounds.
    """
    if not text.strip():
        return STOP_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds <= 3600:
        raise ConfigError(
            f"LABCORE_STOP_SECONDS={text} is not a number of seconds from 1 to 3600",
            "Give it less than what Docker waits",
        )
    return seconds
