"""The figures of a point of a learning curve: those of its run, and of the baselines on the clips that the run was trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from labcore.curve.events import MEL, CurvePoint, Scored
from labcore.curve.job import LearningCurve, embedder
from labcore.datasets.record import TRAIN, ClipRecord
from labcore.datasets.resuming import dataset_of
from labcore.datasets.table import Dataset
from labcore.errors import RunError
from labcore.evaluation.centroids import nearest_centroid
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.metrics import Confusion, figures_of
from labcore.events import Event, Log
from labcore.explore.clips.facts import keys_of, measure
from labcore.jobs.following import follow
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.texts import shown

Clip = tuple[str, float]
"""What a clip is known by: its way from the data set's folder, and its start in seconds."""
Features = dict[Clip, np.ndarray]
"""Clip → (width,) float32; without those that cannot be read."""


@dataclass
class Scorer:
    """Scores the runs of a curve. The features of the baselines are worked out once, for all clips.

    Attributes:
        features: of each baseline.
        recordings: clip → the recording that it is of.
    """

    curve: LearningCurve
    features: dict[str, Features] = field(default_factory=dict)
    recordings: dict[Clip, str] = field(default_factory=dict)

    def score(self, name: str, run: Run, should_stop: StopTest) -> Iterator[Event]:
        """Tell the figures of a finished run, and of the baselines on its training clips.

        Raises:
            RunError: it has no predictions, or does not know its clips.
            DatasetError: its data set is gone.
            Stopped: it was asked to stop.
        """
        if not self.features:
            yield from self._prepare(run, should_stop)
        record = ClipRecord.load(run)
        if record is None:
            raise RunError(f"run {run.id} does not tell its training clips", "Delete the run, and resume the curve")
        predictions = ClipPredictions.read([run.predictions])
        names = np.array(predictions.labels, dtype=object)[predictions.predicted]
        truth, asked = (
            predictions.frame["label"].to_numpy(dtype=object),
            _clips(predictions.frame["clip"], predictions.frame["start_s"]),
        )
        trained = {(shown(clip.path), clip.start_s): shown(clip.label) for clip in record.clips if clip.part == TRAIN}
        pairs = {(label, self.recordings.get(clip, "")) for clip, label in trained.items()}
        yield CurvePoint(
            name=name,
            run_id=run.id,
            recordings=len(pairs) / len(set(trained.values())),
            clips=len(trained),
            epochs=run.status().epoch,
            groups=np.unique(predictions.groups, return_counts=True)[1].tolist(),
            recipe=scored(truth, names, predictions.groups),
            baselines={
                which: scored(truth, labelled(features, trained, asked), predictions.groups)
                for which, features in self.features.items()
            },
        )

    def _prepare(self, run: Run, should_stop: StopTest) -> Generator[Event, None, None]:
        """Work out the features of all clips of the data set."""
        workspace, plan = self.curve.workspace, self.curve.plan
        dataset = dataset_of(run, workspace, run.config.data.dataset)
        clips = _clips_of(dataset)
        self.recordings = dict(zip(clips, dataset.table["group"], strict=True))
        _, mels = yield from follow(
            "measuring clips", lambda progress: measure(workspace, dataset, progress), should_stop
        )
        found = {MEL: {clip: mel for clip, mel in zip(clips, mels, strict=True) if np.isfinite(mel).all()}}
        if plan.embeddings:
            from labcore.evaluation.embedded import embedded  # loads torch

            try:
                network = embedder(workspace, plan.embeddings)[1]
                everything = np.arange(len(clips))
                rows, vectors = yield from embedded(network, workspace, dataset, everything, should_stop)
                found[plan.embeddings] = {clips[row]: vector for row, vector in zip(rows, vectors, strict=True)}
            except RunError as error:  # deleted meanwhile: the curve itself does without
                yield Log(level="warning", message=f"no baseline on the embeddings of {plan.embeddings}: {error.what}")
        self.features = found


def labelled(features: Features, trained: Mapping[Clip, str], asked: Sequence[Clip]) -> np.ndarray:
    """The labels that the nearest centroids give clips, (clips,); "" for one without features.

    Args:
        trained: the training clips and their labels.
    """
    known = [clip for clip in trained if clip in features]
    there = np.array([clip in features for clip in asked], dtype=bool)
    found = np.full(len(asked), "", dtype=object)
    if known and there.any():
        train = np.stack([features[clip] for clip in known]).astype(np.float64)
        clips = np.stack([features[clip] for clip in asked if clip in features]).astype(np.float64)
        found[there] = nearest_centroid(train, np.array([trained[clip] for clip in known], dtype=object), clips)
    return found


def scored(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> Scored:
    """The figures of labels, (clips,), against the true ones, with the recording of each clip."""
    confusion: Confusion = {}
    for (label, other), clips in Counter(zip(truth, predicted, strict=True)).items():
        confusion.setdefault(label, {})[other] = clips
    figures = figures_of(confusion)
    _, of_clip = np.unique(groups, return_inverse=True)
    correct = np.bincount(of_clip, weights=truth == predicted)
    return Scored(accuracy=figures.accuracy, macro_f1=figures.macro_f1, correct=correct.astype(int).tolist())


def _clips_of(dataset: Dataset) -> list[Clip]:
    return [(clip, start) for clip, start, _ in keys_of(dataset)]


def _clips(ways: Sequence[str], starts: Sequence[float]) -> list[Clip]:
    return [(str(way), float(start)) for way, start in zip(ways, starts, strict=True)]
