"""Runs put together: their networks as one classifier, judged on the fold that all of them held out, as a run of its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labcore.config import CUTTING
from labcore.datasets.learnt import learnt_by, shares_recordings
from labcore.datasets.record import ClipRecord
from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import split_for
from labcore.datasets.store import open_store
from labcore.device import choose_device
from labcore.errors import ConfigError, LabError
from labcore.evaluation.evaluate import evaluate
from labcore.evaluation.predictions import not_kept
from labcore.evaluation.select import targets_of
from labcore.events import Evaluated, Log, RunFinished
from labcore.inference.classifier import Classifier
from labcore.inference.golden import remember_golden
from labcore.inference.resident_clips import waveform_cache
from labcore.jobs.following import OnProgress
from labcore.models.ensemble import MOST_MEMBERS, Ensemble
from labcore.runs import Run
from labcore.runs.honesty import adjustments
from labcore.runs.origin import ENSEMBLE
from labcore.task.kind import require_single
from labcore.texts import percent
from labcore.workspace import Workspace, draft_folder

_SAME = (
    *("data.dataset", "data.fold", "data.split", "data.named_split", "data.leave_out", "data.exclude_classes"),
    *CUTTING,
    *("audio", "features"),
)
"""What the members must agree on: what they hear, and which clips none of them was trained on."""


def put_together(runs: list[Run]) -> Classifier:
    """The networks of finished runs as one classifier, on the CPU. Its configuration is the first one's.

    Raises:
        RunError: a run has no weights yet.
        ConfigError: there are fewer than two, one comes twice, or they differ in labels, front end or held-out clips.
    """
    if len(runs) < 2:
        raise ConfigError("an ensemble needs at least two runs", "Give several, for example with different seeds")
    known = [run.path.resolve() for run in runs]
    twice = next((run.id for run, path in zip(runs, known, strict=True) if known.count(path) > 1), None)
    if twice is not None:
        raise ConfigError(f"run {twice} is given twice", "Give each run once")
    classifiers = [Classifier.load(run.path) for run in runs]
    for classifier in classifiers:
        require_single(classifier.task, "An ensemble", "Use the run of the highest mean average precision")
    first = classifiers[0]
    for run, other in zip(runs[1:], classifiers[1:], strict=True):
        _compare(runs[0], first, run, other)
    networks: list[nn.Module] = []
    models = []
    for classifier in classifiers:
        inside = classifier.network
        networks += inside.members if isinstance(inside, Ensemble) else [inside]
        models += classifier.members or [classifier.config.model]
    if len(models) > MOST_MEMBERS:
        raise ConfigError(f"an ensemble of {len(models)} networks is too large", f"Combine at most {MOST_MEMBERS}")
    together = Classifier(first.config, first.labels, Ensemble(networks), models)
    together.log_mel.load_state_dict(first.log_mel.state_dict())
    return together.eval()


def save_ensemble(
    workspace: Workspace,
    runs: list[Run],
    device: str = "cpu",
    progress: OnProgress = lambda done, total: None,
    *,
    by: str = "",
) -> tuple[Run, Evaluated]:
    """Put runs together, judge the result on the fold that all of them held out, and write it as a finished run.

    Args:
        device: where it is evaluated.
        progress: called with windows done and windows in all.
        by: who makes it.

    Raises:
        LabError: as :func:`put_together` does, or the data set no longer exists.
    """
    classifier = put_together(runs)
    config = classifier.config
    dataset = dataset_of(runs[0], workspace, config.data.dataset)
    store = open_store(workspace, dataset, classifier.sample_rate)
    parts, troubles = split_for(store.table, config.data), list[LabError]()
    learnt = np.any([learnt_by(run, workspace).among(store.table) for run in runs], axis=0)
    # first into a draft: a run is made of what could be judged
    with draft_folder(workspace.runs / f"ensemble-{os.getpid()}") as draft:
        result = evaluate(
            classifier.to(choose_device(device).torch()),
            store,
            parts.held_out,
            parts.fold,
            progress=progress,
            leaks=parts.leaks or shares_recordings(store.table, parts.held_out, learnt),
            trained_on=int(learnt[parts.held_out].sum()),
            split=config.data.split,
            folder=dataset.folder,
            file=draft / "predictions.parquet",
            warn=troubles.append,
        )
        targets = targets_of(classifier.task, classifier.labels, store.table, parts.held_out)
        assert isinstance(result, Evaluated)  # its members give one label a clip
        result = result.model_copy(update={"adjusted": sum(adjustments(run.events()) for run in runs)})
        remember_golden(classifier, waveform_cache(store, classifier.device), parts.held_out, targets)
        known = ClipRecord.load(runs[0])
        drawn_in = known.drawn_in if known else dataset.folder
        clips = ClipRecord.of(dataset, store.table, parts, classifier.labels, drawn_in)
        told = [Log(level="warning", message=not_kept(trouble)) for trouble in troubles]
        return _as_run(workspace, classifier, runs, clips, told, result, draft, by), result


def _as_run(
    workspace: Workspace,
    classifier: Classifier,
    runs: list[Run],
    clips: ClipRecord,
    told: list[Log],
    result: Evaluated,
    draft: Path,
    by: str,
) -> Run:
    """A finished run of the classifier that was made of runs; the files of the draft become its own."""
    alone = [run.last_event(Evaluated) for run in runs]
    members: list[dict[str, object]] = [
        {"run": run.id, "accuracy": it.accuracy if it else None} for run, it in zip(runs, alone, strict=True)
    ]
    made = Run.create(workspace, classifier.config, marks={ENSEMBLE: {"members": members}, "labels": classifier.labels})
    with made.hold():
        made.append(made.started(by))
        clips.save(made)
        made.save("environment", runs[0].load("environment", {}))
        classifier.cpu().save(made.weights)
        for file in draft.glob("*"):
            file.replace(made.path / file.name)
        made.append(Log(message=_sentence(runs, members, result)))
        for event in (*told, result):
            made.append(event)
        made.append(RunFinished(state="finished"))
    return made


def _sentence(runs: list[Run], members: list[dict[str, object]], result: Evaluated) -> str:
    shares = [member["accuracy"] for member in members]
    told = ", ".join(percent(share) for share in shares if isinstance(share, float))
    alone = f"; alone they have {told} of the held-out clips right" if told else ""
    return f"an ensemble of {len(runs)} runs, {', '.join(run.id for run in runs)}{alone}; together {percent(result.accuracy)}"


def _compare(run: Run, one: Classifier, other_run: Run, other: Classifier) -> None:
    who = f"runs {run.id} and {other_run.id}"
    if one.labels != other.labels:
        raise ConfigError(f"{who} have different classes", "Combine runs of one data set")
    for path in _SAME:
        ours, theirs = one.config.value(path), other.config.value(path)
        if ours != theirs:
            told = f": {ours} and {theirs}" if "." in path else ""
            raise ConfigError(
                f"{who} differ in {path}{told}", "Combine runs with the same front end and the same test fold"
            )
    for name, value in one.log_mel.state_dict().items():
        if not torch.allclose(value, other.log_mel.state_dict()[name], rtol=1e-3, atol=1e-2):
            raise ConfigError(
                f"{who} were trained on different clips: their normalisations differ",
                "Combine runs with the same training clips",
            )
