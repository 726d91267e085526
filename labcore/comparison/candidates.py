"""What is compared: a run, or a cross-validation with the clips of all its folds."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.datasets.corrections import Corrections
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import place_of
from labcore.errors import ConfigError, LabError, RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.events import (
    Epoch,
    Evaluated,
    EvaluatedLabels,
    Event,
    RunFinished,
    TrainingStarted,
    each_of,
    epochs_of,
    last_of,
    result_of,
)
from labcore.runs import Run
from labcore.runs.asked import asked_for, live_changes_of
from labcore.runs.honesty import adjustments, chosen_by
from labcore.workspace import Workspace

CURVE = tuple[int, float, float]
NOT_THE_RECIPE = ("runtime.seed", "runtime.device")
"""Settings in which runs of one recipe may differ."""


@dataclass(frozen=True)
class Candidate:
    """One of what is compared.

    Attributes:
        job: its folder.
        kind: run or cross-validation.
        runs: the ids of its runs.
        asked, config: its settings as they were asked for, and with everything automatic worked out.
        place: where its data set lies.
        folds: whose clips it held out.
        predictions: for its clips; None where there are none, and ``trouble`` says why.
        accuracy: of all its held-out clips; None before its end, and of several labels a clip, where ``mean_ap`` is their mean average
            precision, of folds the mean over them.
        seconds: of training, of all folds together.
        bytes: of its weights; those of one fold.
        joules: of the GPU, over all epochs; None where they were not all counted.
        facts: more to tell it by: device, parameters, versions.
        curve: epoch, loss and accuracy on the clips of its curve; of several folds their mean.
        live: settings that were changed while it trained.
        labels: the corrected ones that it began with.
        leaks, adjusted, trained_on: as in :class:`labcore.events.Evaluated`.
        chosen_by: as in :class:`labcore.events.TrainingStarted`.
    """

    id: str
    job: Run | CrossValidation = field(repr=False)
    kind: str
    runs: tuple[str, ...]
    asked: RunConfig
    config: RunConfig
    place: Path
    folds: tuple[str, ...]
    predictions: ClipPredictions | None
    trouble: str
    accuracy: float | None
    seconds: float
    bytes: int
    joules: float | None = None
    facts: dict[str, str] = field(default_factory=dict)
    curve: tuple[CURVE, ...] = field(default=(), repr=False)
    live: str = ""
    labels: Corrections = field(default_factory=Corrections, repr=False)
    leaks: bool = False
    adjusted: int = 0
    mean_ap: float | None = None
    trained_on: int = 0
    chosen_by: bool = False

    @property
    def recipe(self) -> tuple[Any, ...]:
        """What runs of one recipe have in common: all settings but the seed, the labels, and the channels that are taken."""
        settings = {path: value for path, value in self.asked.values().items() if path not in NOT_THE_RECIPE}
        data = (tuple(sorted(each.items())) for each in (self.labels.labels, self.labels.channels))
        return self.kind, tuple(settings.items()), self.folds, self.live, *data

    @property
    def seed(self) -> int:
        return self.asked.runtime.seed

    @property
    def untrained(self) -> dict[str, list[str]]:
        """Fold → the classes of its clips of which no clip was trained on; of the folds that tell."""
        runs = {"".join(self.folds): self.job} if isinstance(self.job, Run) else self.job.members()
        records = {fold: ClipRecord.load(run) for fold, run in runs.items()}
        return {fold: record.untrained for fold, record in records.items() if record is not None}


def candidate(workspace: Workspace, name: str) -> Candidate:
    """A run, or a cross-validation, by its id, a unique part of it, or its path.

    Raises:
        RunError: there is none of that name, several are meant, or it cannot be read.
    """
    job = named(workspace, name)
    return of_run(workspace, job) if isinstance(job, Run) else of_crossval(workspace, job)


def named(workspace: Workspace, name: str) -> Run | CrossValidation:
    """The run, or else the cross-validation, that a name means; as for :func:`candidate`."""
    try:
        return Run.open(workspace, name)
    except RunError as error:
        try:
            return CrossValidation.open(workspace, name)
        except RunError:
            raise error from None


def candidates(workspace: Workspace, names: Iterable[str]) -> list[Candidate]:
    """Several of them, each once.

    Raises:
        ConfigError: fewer than two are named.
        RunError: as for :func:`candidate`.
    """
    found = {each.id: each for each in (candidate(workspace, name) for name in names)}
    if len(found) < 2:
        raise ConfigError(
            "a comparison takes two runs at least", "Name two or more different runs, or cross-validations"
        )
    return list(found.values())


def of_run(workspace: Workspace, run: Run, *, with_predictions: bool = True) -> Candidate:
    """A run as a candidate; without its predictions where they are not asked for.

    Raises:
        RunError: its configuration cannot be read.
    """
    events = run.events()
    predictions, trouble = None, ""
    if with_predictions:
        predictions, trouble = _read([run.predictions], f"run {run.id} has no predictions: it is {run.status().state}")
    started = last_of(events, TrainingStarted)
    result = result_of(events)
    folds = (result.fold,) if result else (started.fold,) if started else (run.config.data.fold or "",)
    return Candidate(
        id=run.id,
        job=run,
        kind="run",
        asked=asked_for(run),
        config=run.config,
        place=_place(workspace, run.config),
        folds=folds,
        predictions=predictions,
        trouble=trouble,
        accuracy=result.accuracy if isinstance(result, Evaluated) else None,
        curve=tuple((each.epoch, each.val_loss, each.figure) for each in epochs_of(events)),
        live=_live(events),
        leaks=bool(result and result.leaks),
        trained_on=result.trained_on if result else 0,
        adjusted=adjustments(events),
        chosen_by=chosen_by(run),
        mean_ap=result.mean_ap if isinstance(result, EvaluatedLabels) else None,
        **_costs([run], [events]),
    )


def of_crossval(workspace: Workspace, experiment: CrossValidation) -> Candidate:
    """A cross-validation as a candidate: its official folds, as far as they have finished.

    Raises:
        RunError: it cannot be read.
    """
    runs = {fold: run for fold, run in experiment.members().items() if run.there}
    done = {fold: run for fold, run in runs.items() if run.predictions.is_file()}
    events = [run.events() for run in runs.values()]
    predictions, trouble = _read(
        [run.predictions for run in done.values()], f"no fold of cross-validation {experiment.id} has finished"
    )
    first = next(iter(runs.values()), None)
    every = (last_of(each, EvaluatedLabels) for each in events)
    results = [result_of(each) for each in events]
    ranked = [each.mean_ap for each in every if each is not None and each.mean_ap is not None]
    right = predictions.predicted == predictions.targets if predictions is not None else None
    return Candidate(
        id=experiment.id,
        job=experiment,
        kind="cross-validation",
        asked=_pooled(asked_for(first)) if first else experiment.config,
        config=_pooled(first.config) if first else experiment.config,
        place=_place(workspace, experiment.config),
        folds=tuple(done),
        predictions=predictions,
        trouble=trouble,
        accuracy=float(right.mean()) if right is not None and len(right) else None,
        curve=_mean_curve([epochs_of(each) for each in events]),
        live=" ".join(filter(None, map(_live, events))),
        leaks=any(each is not None and each.leaks for each in results),
        trained_on=sum(each.trained_on for each in results if each is not None),
        adjusted=sum(map(adjustments, events)),
        chosen_by=experiment.config.data.leave_out is not None,
        mean_ap=statistics.fmean(ranked) if ranked else None,
        **_costs(list(runs.values()), events),
    )


def _read(files: list[Path], missing: str) -> tuple[ClipPredictions | None, str]:
    there = [file for file in files if file.is_file()]
    if not there:
        return None, missing
    try:
        return ClipPredictions.read(there), ""
    except LabError as error:
        return None, error.what


def _place(workspace: Workspace, config: RunConfig) -> Path:
    place = place_of(workspace, config.data.dataset)
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        return Path(os.path.realpath(place))
    return place


def _pooled(config: RunConfig) -> RunConfig:
    """Without what the folds of a cross-validation differ in."""
    return config.replace({"data.fold": None})


def _live(events: list[Event]) -> str:
    changes = live_changes_of(events)
    return ", ".join(
        f"{path} = {value} from epoch {epoch}"
        for epoch, told in sorted(changes.items())
        for path, value in told.items()
    )


def _mean_curve(folds: list[list[Epoch]]) -> tuple[CURVE, ...]:
    """The mean over the folds of each epoch that all of them have, as far as they have begun."""
    begun = [fold for fold in folds if fold]
    return tuple(
        (
            epochs[0].epoch,
            statistics.fmean(each.val_loss for each in epochs),
            statistics.fmean(each.figure for each in epochs),
        )
        for epochs in zip(*begun, strict=False)
    )


def _costs(runs: list[Run], events: list[list[Event]]) -> dict[str, Any]:
    """Training time, size of the weights, and what else tells how it was made."""
    sizes = []
    for run in runs:
        with contextlib.suppress(OSError):
            sizes.append(run.weights.stat().st_size)
    started = next((told for each in events if (told := last_of(each, TrainingStarted)) is not None), None)
    labels = Corrections.of_run(runs[0]) if runs else Corrections()
    environment = runs[0].load("environment", {}) if runs else {}
    facts = {
        "Device": str(environment.get("device_name", "")),
        "Lab": str(environment.get("labcore", "")),
        "torch": str(environment.get("torch", "")),
        "Labels": labels.sentence.removeprefix("labels of ") or "as given",
    }
    if started is not None:
        facts |= {
            "Parameters": f"{started.parameters:,}",
            "Training clips": f"{started.train_clips:,}",
            "Precision": started.precision,
        }
    joules = [epoch.joules for each in events for epoch in epochs_of(each)]
    counted = [each for each in joules if each is not None]
    return {
        "joules": sum(counted) if counted and len(counted) == len(joules) else None,
        "seconds": sum(end.seconds for each in events for end in each_of(each, RunFinished)),
        "bytes": max(sizes, default=0),
        "runs": tuple(run.id for run in runs),
        "labels": labels,
        "facts": {name: told for name, told in facts.items() if told},
    }
