"""Predictions that a test makes up, as arrays and as the file of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from labcore.config import RunConfig
from labcore.crossval.job import KIND, CrossValidation
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.eval_set import PredictionPart
from labcore.evaluation.metrics import Circumstances, score
from labcore.evaluation.predictions import record
from labcore.events import RunFinished
from labcore.runs import Run
from labcore.workspace import Workspace

LABELS = ("cat", "dog", "owl")


def judged(
    truth: Sequence[str],
    probabilities: np.ndarray,
    *,
    labels: Sequence[str] = LABELS,
    groups: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    fold: str = "1",
) -> ClipPredictions:
    """Predictions for clips 0.wav, 1.wav and so on, each a recording of its own where no groups are given."""
    numbers = range(len(truth))
    frame = pd.DataFrame(
        {
            "clip": list(names) if names is not None else [f"{number}.wav" for number in numbers],
            "start_s": 0.0,
            "end_s": 1.0,
            "group": list(groups) if groups is not None else [str(number) for number in numbers],
            "fold": fold,
            "label": list(truth),
            **dict(zip(labels, np.asarray(probabilities, dtype=np.float32).T, strict=True)),
            "embedding": None,
        }
    )
    return ClipPredictions(frame, tuple(labels))


def sure(predicted: Sequence[str], share: float = 0.8, labels: Sequence[str] = LABELS) -> np.ndarray:
    """Probabilities of clips whose predicted classes are given: (clips, classes), the predicted one has the share."""
    rest = (1 - share) / (len(labels) - 1)
    return np.array([[share if label == name else rest for label in labels] for name in predicted])


def drawn(clips: int, seed: int = 0, sharpness: float = 2.0) -> ClipPredictions:
    """Random predictions that are right more often than not, two clips a recording."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, len(LABELS), clips)
    logits = random.normal(0, 1, (clips, len(LABELS))) + 1.5 * np.eye(len(LABELS))[targets]
    shares = np.exp(sharpness * logits)
    groups = [str(number // 2) for number in range(clips)]
    truth = [LABELS[target] for target in targets]
    return judged(truth, shares / shares.sum(1, keepdims=True), groups=groups)


def finished_run(workspace: Workspace, said: ClipPredictions, changes: dict[str, object] | None = None) -> Run:
    """A run without weights that has ended with these predictions."""
    config = RunConfig().replace({"data.dataset": "made", "data.fold": "1", **(changes or {})})
    run = Run.create(workspace, config)
    with run.hold():
        run.append(run.started())
        write(run, said)
        run.append(
            score(said.predicted, said.targets, list(said.labels), Circumstances(str(said.frame["fold"].iloc[0])))
        )
        run.append(RunFinished(state="finished", seconds=60.0))
    return run


def finished_crossval(workspace: Workspace, folds: int = 2) -> CrossValidation:
    """A cross-validation of folds 1, 2 and so on, of 40 clips each, whose runs have ended."""
    runs = []
    for number in range(1, folds + 1):
        clips = drawn(40, seed=number)
        clips.frame["clip"] = [f"{number}-{name}" for name in clips.frame["clip"]]
        clips.frame["fold"] = str(number)
        runs.append(finished_run(workspace, clips, {"data.fold": str(number)}))
    return crossval_of(runs)


def crossval_of(runs: Sequence[Run], name: str = "made", created: float = 1.0) -> CrossValidation:
    """A cross-validation of runs that are there, each of the fold of its settings."""
    experiment = CrossValidation.new(runs[0].workspace, f"crossval-{name}")
    members = [[str(run.config.data.fold), run.id] for run in runs]
    for (fold, _), run in zip(members, runs, strict=True):
        run.save("experiment", {"experiment": experiment.id, "kind": KIND, "fold": fold, "split": "official"})
    with experiment.draft() as draft:
        tree = runs[0].config.model_dump(mode="json")
        facts = {"kind": KIND, "created": created, "config": tree, "members": {"official": members}}
        draft.save("experiment", facts)
    return experiment


def write(run: Run, said: ClipPredictions) -> None:
    """The file of a run's predictions."""
    shares = said.probabilities.astype(np.float32)
    clips = len(said)
    bounds = np.stack([np.zeros(clips, dtype=np.int64), np.full(clips, 8000)], 1)
    made_up = said.frame["embedding"].isna().any()
    embeddings = np.ones((clips, 2)) if made_up else said.embeddings
    part = PredictionPart(shares, np.arange(clips), bounds, shares, embeddings.astype(np.float16))
    _, trouble = record(run.predictions, said.frame, list(said.labels), 8000, [part])
    assert trouble is None
