"""What a run will take, from a few steps of it: seconds an epoch, memory, the largest batch that fits."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Generator
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import torch
from torch import Tensor

from labcore.config import RunConfig
from labcore.device import synchronise
from labcore.events import Estimate, Event, Preparing
from labcore.inference.resident_clips import free_bytes
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.training.estimates import EstimateJob
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer
from labcore.workspace import Workspace

WARM_STEPS, MOST_STEPS, MOST_SECONDS = 2, 10, 4.0
IN_THE_WORKS = 1.3
"""Memory of a step on a CPU as a multiple of what it keeps for the backward pass: gradients and scratch come on top."""
USABLE = 0.9
"""The share of the free memory that a batch may take."""


def work(job: EstimateJob, should_stop: StopTest) -> Generator[Event, None, None]:
    """The work of an estimate. One that goes on begins anew."""
    yield (yield from measure(job.config, job.workspace, should_stop))


def measure(
    config: RunConfig, workspace: Workspace, should_stop: StopTest = lambda: False
) -> Generator[Event, None, Estimate]:
    """Prepare a run, take some steps, and throw them away. What is prepared is kept for the run itself: clip store, precision.

    Measures the memory of the process it is called in, so it is best called in one of its own.

    Yields what happens meanwhile; returns the estimate.

    Raises:
        LabError: what the run itself would fail on.
        Stopped: it was asked to stop.
    """
    folder = Path(mkdtemp(prefix="estimate-", dir=workspace.cache))
    try:
        session = yield from prepare(config, Run(folder), workspace, should_stop)
        yield Preparing(what="taking a few steps", done=0, total=MOST_STEPS, unit="steps")
        return _probe(Trainer(session))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _probe(trainer: Trainer) -> Estimate:
    device = trainer.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    steps = trainer.steps_of_epoch()
    seconds: list[float] = []
    began = time.perf_counter()
    for step in range(WARM_STEPS + MOST_STEPS):
        start = time.perf_counter()
        trainer.step(step % steps)
        synchronise(device)
        seconds.append(time.perf_counter() - start)
        if step > WARM_STEPS and time.perf_counter() - began > MOST_SECONDS:
            break
    timed = seconds[WARM_STEPS:]
    start = time.perf_counter()
    trainer.validate()
    validation = time.perf_counter() - start
    peak = _peak_bytes(device)
    per_epoch = steps * median(timed) + validation
    free, per_clip = free_bytes(device), _bytes_a_clip(trainer)
    in_use = per_clip * trainer.micro_batch
    largest = int((USABLE * free + in_use) // per_clip) if per_clip else None
    return Estimate(
        seconds_per_epoch=per_epoch,
        seconds_total=per_epoch * trainer.config.epochs,
        epochs=trainer.config.epochs,
        batch_size=trainer.batch,
        micro_batch=trainer.micro_batch,
        peak_bytes=peak,
        memory_bytes=peak + free,
        largest_batch=None if largest is None else max(1, largest),
        steps_timed=len(timed),
        clips=len(trainer.session.train_rows),
    )


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    import psutil

    try:
        import resource
    except ImportError:  # not on Windows
        return int(psutil.Process().memory_info().rss)
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


def _bytes_a_clip(trainer: Trainer) -> int:
    """Memory of the device that one more clip in a step takes."""
    clips = min(trainer.micro_batch, 8)
    n_mels, frames = trainer.config.features.n_mels, trainer.session.pipeline.frames
    images = torch.randn(clips, 1, n_mels, frames, device=trainer.device)
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {weight.untyped_storage().data_ptr() for weight in trainer.network.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        trainer.session.precision.run(trainer.network, images)
    total = sum(size for place, size in kept.items() if place not in own)
    return int(IN_THE_WORKS * total / clips)
