"""Energy a clip, by the counter of the card."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from labcore.nvml import sample_of

BLOCK_SECONDS = 0.01


def energy_per_clip(
    device: torch.device,
    batch_size: int,
    seconds_of: Callable[[int], float],
    call_seconds: float,
    seconds: float,
) -> float | None:
    """Joules of the whole card for each clip while it works without a pause; None where the card does not count.

    The counter moves in steps of up to a tenth of a second, so the time runs from one step to another.

    Args:
        seconds_of: works off so many calls and waits for the device, as :meth:`Stepper.seconds` does.
        call_seconds: how long a call takes.
        seconds: how long at least; given up after three times as long.
    """
    start = _joules(device)
    if start is None or seconds <= 0:
        return None
    calls = max(1, int(BLOCK_SECONDS / max(call_seconds, 1e-7)))
    give_up = time.perf_counter() + 3 * seconds + 0.5
    first: float | None = None
    first_at, done, last = 0.0, 0, start
    while time.perf_counter() < give_up:
        seconds_of(calls)
        done += calls
        now = _joules(device)
        if now is None:
            return None
        if now == last:
            continue
        last = now
        if first is None:
            first, first_at, done = now, time.perf_counter(), 0
        elif time.perf_counter() - first_at >= seconds:
            return (now - first) / (done * batch_size)
    return None


def _joules(device: torch.device) -> float | None:
    sample = sample_of(device)
    return None if sample is None else sample.energy_j
