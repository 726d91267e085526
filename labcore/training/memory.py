"""Out of memory: finding out which batch would have fitted."""

from __future__ import annotations

from collections.abc import Callable

import torch

from labcore.device import is_out_of_memory
from labcore.errors import OutOfMemoryError
from labcore.texts import counted


def largest_batch(step: Callable[[int], None], failed: int) -> int | None:
    """The largest batch size that fits, found by halving and then one finer look.

    Args:
        step: does one training step with so many clips; raises when memory runs out.
        failed: a batch size that did not fit.

    Returns:
        None where not even one clip fits.
    """

    def fits(batch: int) -> bool:
        try:
            step(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return False
        finally:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return True

    batch = failed // 2
    while batch >= 1 and not fits(batch):
        batch //= 2
    if batch < 1:
        return None
    finer = batch + batch // 2
    return finer if batch < finer < failed and fits(finer) else batch


def out_of_memory_of_part(part: int, batch: int, device: str) -> OutOfMemoryError:
    """The error where several processes share a batch and one cannot hold its part."""
    what = f"{counted(part, 'clip')} of a batch of {batch} {'does' if part == 1 else 'do'} not fit in the memory of {device}"
    return OutOfMemoryError(what, "Start again with a smaller batch size, or with more processes", None)


def out_of_memory(batch: int, fits: int | None, device: str, whole: int | None = None) -> OutOfMemoryError:
    """The error for people: what did not fit, and what would. ``whole``: the batch that does not fit though parts of it should."""
    if whole is not None:
        what = f"a batch of {counted(whole, 'clip')} does not fit in the memory of {device}, not even with {batch} at a time"
        return OutOfMemoryError(what, "Use a smaller batch size, or shorter clips", None)
    what = f"a batch of {counted(batch, 'clip')} does not fit in the memory of {device}"
    if fits is None:
        return OutOfMemoryError(what, "Not even one clip fits: use a smaller network or shorter clips", None)
    return OutOfMemoryError(what, f"A batch size of {fits} fits: start again with --batch-size {fits}", fits)


def out_of_memory_beside_steps(error: Exception) -> OutOfMemoryError | None:
    """The error for people where memory ran out and there was no batch to be divided; None for any other."""
    if not is_out_of_memory(error):
        return None
    first = str(error).partition("\n")[0][:300].rstrip(". ")
    return OutOfMemoryError(
        f"memory ran out while clips were prepared or evaluated: {first}",
        "End what else uses the GPU, or use fewer or shorter clips, a lower sample rate, or the device cpu",
        None,
    )
