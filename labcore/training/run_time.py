"""What is known of a run before it starts: its clips, its epochs, and about how long it takes. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.config import DataConfig, RunConfig
from labcore.config.budget import EpochPlan, covering, plan_for, trained_clips
from labcore.datasets.bandwidths import with_front_end
from labcore.datasets.in_split import dataset_for
from labcore.datasets.lengths import lengths_of
from labcore.datasets.sampling import sampled
from labcore.datasets.splits import split_for
from labcore.datasets.table import Dataset
from labcore.device import cpu_name, gpu_count
from labcore.runs import Run
from labcore.runs.times import MOST_RUNS, RunTime, TrainingSpeed, estimate, speed_of
from labcore.training import machine_speed
from labcore.training.estimates import speeds_of_estimates
from labcore.training.watching import evaluated_every, evaluations, most_watched, windows_of
from labcore.workspace import Workspace


@dataclass(frozen=True)
class TrainingClips:
    """The clips of a run before it starts.

    Attributes:
        trained: so many are trained on, of those that are sampled.
        watched: so many could be evaluated in each epoch.
        trained_seconds, watched_seconds: lengths of a few of each, in seconds; empty where nothing is known of them.
    """

    trained: int
    watched: int
    trained_seconds: tuple[float, ...] = ()
    watched_seconds: tuple[float, ...] = ()

    def with_length(self, config: RunConfig) -> RunConfig:
        """The configuration with the length of the input that it will have, as far as that is known."""
        if config.audio.clip_seconds is not None or not self.trained_seconds:
            return config
        return config.replace({"audio.clip_seconds": covering(self.trained_seconds, config.f_max)})


@dataclass(frozen=True)
class Planned:
    """What a run will do. ``windows`` are those of an evaluation."""

    config: RunConfig
    epochs: EpochPlan
    windows: int


def clips_of(dataset: Dataset, data: DataConfig) -> TrainingClips:
    """The clips of a run on a data set.

    Raises:
        DatasetError: it cannot be split so.
    """
    dataset = sampled(dataset, data.model_copy(update={"train_clips": None}))
    parts = split_for(dataset, data)
    watched = parts.validation if len(parts.validation) else parts.held_out
    return TrainingClips(
        len(parts.train), len(watched), *(tuple(lengths_of(dataset, rows).tolist()) for rows in (parts.train, watched))
    )


def plan_of(config: RunConfig, clips: TrainingClips) -> Planned:
    """What a run on these clips will do."""
    config = clips.with_length(config)
    epochs, length = plan_for(config, clips.trained), config.audio.clip_seconds or 0.0
    lengths = np.array(clips.watched_seconds)
    watched = min(float(clips.watched), most_watched(epochs.clips, lengths, length)) if length else clips.watched
    each = windows_of(lengths, length).mean() if length and len(lengths) else 1.0
    return Planned(config, epochs, round(watched * each))


def planned(workspace: Workspace, config: RunConfig, *, all_folds: bool = False) -> Planned:
    """What a run will do; ``all_folds``: one of a cross-validation.

    Raises:
        DatasetError: there is no data set, or none that can be split so.
    """
    dataset = dataset_for(workspace, config.cutting)
    fitted, _ = with_front_end(workspace, config, dataset, all_folds=all_folds)
    return plan_of(fitted, clips_of(dataset, config.data))


def time_of(
    config: RunConfig, plan: Planned, known: list[TrainingSpeed], device: str | None = None, *, cpu: bool = True
) -> RunTime | None:
    """About how long it takes, as :func:`labcore.runs.times.estimate`."""
    cpu = cpu and config.runtime.device in ("auto", "cpu")
    # which GPU it will be is not known without torch
    if device is None and config.runtime.device == "auto" and gpu_count():
        cpu, known = False, [speed for speed in known if speed.device != cpu_name()]
    epochs, trained = plan.epochs.epochs, trained_clips(plan.epochs.clips, plan.config.optim.batch_size)
    share = evaluations(evaluated_every(trained, plan.windows, epochs), epochs) / epochs
    return estimate(plan.config, plan.epochs, known, device, watched=share * plan.windows, cpu=cpu)


def known_speeds(workspace: Workspace) -> list[TrainingSpeed]:
    """How fast this machine trained: its estimates, which measured, its newest runs, and a few steps before these."""
    runs = [speed_of(run) for run in Run.every(workspace, MOST_RUNS)]
    return [
        *speeds_of_estimates(workspace),
        *(speed for speed in (*runs, machine_speed.recall(workspace)) if speed is not None),
    ]
