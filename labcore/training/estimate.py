"""What a run will take, from a few steps of it: the whole time, memory, the largest batch that fits.

The time is that of the whole run as things are, from its start to its end. Where other work is at the processor, it is told too what the
run would take without it.
"""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import torch
from torch import Tensor

from labcore.config import RunConfig
from labcore.config.budget import FIXED_SECONDS, speed_up
from labcore.device import synchronise
from labcore.events import Epoch, Estimate, Event, JobStarted, Preparing
from labcore.inference.resident_clips import free_bytes
from labcore.jobs.process import StopTest
from labcore.load import Load, LoadMeter
from labcore.runs import Run
from labcore.training import few_clips
from labcore.training.checkpoint import save_checkpoint
from labcore.training.estimates import EstimateJob
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer
from labcore.training.watching import evaluations
from labcore.workspace import Workspace

WARM_STEPS, FEWEST_STEPS, LEAST_SECONDS, MOST_SECONDS = 2, 10, 1.5, 4.0
"""Steps are timed until there are enough of them that took long enough together, which short steps alone tell little; or for longest."""
ALONE_STEPS = 3
IN_THE_WORKS = 1.3
"""Memory of a step on a CPU as a multiple of what it keeps for the backward pass: gradients and scratch come on top."""
USABLE = 0.9
"""The share of the free memory that a batch may take."""


def work(job: EstimateJob, should_stop: StopTest, began: float | None = None) -> Generator[Event, None, None]:
    """The work of an estimate. One that goes on begins anew.

    Args:
        began: when what the run will do as well began, in seconds since 1970: the start of the job by default. torch is loaded meanwhile.
    """
    if began is None:
        started = job.last_event(JobStarted)
        began = started.time if started else time.time()
    yield (yield from measure(job.config, job.workspace, should_stop, max(0.0, time.time() - began)))


def measure(
    config: RunConfig, workspace: Workspace, should_stop: StopTest = lambda: False, loading: float = 0.0
) -> Generator[Event, None, Estimate]:
    """Prepare a run, take some steps, and throw them away. What is prepared is kept for the run itself: clip store, precision.

    Measures the memory of the process it is called in, so it is best called in one of its own.

    Args:
        loading: seconds that this process took until here, which the run's will take too.

    Yields what happens meanwhile; returns the estimate.

    Raises:
        LabError: what the run itself would fail on.
        Stopped: it was asked to stop.
    """
    folder = Path(mkdtemp(prefix="estimate-", dir=workspace.cache))
    try:
        run, begun = Run(folder), time.perf_counter()
        session = yield from prepare(config, run, workspace, should_stop)
        trainer = Trainer(session)
        before = loading + time.perf_counter() - begun - session.once_seconds
        yield Preparing(what="taking a few steps", done=0, total=FEWEST_STEPS, unit="steps")
        return _probe(trainer, run, before)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Steps:
    """Seconds of a step, and of what the first takes longer; ``timed`` steps were. ``load``: meanwhile."""

    seconds: float
    first: float
    timed: int
    load: Load | None


