"""What the training loop works with, once everything is prepared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from labcore.config import RunConfig, live_config
from labcore.datasets.table import Split
from labcore.device import DeviceChoice
from labcore.evaluation.eval_set import EvalSet
from labcore.events import Event, TrainingStarted
from labcore.inference.classifier import Classifier
from labcore.models import parameter_count
from labcore.training.class_balancer import ClassBalancer
from labcore.training.clips import RunClips
from labcore.training.distributed import SINGLE_PROCESS, DistributedContext
from labcore.training.pipeline import InputPipeline, recorded_noise
from labcore.training.precision import Precision
from labcore.training.watching import windows_of
from labcore.workspace import Workspace


@dataclass
class Session:
    """A run that is ready for its first step.

    Attributes:
        config: with everything automatic worked out, and with the live settings as they stand.
        held_out: the clips that the result is reported on, this process's part of them.
        watched: the clips of which the curves are: those set aside for validation where there are any, else the held-out ones; of
            more than an epoch has time for, some. This process's part of them.
        watched_rows: (clips,) these, of all processes.
        checkpoint: what the run goes on from; None from its beginning.
        once_seconds: of the preparation, what later runs on the same clips and network are spared.
    """

    config: RunConfig
    workspace: Workspace
    device: DeviceChoice
    clips: RunClips
    classifier: Classifier
    pipeline: InputPipeline
    balance: ClassBalancer
    precision: Precision
    held_out: EvalSet
    watched: EvalSet
    watched_rows: np.ndarray
    checkpoint: dict[str, Any] | None
    context: DistributedContext = SINGLE_PROCESS
    once_seconds: float = 0.0

    @property
    def split(self) -> Split:
        return self.clips.split

    @property
    def train_rows(self) -> Tensor:
        """(clips,) the clips that are trained on, int64."""
        return self.pipeline.rows

    @property
    def held_out_targets(self) -> np.ndarray:
        """(clips,) class numbers of the held-out clips of all processes; of several labels (clips, classes)."""
        return self.clips.targets[self.split.held_out]

    @property
    def on_validation(self) -> bool:
        """Whether the curves are of clips set aside for validation."""
        return len(self.split.validation) > 0

    @property
    def watched_targets(self) -> np.ndarray:
        """The same of the watched clips."""
        return self.clips.targets[self.watched_rows]

    @property
    def watched_windows(self) -> int:
        """How many windows an evaluation of the watched clips is of, in all processes together."""
        lengths = self.clips.store.seconds[self.watched_rows]
        return int(windows_of(lengths, self.config.audio.clip_seconds or 1.0).sum())

    def reconfigure(self, config: RunConfig) -> None:
        """Take up a configuration whose live settings were changed. The classifier keeps the one it was made with.

        Raises:
            LabError: noise is switched on, and the recording of it cannot be read.
        """
        if config.augment != self.config.augment:
            noise = recorded_noise(config.augment, config.sample_rate, self.workspace)
            self.pipeline.take_up(config.augment, noise)
        self.config = config

    def started(self, changed: Iterable[Event]) -> TrainingStarted:
        """What is told before the first step, of a run whose settings were changed by these events before it stopped."""
        parts, precision = self.split, self.precision
        first = 1 if self.checkpoint is None else self.checkpoint["epoch"] + 1
        return TrainingStarted(
            labels=self.classifier.labels,
            train_clips=len(parts.train),
            val_clips=len(parts.held_out),
            validation_clips=len(parts.validation),
            watched_windows=self.watched_windows,
            leaks=parts.leaks,
            chosen_by=self.config.data.leave_out is not None,
            fold=parts.fold,
            device=self.context.told_device(self.device),
            device_reason=self.device.reason,
            precision=precision.precision,
            memory_format=precision.memory_format,
            precision_reason=precision.reason,
            parameters=parameter_count(self.classifier.network),
            epochs=live_config(self.config, changed, first).epochs,
            first_epoch=first,
        )
