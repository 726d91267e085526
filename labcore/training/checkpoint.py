"""Checkpoints: everything a run needs to go on from the end of an epoch as if it had never stopped.

The one before the last is kept until the run ends, for the case that the last one is damaged.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from labcore.errors import RunError
from labcore.events import Epoch
from labcore.models.safetensors_file import finite
from labcore.models.torch_file import read_torch_file
from labcore.runs import Run
from labcore.training.precision import Precision
from labcore.workspace import write_atomically

PREVIOUS, DAMAGED = "previous.pt", "damaged.pt"
PARTS = ("average", "optimiser", "schedule", "scaler")
"""What else a checkpoint carries the state of; there may be none of it."""


def save_checkpoint(run: Run, state: dict[str, Any]) -> None:
    """Write ``checkpoints/last.pt``: temporary file, fsync, rename. The one before it becomes ``previous.pt``.

    Raises:
        WorkspaceError: the disk is full or the run's directory is gone; the checkpoint before stays.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    previous = run.checkpoint.with_name(PREVIOUS)
    with contextlib.suppress(OSError):  # there is none yet, or the disk knows no second names
        link = previous.with_name(f".{PREVIOUS}.tmp")
        link.unlink(missing_ok=True)
        os.link(run.checkpoint, link)
        link.replace(previous)
    write_atomically(run.checkpoint, buffer.getvalue())


def drop_previous(run: Run) -> None:
    """Remove what is of no use once the run has its weights."""
    for name in (PREVIOUS, DAMAGED):
        with contextlib.suppress(OSError):
            run.checkpoint.with_name(name).unlink(missing_ok=True)


def take_up(run: Run) -> tuple[dict[str, Any] | None, str]:
    """The checkpoint to go on from. One that is damaged is set aside, and the one before it counts. For who holds the run's lock.

    Returns:
        Its state, on the CPU, None to start from the beginning; and a sentence for people where something is out of the ordinary, else "".
    """
    try:
        return _read(run.checkpoint) if os.path.lexists(run.checkpoint) else None, ""
    except RunError as error:
        damage = error.what
    previous = run.checkpoint.with_name(PREVIOUS)
    try:
        state = _read(previous)
    except RunError:
        state = None
    with contextlib.suppress(OSError):
        run.checkpoint.replace(run.checkpoint.with_name(DAMAGED))
        if state is not None:
            previous.replace(run.checkpoint)
    if state is None:
        return None, f"{damage}, and there is no other: the run starts again from its first epoch"
    return state, f"{damage}: the run continues from the previous one, of epoch {state['epoch']}"


def _read(path: Path) -> dict[str, Any]:
    """What :func:`save_checkpoint` wrote. Raises RunError where it is damaged. Nothing in it is executed."""
    try:
        state = read_torch_file(path)
        _check(state)
    except pickle.UnpicklingError as error:
        raise RunError("the last checkpoint contains more than a checkpoint, so it is not read") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise RunError(f"the last checkpoint is damaged ({str(error)[:200]})") from error
    except Exception as error:  # whatever it is, it is no checkpoint
        raise RunError(f"the last checkpoint is damaged ({type(error).__name__})") from error
    return dict(state)


def _check(state: Any) -> None:
    """Raise where a state has not the form of one, whatever the error."""
    epoch, network = state["epoch"], state["network"]
    if type(epoch) is not int or epoch < 1 or Epoch(**state["event"]).epoch != epoch:
        raise ValueError("no epoch number")
    if not isinstance(state["fingerprint"], str) or not all(
        isinstance(state[part], (dict, type(None))) for part in PARTS
    ):
        raise TypeError("no states")
    Precision(**state["precision"]).format()
    if not network or not all(isinstance(tensor, Tensor) and finite(tensor) for tensor in network.values()):
        raise ValueError("weights that are not finite")