def _probe(trainer: Trainer, run: Run, before: float) -> Estimate:
    device, session = trainer.device, trainer.session
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what the timing of precisions has left
        torch.cuda.reset_peak_memory_stats(device)
    steps = _some_steps(trainer)
    with trainer.as_saved():
        watch = session.watched.seconds_of_all(session.precision.run)
    saving = _seconds_to_save(trainer, run)
    after = _seconds_after(trainer) + saving
    peak = _peak_bytes(device)
    epochs = trainer.config.epochs
    watching = watch * evaluations(trainer.every, epochs) / epochs
    per_epoch = trainer.steps * steps.seconds + watching + saving
    idle = steps.seconds if steps.load is None or steps.load.idle else _idle_step(trainer, steps.seconds, steps.load)
    total = before + steps.first + epochs * per_epoch + after
    share = idle / steps.seconds
    waits = 1.0 if steps.load is None else max(share, 1.0 - steps.load.taken / steps.load.cores)
    around = max(waits * (before + steps.first), min(before + steps.first, FIXED_SECONDS))  # mostly imports and files
    free, per_clip = free_bytes(device), _bytes_a_clip(trainer)
    in_use = per_clip * trainer.micro_batch
    largest = int((USABLE * free + in_use) // per_clip) if per_clip else None
    return Estimate(
        seconds_per_epoch=per_epoch,
        seconds_total=total,
        epochs=epochs,
        batch_size=trainer.batch,
        micro_batch=trainer.micro_batch,
        peak_bytes=peak,
        memory_bytes=peak + free,
        largest_batch=None if largest is None else max(1, largest),
        steps_timed=steps.timed,
        clips=len(session.train_rows),
        seconds_before=before + steps.first,
        seconds_after=after,
        seconds_once=session.once_seconds,
        seconds_idle=None if share == 1.0 else around + share * (epochs * per_epoch + after),
        others=None if steps.load is None else steps.load.taken,
        cores=0 if steps.load is None else steps.load.cores,
        device=session.device.name,
        clip_seconds=trainer.config.audio.clip_seconds or 0.0,
        step_seconds=idle,
        watch_seconds=share * watch,
        watched=session.watched_windows,
    )


def _some_steps(trainer: Trainer) -> _Steps:
    seconds: list[float] = []
    steps, meter, began = trainer.steps_of_epoch(), LoadMeter(), time.perf_counter()
    taken = 0.0
    while taken < LEAST_SECONDS or len(seconds) < WARM_STEPS + FEWEST_STEPS:
        start = time.perf_counter()
        trainer.step(len(seconds) % steps)
        synchronise(trainer.device)
        end = time.perf_counter()
        seconds.append(end - start)
        taken = end - began
        if len(seconds) > WARM_STEPS + 1 and taken > MOST_SECONDS:
            break
    timed = seconds[WARM_STEPS:]
    usual = median(timed)
    return _Steps(usual, max(0.0, seconds[0] - usual), len(timed), meter.load())


def _idle_step(trainer: Trainer, seconds: float, load: Load) -> float:
    """What a step would take were there no other work.

    Threads of torch that wait for each other burn processor time, so that the time of several tells nothing on a busy machine. One
    thread alone waits for nobody: its own time is the same whatever else runs, and :func:`speed_up` says what more threads bring.
    """
    threads = torch.get_num_threads()
    if trainer.device.type != "cpu":
        return seconds
    if trainer.session.precision.compiled:  # its code is for so many threads
        return seconds * max(0.1, 1.0 - load.taken / load.cores)
    alone: list[float] = []
    torch.set_num_threads(1)
    try:
        for step in range(ALONE_STEPS):
            start = time.thread_time()
            trainer.step(step % trainer.steps)
            alone.append(time.thread_time() - start)
    finally:
        torch.set_num_threads(threads)
    return min(seconds, min(alone) / speed_up(threads))


def _seconds_after(trainer: Trainer) -> float:
    """What comes after the last epoch: the help for few clips, where there is some, and the evaluation."""
    session, start = trainer.session, time.perf_counter()
    session.classifier.network = trainer.result()
    few_clips.help_out(session)
    return time.perf_counter() - start + session.held_out.seconds_of_all()


def _seconds_to_save(trainer: Trainer, run: Run) -> float:
    """What the checkpoint of an epoch takes."""
    epoch = Epoch(
        epoch=trainer.epoch, epochs=trainer.config.epochs, train_loss=0.0, train_accuracy=None, val_loss=0.0, val_accuracy=None,
        lr=0.0, clips_per_second=0.0, seconds=0.0, seconds_left=0.0, averaged=False,
    )  # fmt: skip
    run.checkpoint.parent.mkdir(exist_ok=True)
    start = time.perf_counter()
    save_checkpoint(run, trainer.state(epoch))
    return time.perf_counter() - start


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
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
