"""What a job tells while it goes: one model an event, one JSON line each in the job's ``events.jsonl``.

Work yields them, the process that does it appends them, and whoever watches (page, command line, test) reads them as the same objects.
Every job is queued or started first and finished last; what lies between is its kind's own. Those of a run stand here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, cast, get_args

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, ValidationError, model_validator

from labcore.reading import LATEST, DamagedError, parse_json
from labcore.texts import json_line

Loss = Annotated[float, AllowInfNan(True)]
"""Of clips: no finite number where a training diverges. Every other number of an event is finite."""
Moment = Annotated[float, Field(ge=0, le=LATEST)]  # seconds since 1970
Sums = Annotated[list[float], Field(min_length=4, max_length=4)]  # labcore.evaluation.intervals.ByRecording


class Event(BaseModel):
    """Base of all events: checked strictly (a whole number is no text, and a text no number), never changed, told in one line of JSON.

    Fields that another version of the lab gave an event are kept and written as they came; no reader asks for them.
    """

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="allow")

    type: str
    time: Moment = Field(default_factory=time.time)

    def facts(self) -> dict[str, Any]:
        """The event as plain data, its type first."""
        return self.model_dump()

    def to_json(self) -> str:
        """The event as one line of JSON."""
        return json_line(self.facts())


class Unknown(Event):
    """An event of a type that another version of the lab wrote, with what it has."""


class Queued(Event):
    """The job waits for its turn: a new one, or one to be resumed, as ``by`` asked; "" where that is not known."""

    by: str = ""


class Started(Event):
    """A process took the job up. ``by`` is who works on it in a shell; "" for one that took it from the queue.

    The number ``pid`` is that of a process on ``host`` in the kernel's ``namespace`` of processes: a container has one of its own.
    """

    pid: Annotated[int, Field(ge=0)] = 0
    host: str = ""
    namespace: str = ""
    by: str = ""


class Finished(Event):
    """The process let go of the job. ``state`` is finished, stopped or failed; ``by`` asked for it to stop, where known."""

    state: str
    error: str = ""
    remedy: str = ""
    seconds: float = 0.0
    details: dict[str, Any] = Field(default_factory=dict)
    by: str = ""


class JobQueued(Queued):
    type: Literal["job_queued"] = "job_queued"


class JobStarted(Started):
    type: Literal["job_started"] = "job_started"


class JobFinished(Finished):
    type: Literal["job_finished"] = "job_finished"


class RunQueued(Queued):
    type: Literal["run_queued"] = "run_queued"


class RunStarted(Started):
    """With the directory of the run, so that the run is found again where its workspace has moved."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    run_dir: str


class Preparing(Event):
    """Work before the first step: building the clip store, computing mels, timing precisions."""

    type: Literal["preparing"] = "preparing"
    what: str
    done: int
    total: int
    unit: str = "clips"


class TrainingStarted(Event):
    """What is trained on what, and where, with the reasons of the choices.

    ``val_clips`` are held out. Where ``validation_clips`` were set aside from training, the curves are of those. ``watched_windows`` are
    those of an evaluation for the curves, 0 in what older versions wrote. ``leaks``: clips of the held-out recordings were trained on, so
    that the accuracy is too high. ``chosen_by``: recipes are chosen by the fold that is held out, as in the trials of a search; the test
    fold is then another one.
    """

    type: Literal["training_started"] = "training_started"
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
    watched_windows: int = 0
    leaks: bool = False
    chosen_by: bool = False

    @property
    def watched(self) -> Literal["validation", "test"]:
        """Which clips the curves and figures of the epochs are of."""
        return "validation" if self.validation_clips or self.chosen_by else "test"


class Estimate(Event):
    """What a few probe steps say of the run to come. Bytes are those of the device that trains.

    ``largest_batch`` is the largest that the memory holds, however many clips there are; None where it was not looked for.
    ``clips`` are those that are trained on, which bounds a batch too; 0 in estimates of older versions.

    ``seconds_total`` is the whole run as things are: ``seconds_before`` its first step, its epochs with their evaluation and checkpoint,
    and ``seconds_after`` them. ``seconds_once`` come on top where nothing was prepared yet: clip store, choice of precision; an estimate
    leaves them done. Other work took ``others`` of ``cores`` meanwhile; ``seconds_idle`` is the run without it, None where there was
    hardly any, or nobody knows. ``step_seconds`` and ``watch_seconds`` (an evaluation of ``watched`` windows) are those of an
    idle machine.
    """

    type: Literal["estimate", "forecast"] = "estimate"
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
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    seconds_once: float = 0.0
    seconds_idle: float | None = None
    others: float | None = None
    cores: int = 0
    device: str = ""
    clip_seconds: float = 0.0
    step_seconds: float = 0.0
    watch_seconds: float = 0.0
    watched: int = 0


