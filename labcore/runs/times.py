"""About how long a run will take, before it starts: from the speed of runs that this machine has trained, else of a few steps, else from
the usual one.

Told as about: what augmentation costs, and what other work the machine will have, is not known beforehand. An estimate measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Literal

from labcore.config import RunConfig
from labcore.config.budget import (
    FIXED_SECONDS,
    USUAL_SECONDS,
    WATCH_COSTS,
    WIDTH_COSTS,
    EpochPlan,
    speed_up,
    trained_clips,
    usual_seconds_per_clip,
    work_of,
)
from labcore.device import arithmetic, usable_cores
from labcore.errors import RunError
from labcore.events import Estimate, TrainingStarted, epochs_of, last_of
from labcore.load import Load
from labcore.runs import Run

USUAL_NETWORK = "compact"
MOST_RUNS = 30
"""So many of the newest runs are looked at."""
TELLING_STEPS = 100
"""An epoch of so many steps tells how fast a run is even if it is the first, which warms up."""


@dataclass(frozen=True)
class TrainingSpeed:
    """How fast this machine trained before.

    ``work`` is what the network was given of a clip, in cells of the spectrogram; ``clip_seconds`` the length of that. ``watched_seconds``:
    of an evaluation, for each window. ``busy``: other work was at the processor meanwhile, so that it may be faster than this.
    ``trained``: False of a few steps of the default network (:mod:`labcore.training.machine_speed`), for where nothing has trained.
    """

    network: str
    width: float
    dataset: str
    device: str
    work: float
    clip_seconds: float
    seconds_per_clip: float
    watched_seconds: float
    busy: bool = False
    trained: bool = True


@dataclass(frozen=True)
class RunTime:
    """From ``runs`` of this machine, from a few ``steps`` on it, or as ``usual`` for a processor like this.

    ``busy``: the runs had other work beside them, and ``idle`` is what is usual without, in seconds, where that is known and less.
    """

    seconds: float
    source: Literal["runs", "steps", "usual"]
    busy: bool = False
    idle: float | None = None

    @property
    def measured(self) -> bool:
        return self.source != "usual"


def speed_of(run: Run) -> TrainingSpeed | None:
    """How fast a run trained; None where it tells nothing.

    The first epoch, which warms up, counts only where it is long and there is no other. Of epochs beside other work the fastest counts.
    """
    try:
        config, events = run.config, run.events()
    except RunError:
        return None
    started, length = last_of(events, TrainingStarted), config.audio.clip_seconds
    told = [epoch for epoch in epochs_of(events) if epoch.evaluated]
    epochs = [epoch for epoch in told if epoch.seconds > 0 and epoch.clips_per_second > 0]
    if not epochs or started is None or started.train_clips <= 0 or not length:
        return None
    if len(epochs) == 1 and started.train_clips < TELLING_STEPS * config.optim.batch_size:
        return None
    epochs = epochs[1:] or epochs
    alone = [epoch for epoch in epochs if epoch.others is not None and _idle(epoch.others)]
    typical = median(epoch.seconds for epoch in alone) if alone else min(epoch.seconds for epoch in epochs)
    usual = min(epochs, key=lambda epoch: abs(epoch.seconds - typical))
    training = trained_clips(started.train_clips, config.optim.batch_size) / usual.clips_per_second
    watched = started.watched_windows or started.validation_clips or started.val_clips
    return _speed(
        config, length, str(run.load("environment", {}).get("device_name", "")), 1.0 / usual.clips_per_second,
        max(0.0, usual.seconds - training) / max(1, watched), busy=not alone and any(epoch.others for epoch in epochs),
    )  # fmt: skip


def speed_of_estimate(config: RunConfig, told: Estimate) -> TrainingSpeed | None:
    """How fast the steps of an estimate were, without the other work that was seen; None of estimates of older versions."""
    if not told.clip_seconds or told.step_seconds <= 0:
        return None
    watched = told.watch_seconds / max(1, told.watched)
    return _speed(config, told.clip_seconds, told.device, told.step_seconds / told.batch_size, watched)


def estimate(
    config: RunConfig,
    plan: EpochPlan,
    known: list[TrainingSpeed],
    device: str | None = None,
    *,
    watched: float = 0,
    cpu: bool = True,
) -> RunTime | None:
    """About how long a run takes whose clips are decoded, from its start to its end; None where nothing tells.

    Args:
        plan: how many epochs of how many clips.
        known: speeds of earlier runs and estimates, newest first.
        device: what it will train on, by its name; None: that is not known yet. Speeds of others do not count.
        watched: windows that an epoch is evaluated on, in the mean of all epochs.
        cpu: whether that is a CPU, of which the usual speed tells.
    """
    here = [speed for speed in known if speed.network == config.model.name and device in (None, "", speed.device)]
    same = [speed for speed in here if speed.trained]
    # one that nothing disturbed first, and of these one of the same data set, the newest; else the one that was disturbed least
    same.sort(
        key=lambda speed: (speed.busy, _seconds_of_work(speed) if speed.busy else speed.dataset != config.data.dataset)
    )
    length = config.audio.clip_seconds or next(
        (speed.clip_seconds for speed in same if speed.dataset == config.data.dataset), USUAL_SECONDS
    )
    trained = plan.epochs * trained_clips(plan.clips, config.optim.batch_size)
    evaluated = plan.epochs * watched
    untrained = _untrained(config, length, here, trained + WATCH_COSTS * evaluated) if cpu else None
    if not same:
        return untrained
    each = _ratio(config, length, same[0])
    seconds = FIXED_SECONDS + each * (trained * same[0].seconds_per_clip + evaluated * same[0].watched_seconds)
    less = untrained is not None and same[0].busy and untrained.seconds < seconds
    return RunTime(seconds, "runs", busy=same[0].busy, idle=untrained.seconds if untrained and less else None)


def _untrained(config: RunConfig, length: float, here: list[TrainingSpeed], clips: float) -> RunTime | None:
    """What is told of training on so many clips with the default network where nothing has trained: by steps, else as usual."""
    if config.model.name != USUAL_NETWORK:
        return None
    cores = config.runtime.threads or usable_cores()
    steps = next((speed for speed in here if not speed.trained), None)
    if steps is None:
        return RunTime(FIXED_SECONDS + clips * usual_seconds_per_clip(config, length, cores, arithmetic()), "usual")
    one = _ratio(config, length, steps) * steps.seconds_per_clip * speed_up(usable_cores()) / speed_up(cores)
    return RunTime(FIXED_SECONDS + clips * one, "steps")


def _ratio(config: RunConfig, length: float, speed: TrainingSpeed) -> float:
    """How much more work a clip of a configuration is than one of that speed."""
    ratio = work_of(config, length) / speed.work
    return ratio * (config.model.width / speed.width) ** WIDTH_COSTS if config.model.name == USUAL_NETWORK else ratio


def _seconds_of_work(speed: TrainingSpeed) -> float:
    """What a cell of the spectrogram takes, on a network of the usual width."""
    return speed.seconds_per_clip / speed.work / (speed.width**WIDTH_COSTS if speed.network == USUAL_NETWORK else 1.0)


def _speed(
    config: RunConfig, length: float, device: str, seconds: float, watched: float, *, busy: bool = False
) -> TrainingSpeed:
    model = config.model
    return TrainingSpeed(
        model.name, model.width, config.data.dataset, device, work_of(config, length), length, seconds, watched, busy
    )


def _idle(others: float) -> bool:
    return Load(usable_cores(), others).idle
