"""Checkpoints: everything a run needs to go on from the end of an epoch as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch

from labcore.errors import RunError
from labcore.runs import Run
from labcore.workspace import write_atomically


def save_checkpoint(run: Run, state: dict[str, Any]) -> None:
    """Write ``checkpoints/last.pt``: temporary file, fsync, rename.

    Raises:
        WorkspaceError: the disk is full or the run's directory is gone; the checkpoint before stays.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(run.checkpoint, buffer.getvalue())


def load_checkpoint(run: Run) -> dict[str, Any] | None:
    """What :func:`save_checkpoint` wrote, on the CPU; None where nothing was written yet.

    Raises:
        RunError: the file is there and cannot be read. Nothing in it is executed.
    """
    if not run.checkpoint.is_file():
        return None
    try:
        return torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise RunError(
            f"the checkpoint of run {run.id} cannot be read: {str(error).splitlines()[0]}",
            "Delete checkpoints/last.pt to start the run from its first epoch",
        ) from error