class SettingsChanged(Event):
    """Settings changed while the run trains; they count from the beginning of ``epoch`` on.

    ``changes`` maps paths to values (``{"model.dropout": 0.4}``). ``number`` counts the lines of the run's ``overrides.jsonl``. ``by`` is
    page, file, command or lab, ``who`` the person where known.
    """

    type: Literal["settings_changed", "turned"] = "settings_changed"
    epoch: int
    number: int
    changes: dict[str, Any]
    by: str = "file"
    reason: str = ""
    who: str = ""


class Advice(Event):
    """Overfitting was noticed after ``epoch``: what is seen, in a sentence, and which settings to change to which values."""

    type: Literal["advice"] = "advice"
    epoch: int
    message: str
    changes: dict[str, Any]


class BatchSplit(Event):
    """Memory ran out in ``epoch``: batches are taken in parts of ``micro_batch`` clips from here on, their gradients summed."""

    type: Literal["batch_split", "divided"] = "batch_split"
    epoch: int
    batch_size: int
    micro_batch: int


class Progress(Event):
    """Where in an epoch the run is; about once a second, none in epochs that are shorter. ``spent`` as for an epoch.

    The last one alone is kept, in the run's ``progress.json``.
    """

    type: Literal["progress"] = "progress"
    epoch: int
    step: int
    steps: int
    train_loss: Loss
    seconds_left: float
    spent: dict[str, float] = Field(default_factory=dict)


class Epoch(Event):
    """An epoch is over and its checkpoint is on the disk. Epochs count from 1.

    ``joules`` are those of the whole GPU since the epoch before; None where it does not count them. ``spent`` is where the training steps'
    time went, in seconds: data, augmentation, mel, network, waiting. ``val_balanced`` is the mean recall of the classes that occur. Of
    several labels a clip there is ``val_mean_ap`` alone, the mean average precision. ``pinned``: name of a tracked clip → label →
    probability. ``others``: cores that other work took, or None. Not ``evaluated``: ``val_`` figures are those of the last one that was.
    """

    type: Literal["epoch"] = "epoch"
    epoch: int
    epochs: int
    train_loss: Loss
    train_accuracy: float | None
    val_loss: Loss
    val_accuracy: float | None
    lr: float
    clips_per_second: float
    seconds: float
    seconds_left: float
    averaged: bool
    joules: float | None = None
    spent: dict[str, float] = Field(default_factory=dict)
    pinned: dict[str, dict[str, float]] = Field(default_factory=dict)
    val_mean_ap: float | None = None
    val_balanced: float | None = None
    others: float | None = None
    evaluated: bool = True

    @model_validator(mode="after")
    def _of_one_kind(self) -> Epoch:
        if (self.train_accuracy is None) != (self.val_accuracy is None):
            raise ValueError("an epoch has both accuracies, or none")
        return self

    @property
    def figure(self) -> float:
        """The accuracy on the clips of the curves, or the mean average precision; 0 where no class can be ranked."""
        return self.val_accuracy if self.val_accuracy is not None else self.val_mean_ap or 0.0

    @property
    def figure_name(self) -> str:
        return "accuracy" if self.val_accuracy is not None else "mAP"


class Log(Event):
    """A sentence for people."""

    type: Literal["log"] = "log"
    message: str
    level: str = "info"


