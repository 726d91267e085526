"""The work of an evaluation and of a robustness test; see :mod:`labcore.evaluation.jobs`, :mod:`labcore.evaluation.robustness`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from labcore.config import DataConfig
from labcore.datasets.in_split import dataset_for
from labcore.datasets.learnt import learnt_by, run_named
from labcore.datasets.named_splits import split_named
from labcore.datasets.registry import find_dataset
from labcore.datasets.resuming import dataset_of
from labcore.datasets.store import ClipStore, open_store
from labcore.datasets.table import Dataset
from labcore.errors import DatasetError, DeviceError, LabError, OutOfMemoryError
from labcore.evaluation.disturbed_clips import accuracy_over_levels
from labcore.evaluation.evaluate import evaluate
from labcore.evaluation.jobs import BasePlan, ClipsChosen, Evaluation, EvaluationPlan
from labcore.evaluation.predictions import not_kept
from labcore.evaluation.robustness import RobustnessTest, results_of
from labcore.evaluation.select import Selection, select_clips
from labcore.events import Event, Log
from labcore.inference.classifier import Classifier
from labcore.jobs.following import follow
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.runs.honesty import leak_note
from labcore.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class EvaluationInput:
    """A classifier and the clips to evaluate it on. ``split`` and ``folder`` as for :func:`labcore.evaluation.evaluate.evaluate`."""

    classifier: Classifier
    store: ClipStore
    chosen: Selection
    split: str
    folder: str


def evaluation(job: Evaluation, should_stop: StopTest) -> Generator[Event, None, None]:
    """Evaluate, and keep the prediction for each clip. One that goes on begins anew."""
    yield from evaluated(job.plan, job.workspace, should_stop, job.predictions)


def evaluated(
    plan: EvaluationPlan, workspace: Workspace, should_stop: StopTest, file: Path | None = None
) -> Generator[Event, None, None]:
    """Evaluate, and tell the figures as the last event.

    Args:
        file: where to write the prediction for each clip; nowhere where it is not given.

    Raises:
        LabError: whatever is wrong with the weights, the data set or the device.
        Stopped: it was asked to stop.
    """
    clips = yield from _clips_of(plan, workspace, should_stop)
    troubles: list[LabError] = []
    result = yield from follow(
        "evaluating",
        lambda progress: evaluate(
            clips.classifier,
            clips.store,
            clips.chosen.rows,
            clips.chosen.fold,
            plan.batch_size,
            progress,
            leaks=clips.chosen.leaks,
            trained_on=clips.chosen.trained_on,
            split=clips.split,
            folder=clips.folder,
            file=file,
            by_window=plan.rows == "windows",
            warn=troubles.append,
        ),
        should_stop,
        "windows",
    )
    for trouble in troubles:
        yield Log(level="warning", message=not_kept(trouble))
    yield result


def robustness(job: RobustnessTest, should_stop: StopTest) -> Generator[Event, None, None]:
    """Evaluate at level after level of a disturbance. One that goes on takes up the levels that are missing, unless its clips have
    changed."""
    plan = job.plan.check()
    clips = yield from _clips_of(plan, job.workspace, should_stop, job.chosen)
    done = [result.level for result in results_of(job.events())]
    missing = [level for level in (None, *plan.levels) if level not in done]
    yield from accuracy_over_levels(
        clips.classifier, clips.store, clips.chosen.rows, plan, missing, should_stop=should_stop
    )


def _clips_of(
    plan: BasePlan, workspace: Workspace, should_stop: StopTest, before: ClipsChosen | None = None
) -> Generator[Event, None, EvaluationInput]:
    """Load the classifier and choose the clips. Which they are is told where it is not what was told before."""
    weights = workspace.runs / plan.run  # an absolute path stays what it is
    classifier = loaded(weights, plan.device)
    own = classifier.config.data
    named = plan.dataset or own.dataset
    dataset = find_dataset(workspace, named, classifier.config.cutting)
    same = plan.dataset in (None, own.dataset) or _is_at(workspace, own.dataset, dataset.root)
    if same and weights.is_dir():
        dataset = dataset_of(Run(weights), workspace, named)
    elif same and own.named_split is not None:
        dataset = _in_split(workspace, classifier.config.cutting, own.named_split)
    store = yield from follow(
        "building the clip store",
        lambda progress: open_store(workspace, dataset, classifier.sample_rate, progress),
        should_stop,
    )
    if dataset.annotated is not None and dataset.annotated.window_seconds is not None:
        yield Log(message=f"clips are windows of {dataset.annotated.window_seconds:g} s, as the classifier hears them")
    if dataset.corrections is not None and dataset.corrections.revision:
        yield Log(message=dataset.corrections.sentence)
    validation = isinstance(plan, EvaluationPlan) and plan.part == "validation"
    if validation:
        classifier.temperature = None
    trained = run_named(str(weights), workspace)
    learnt = learnt_by(trained, workspace) if trained is not None else None
    chosen = select_clips(
        store.table,
        own if same else None,
        fold=plan.fold,
        label=plan.label,
        trained_on=True,
        validation=validation,
        learnt=learnt.among(store.table) if learnt is not None else None,
        all_known=learnt is not None and not learnt.lost,
    )
    told = ClipsChosen(dataset=dataset.name, fold=chosen.fold, clips=len(chosen.rows), sentence=chosen.sentence)
    if before is None or before.facts() | {"time": 0} != told.facts() | {"time": 0}:
        yield told
    if note := leak_note(chosen.leaks, chosen.trained_on, len(chosen.rows)):
        held_out = f"; its test fold is {chosen.held_out}" if chosen.held_out and chosen.trained_on else ""
        yield Log(level="warning", message=f"{note}{held_out}")
    return EvaluationInput(classifier, store, chosen, own.split if same else "official", dataset.folder)


def _in_split(workspace: Workspace, data: DataConfig, split: str) -> Dataset:
    """The data set of a file of weights, which says by name only what split it was trained with."""
    try:
        split_named(workspace, data.dataset, split)
    except DatasetError as error:
        what = f"which clips these weights were not trained on is not known: {error.what}"
        raise DatasetError(what, "Evaluate the run itself, which keeps its split, or other clips") from error
    return dataset_for(workspace, data)


def loaded(weights: Path, device: str = "auto") -> Classifier:
    """A classifier; where the device is left to the lab and cannot take it, on the CPU."""
    try:
        return Classifier.load(weights, device)
    except (DeviceError, OutOfMemoryError):  # a training may have all of the GPU's memory
        if device != "auto":
            raise
        return Classifier.load(weights, "cpu")


def with_room(weights: Path, do: Callable[[Classifier], T], device: str = "auto") -> T:
    """What is done with a classifier; where the device is left to the lab and has too little memory for it, on the CPU.

    Raises:
        OutOfMemoryError, torch.OutOfMemoryError: a device that was named has too little memory.
    """
    import torch

    classifier = loaded(weights, device)
    try:
        return do(classifier)
    except torch.OutOfMemoryError:  # a training may have all of the GPU's memory
        if device != "auto":
            raise
        return do(classifier.to("cpu"))


def _is_at(workspace: Workspace, name: str, root: Path) -> bool:
    """Whether the data set of a name is the one that lies there."""
    try:
        return find_dataset(workspace, name).root.resolve() == root.resolve()
    except DatasetError:
        return False
