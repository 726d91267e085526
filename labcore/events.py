"""What a run tells while it goes: one dataclass an event, one JSON line each in the run's ``events.jsonl``.

The training loop yields them, the worker appends them, and whoever watches (page, command line, test) reads them. A reader
keys epochs by number and lets the last one win, since a resumed run may repeat one.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AllowInfNan

from labcore.texts import json_line

Loss = Annotated[float, AllowInfNan(True)]
"""Of clips: no finite number where a training diverges. Every other number of an event is finite."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events. ``time`` is in seconds since 1970."""

    type: ClassVar[str]
    time: float = field(default_factory=time.time)

    def facts(self) -> dict[str, Any]:
        """The event as plain data, its type first."""
        return {"type": self.type, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """The event as one line of JSON."""
        return json_line(self.facts())


@dataclass(frozen=True, kw_only=True)
class RunQueued(Event):
    """The run waits for its device: a new one, or one to be resumed, as ``by`` asked; "" where that is not known."""

    type: ClassVar[str] = "run_queued"
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A worker took the run up. ``by`` is who works on it in a shell; "" for a worker that took it from the queue."""

    type: ClassVar[str] = "run_started"
    run_id: str
    run_dir: str
    pid: int
    host: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Preparing(Event):
    """Work before the first step: building the clip store, computing mels, timing precisions."""

    type: ClassVar[str] = "preparing"
    what: str
    done: int
    total: int
    unit: str = "clips"


@dataclass(frozen=True, kw_only=True)
class TrainingStarted(Event):
    """What is trained on what, and where, with the reasons of the choices.

    ``val_clips`` are held out. Where ``validation_clips`` were set aside from training, the curves are of those. ``leaks``: clips of one
    recording stand on both sides, so that the accuracy is too high.
    """

    type: ClassVar[str] = "training_started"
    labels: list[str]
    train_clips: int
    val_clips: int
    fold: str
    device: str
    device_reason: str
    precision: str
    memory_format: str
    precision_reason: str
    parameters: int
    epochs: int
    first_epoch: int
    validation_clips: int = 0
    leaks: bool = False


@dataclass(frozen=True, kw_only=True)
class Forecast(Event):
    """What a few probe steps say of the run to come. Bytes are those of the device that trains.

    ``largest_batch`` is the largest that the memory holds, however many clips there are; None where it was not looked for.
    ``clips`` are those that are trained on, which bounds a batch too; 0 in forecasts of older versions.
    """

    type: ClassVar[str] = "forecast"
    seconds_per_epoch: float
    seconds_total: float
    epochs: int = 0  # 0 in what older versions wrote
    batch_size: int
    micro_batch: int
    peak_bytes: int
    memory_bytes: int
    largest_batch: int | None
    steps_timed: int
    clips: int = 0


@dataclass(frozen=True, kw_only=True)
class Turned(Event):
    """Knobs turned while the run trains; they count from the beginning of ``epoch`` on.

    ``changes`` maps paths to values (``{"model.dropout": 0.4}``). ``number`` counts the lines of the run's ``turns.jsonl``. ``by`` is
    page, file, command or lab, ``who`` the person where known.
    """

    type: ClassVar[str] = "turned"
    epoch: int
    number: int
    changes: dict[str, Any]
    by: str = "file"
    reason: str = ""
    who: str = ""


@dataclass(frozen=True, kw_only=True)
class Advice(Event):
    """Overfitting was noticed after ``epoch``: what is seen, in a sentence, and which knobs to turn to which values."""

    type: ClassVar[str] = "advice"
    epoch: int
    message: str
    changes: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Divided(Event):
    """Memory ran out in ``epoch``: batches are taken in parts of ``micro_batch`` clips from here on, their gradients summed."""

    type: ClassVar[str] = "divided"
    epoch: int
    batch_size: int
    micro_batch: int


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """Where in an epoch the run is; about once a second, none in epochs that are shorter. ``spent`` as for an epoch.

    The last one alone is kept, in the run's ``progress.json``.
    """

    type: ClassVar[str] = "progress"
    epoch: int
    step: int
    steps: int
    train_loss: Loss
    seconds_left: float
    spent: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Epoch(Event):
    """An epoch is over and its checkpoint is on the disk. Epochs count from 1.

    ``spent`` is where the training steps' time went, in seconds: data, augmentation, mel, network, waiting. ``pinned`` are the
    probabilities of the clips that the user pinned: name → label → probability.
    """

    type: ClassVar[str] = "epoch"
    epoch: int
    epochs: int
    train_loss: Loss
    train_accuracy: float
    val_loss: Loss
    val_accuracy: float
    lr: float
    clips_per_second: float
    seconds: float
    seconds_left: float
    averaged: bool
    spent: dict[str, float] = field(default_factory=dict)
    pinned: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Log(Event):
    """A sentence for people."""

    type: ClassVar[str] = "log"
    message: str
    level: str = "info"


@dataclass(frozen=True, kw_only=True)
class Evaluated(Event):
    """The final figures on the held-out fold, from the weights that were saved.

    ``leaks``: clips of the same recordings were trained on, so that the figures are too high. ``adjusted``: so many times settings were
    changed, by a person or on advice, while the curves of these very clips were in view.
    """

    type: ClassVar[str] = "evaluated"
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    per_class: dict[str, dict[str, float]]
    confusion: dict[str, dict[str, int]]
    clips: int
    fold: str
    leaks: bool = False
    adjusted: int = 0


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The worker let go of the run. ``state`` is finished, stopped or failed; ``by`` asked for it to stop, where known."""

    type: ClassVar[str] = "run_finished"
    state: str
    error: str = ""
    remedy: str = ""
    epochs_done: int = 0
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    by: str = ""


KINDS: dict[str, type[Event]] = {
    kind.type: kind
    for kind in (
        RunQueued, RunStarted, Preparing, TrainingStarted, Forecast, Turned, Advice, Divided, Progress, Epoch, Log, Evaluated,
        RunFinished,
    )
}  # fmt: skip
"""The events of a run by their type."""