class Evaluated(Event):
    """The final figures on the held-out fold, from the weights that were saved.

    ``leaks``: clips of the same recordings were trained on: the figures are too high. ``adjusted``: so many times settings were changed
    while the curves of these very clips were in view. ``corrected``: so many labels of these clips are other than the data set's own.
    ``trained_on``: so many of these very clips were trained on, or used to choose, by the network or by the one whose weights it began
    with; then ``leaks`` is set, too. ``recordings`` are those that the clips come from; ``distinct_clips`` is how many there are without
    the sound that several share, ``effective_clips`` how many independent ones the interval is of; None for all, or unknown.
    """

    type: Literal["evaluated"] = "evaluated"
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    per_class: dict[str, dict[str, int | float]]
    confusion: dict[str, dict[str, int]]
    clips: int
    fold: str
    leaks: bool = False
    adjusted: int = 0
    corrected: int = 0
    trained_on: int = 0
    distinct_clips: float | None = None
    recordings: int | None = None
    effective_clips: float | None = None
    by_recording: Sums | None = None  # by which several evaluations are taken together


class EvaluatedLabels(Event):
    """The final figures of a classifier of several labels a clip, in place of :class:`Evaluated`.

    ``mean_ap`` is the mean average precision over the classes that can be ranked, with its 95 % interval by recording; F1 is at the
    thresholds of the weights. ``per_class`` has average_precision (with low and high), threshold, precision, recall, f1, clips that have
    the label, and others that are known not to have it. The rest as for :class:`Evaluated`.
    """

    type: Literal["evaluated_labels"] = "evaluated_labels"
    mean_ap: float | None
    mean_ap_low: float | None = None
    mean_ap_high: float | None = None
    macro_f1: float
    micro_f1: float
    per_class: dict[str, dict[str, int | float | None]]
    thresholds: str = ""
    clips: int
    fold: str
    leaks: bool = False
    adjusted: int = 0
    corrected: int = 0
    trained_on: int = 0
    recordings: int | None = None


class RunFinished(Finished):
    type: Literal["run_finished"] = "run_finished"
    epochs_done: int = 0


RunEvent: TypeAlias = Union[  # noqa: UP007
    RunQueued, RunStarted, Preparing, TrainingStarted, Estimate, SettingsChanged, Advice, BatchSplit, Progress, Epoch, Log, Evaluated,
    EvaluatedLabels, RunFinished,
]  # fmt: skip
Kinds = Mapping[str, type[Event]]
E = TypeVar("E", bound=Event)


def kinds_of(union: Any) -> Kinds:
    """The events of a union by their type, and by the name that it had in the version before."""
    return {name: kind for kind in get_args(union) for name in get_args(kind.model_fields["type"].annotation)}


KINDS: Kinds = kinds_of(RunEvent)
JobEvent: TypeAlias = Union[JobQueued, JobStarted, Preparing, Progress, Log, Evaluated, EvaluatedLabels, JobFinished]  # noqa: UP007
JOB_KINDS: Kinds = kinds_of(JobEvent)


def parse(line: str | bytes, kinds: Kinds = KINDS) -> Event | None:
    """The event that a line of JSON tells; None where it can be none.

    It has a type and a time. Of one of the ``kinds`` it has every field that the type demands, each of the right type, numbers finite but
    for losses. Another type is one of another version of the lab, and becomes :class:`Unknown` with what it has.
    """
    try:
        return event_of(parse_json(line), kinds)
    except DamagedError:
        return None


def event_of(content: Any, kinds: Kinds = KINDS) -> Event | None:
    """The event that plain data are, as :func:`parse` says."""
    if not isinstance(content, dict) or not isinstance(name := content.get("type"), str) or "time" not in content:
        return None
    validator = kinds.get(name, Unknown).__pydantic_validator__  # what model_validate calls, a seventh quicker
    try:
        return cast("Event", validator.validate_python(content))
    except (ValidationError, RecursionError):
        return None


def last_of(events: Sequence[Event], kind: type[E]) -> E | None:
    """The last event of a kind."""
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def result_of(events: Sequence[Event]) -> Evaluated | EvaluatedLabels | None:
    """The final figures among events, whether clips have one label or several."""
    return last_of(events, Evaluated) or last_of(events, EvaluatedLabels)


def each_of(events: Iterable[Event], kind: type[E]) -> list[E]:
    """The events of a kind, in their order."""
    return [event for event in events if isinstance(event, kind)]


def epochs_of(events: Iterable[Event]) -> list[Epoch]:
    """The epochs among events by number, each once: the last one wins, since a resumed run may repeat one."""
    return [epoch for _, epoch in sorted({epoch.epoch: epoch for epoch in each_of(events, Epoch)}.items())]
