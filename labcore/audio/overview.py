"""A long recording at a glance: the lowest and highest sample of each block, and its facts, in one pass over the file.

Decoding is most of the work, and it runs outside of Python's lock: several threads each open the file, seek to a stretch
of it and go through that in small chunks, so memory stays the same however long the file is.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from labcore.audio.blocks import can_seek
from labcore.audio.facts import Facts, Tally, full_scale
from labcore.audio.files import (
    PEAK,
    OpenFile,
    Source,
    called_by,
    check_length,
    check_values,
    info_of,
    opened,
    reading,
    stretch_of,
)
from labcore.audio.foreign import ForeignFile
from labcore.audio.limits import Limits, default_limits
from labcore.audio.loudness import BLOCK, CHUNK, LOWEST_RATE, KWeighting, integrated, step_samples
from labcore.device import usable_cores

BLOCKS = 2000  # of an overview at most; a recording of fewer samples has one a sample
ALONE = 1 << 22  # values (frames × channels) below which one thread does it
STRETCHES = 4  # of each thread, so that none waits long for the last
MOST_THREADS = 8
MOST_CHANNELS = 64  # of all threads together; each takes 1.5 MB for one


@dataclass(frozen=True)
class Overview:
    """The envelope of each channel. The last block may be shorter than the others."""

    low: np.ndarray  # float32 (channels, blocks)
    high: np.ndarray
    block_seconds: float
    seconds: float


@dataclass(frozen=True)
class _Plan:
    called: str
    rate: int
    channels: int
    block: int  # frames in a block of the overview
    step: int  # frames in a step of the loudness; 0 for none
    full: float
    low: np.ndarray
    high: np.ndarray
    stop: threading.Event


@dataclass(frozen=True)
class _Stretch:
    tally: Tally
    first_step: int
    energies: np.ndarray  # float64 (channels, steps), the first and last perhaps in part


def overview(
    source: Source,
    *,
    name: str = "",
    limits: Limits | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[Facts, Overview]:
    """Read a whole recording once, in bounded memory.

    Args:
        source: a path, or the file's content.
        name: how errors call it, where the path does not say.
        limits: what is accepted; :func:`labcore.audio.default_limits` where they are not given.
        progress: called in this thread with the share that is done; what it raises ends the reading.

    Raises:
        AudioError: as :func:`labcore.audio.decode` does.
    """
    called, limits = called_by(source, name), limits or default_limits()
    with ExitStack() as stack:
        file = stack.enter_context(opened(source, called, limits))
        info = info_of(file)
        _, frames = stretch_of(file, called, 0.0, None, limits)
        block = -(-frames // BLOCKS)
        alone = isinstance(file, ForeignFile) or frames * info.channels < ALONE or not can_seek(file)
        shape = (info.channels, -(-frames // block))
        low, high = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
        step = step_samples(info.sample_rate) if info.sample_rate >= LOWEST_RATE else 0
        stop = threading.Event()
        plan = _Plan(called, info.sample_rate, info.channels, block, step, full_scale(info), low, high, stop)
        threads = 1 if alone else min(MOST_THREADS, usable_cores(), max(1, MOST_CHANNELS // info.channels))
        files = [file, *(stack.enter_context(opened(source, called, limits)) for _ in range(threads - 1))]
        stretches = _read_all(files, plan, _bounds(frames, block, 1 if alone else threads * STRETCHES), progress)
        tally = Tally(info.channels, plan.full)
        for stretch in stretches:
            tally.then(stretch.tally)
        check_length(file, called, frames, tally.powers.frames)
    read = tally.powers.frames
    info = replace(info, frames=read, seconds=read / info.sample_rate)
    loudness = integrated(_energies(stretches, read // step, info.channels), step) if step else None
    there = -(-read // block)
    outline = Overview(low[:, :there], high[:, :there], block / info.sample_rate, info.seconds)
    return tally.facts(info, loudness), outline


def _bounds(frames: int, block: int, count: int) -> list[tuple[int, int]]:
    """Stretches of about the same length that begin where a block of the overview and one of the weighting do."""
    grain = math.lcm(block, BLOCK)
    grains = -(-frames // grain)
    edges = sorted({grains * number // count * grain for number in range(count)} | {frames})
    return list(pairwise(edges))


def _read_all(
    files: list[OpenFile], plan: _Plan, bounds: list[tuple[int, int]], progress: Callable[[float], None]
) -> list[_Stretch]:
    """Each stretch by whichever thread is free; its files go round."""
    free: SimpleQueue[OpenFile] = SimpleQueue()
    for file in files:
        free.put(file)

    def read(start: int, end: int) -> _Stretch:
        file = free.get()
        try:
            return _read(file, start, end, plan)
        finally:
            free.put(file)

    with ThreadPoolExecutor(len(files), thread_name_prefix="overview") as pool:
        futures: list[Future[_Stretch]] = [pool.submit(read, start, end) for start, end in bounds]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                progress(done / len(futures))
        except BaseException:
            plan.stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _read(file: OpenFile, start: int, end: int, plan: _Plan) -> _Stretch:
    tally = Tally(plan.channels, plan.full)
    first_step = start // plan.step if plan.step else 0
    energies = np.zeros((plan.channels, -(-end // plan.step) - first_step if plan.step else 0))
    weighting = KWeighting(plan.rate, plan.channels) if plan.step else None
    interleaved = np.empty((CHUNK, plan.channels), dtype=np.float32)
    planes = np.zeros((plan.channels, CHUNK), dtype=np.float32)
    with reading(plan.called):
        # The weighting listens a while before the stretch begins, so that it remembers what it would have heard.
        before = min(start, CHUNK) if weighting else 0
        if start:
            file.seek(start - before)
        if before and weighting:
            earlier = file.read(before, dtype="float32", always_2d=True, out=interleaved[:before])
            check_values(earlier, plan.called)
            planes[:, CHUNK - len(earlier) :] = earlier.T
            weighting(planes)
        at = start
        while at < end and not plan.stop.is_set():
            wanted = min(CHUNK, end - at)
            block = file.read(wanted, dtype="float32", always_2d=True, out=interleaved[:wanted])
            count = len(block)
            if not count:
                break
            np.copyto(planes[:, :count], block.T)
            part = planes[:, :count]
            peaks = _envelope(part, at, plan)
            tally.add(part, at, peaks)
            if weighting:
                planes[:, count:] = 0
                _gather(energies, weighting(planes)[:, : -(-count // BLOCK)], at, count, plan.step, first_step)
            at += count
            if count < wanted:
                break
    return _Stretch(tally, first_step, energies)


def _edges(at: int, count: int, grid: int) -> np.ndarray:
    """Where cells of a grid over the file begin in a chunk that starts at a frame; the first is 0 whatever the grid."""
    first = grid - at % grid
    return np.concatenate([[0], np.arange(first, count, grid)]) if first < count else np.zeros(1, dtype=np.int64)


def _envelope(part: np.ndarray, at: int, plan: _Plan) -> np.ndarray:
    """Put a chunk into the overview; returns the peaks of its channels."""
    edges = _edges(at, part.shape[1], plan.block)
    lows = np.minimum.reduceat(part, edges, axis=1)
    highs = np.maximum.reduceat(part, edges, axis=1)
    peaks = np.maximum(highs.max(axis=1), -lows.min(axis=1))
    if not (peaks <= PEAK).all():  # not a number is not
        check_values(part, plan.called)
    cells = slice(at // plan.block, at // plan.block + len(edges))
    np.minimum(plan.low[:, cells], lows, out=plan.low[:, cells])
    np.maximum(plan.high[:, cells], highs, out=plan.high[:, cells])
    return peaks


def _gather(energies: np.ndarray, weighted: np.ndarray, at: int, count: int, step: int, first_step: int) -> None:
    """Add the squares of a weighted chunk (channels, blocks, BLOCK), of which ``count`` samples are the recording's, to the steps that its
    blocks lie in: of a block that lies in two, to each by its share of the samples."""
    channels, blocks = weighted.shape[:2]
    sums = np.zeros((channels, blocks + 1))
    np.cumsum(np.einsum("ijk,ijk->ij", weighted, weighted), axis=1, out=sums[:, 1:])
    edges = np.append(_edges(at, count, step) / BLOCK, blocks)
    reached = np.stack([np.interp(edges, np.arange(blocks + 1), of_channel) for of_channel in sums])
    first = at // step - first_step
    energies[:, first : first + len(edges) - 1] += np.diff(reached, axis=1)


def _energies(stretches: list[_Stretch], steps: int, channels: int) -> np.ndarray:
    """Of the whole steps of a recording: float64 (channels, steps)."""
    last = max(stretch.first_step + stretch.energies.shape[1] for stretch in stretches)
    energies = np.zeros((channels, max(last, steps)))
    for stretch in stretches:
        energies[:, stretch.first_step : stretch.first_step + stretch.energies.shape[1]] += stretch.energies
    return energies[:, :steps]
