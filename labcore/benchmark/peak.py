"""The fastest matrix product of a device: the measure for how much of it a network uses."""

from __future__ import annotations

import time

import torch

from labcore.benchmark.events import PeakMeasured
from labcore.device import allow_tf32, is_out_of_memory, synchronise, usable_cores
from labcore.training.precision import DTYPES

SIZES = (512, 1024, 2048, 4096, 8192, 16384)
ENOUGH = 1024
LEAST = 4
MOST = 30


def measure_peak(device_name: str, precision: str, seconds: float) -> PeakMeasured | None:
    """Multiply larger and larger square matrices until a few of the next size would take longer, and keep the best of all products.

    The best, not the median: a peak is what the device can do at all, and other work may only lower it. On the CPU all usable
    cores work. Takes about ``seconds``, and up to as long again for the largest size, or for a few products of a middling one; beside
    these what the libraries take to start.

    Returns:
        None where the device cannot multiply in that precision.
    """
    device, dtype = torch.device(device_name), DTYPES["fp32" if precision == "tf32" else precision]
    cores = usable_cores()
    if device.type == "cuda":
        allow_tf32(precision == "tf32")
    elif torch.get_num_threads() != cores:
        torch.set_num_threads(cores)
    best, best_size = 0.0, 0
    for size in SIZES:
        try:
            taken = _product_seconds(size, device, dtype, seconds / len(SIZES))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) and not best:
                return None
            break
        if 2.0 * size**3 / taken > best:
            best, best_size = 2.0 * size**3 / taken, size
        # the next size has eight times the work; the smaller ones never fill a device and prove nothing
        if size >= ENOUGH and LEAST * 8 * taken > seconds:
            break
    return PeakMeasured(
        device=device_name,
        precision=precision,
        threads=cores if device.type == "cpu" else None,
        flops_per_second=best,
        size=best_size,
    )


def _product_seconds(size: int, device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """The shortest time of a product of at least ``LEAST``, after one that does not count: in it libraries are loaded and start."""
    left = torch.randn(size, size, device=device).to(dtype)
    right = torch.randn(size, size, device=device).to(dtype)
    result = left @ right
    synchronise(device)
    calls, shortest, end = 1, float("inf"), time.perf_counter() + seconds
    for number in range(MOST):
        synchronise(device)
        start = time.perf_counter()
        for _ in range(calls):
            torch.mm(left, right, out=result)
        synchronise(device)
        now = time.perf_counter()
        shortest = min(shortest, (now - start) / calls)
        calls = max(1, min(1000, int(0.002 / shortest)))
        if now > end and number + 1 >= LEAST:
            break
    return shortest
