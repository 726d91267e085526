"""Labels that look wrong: confident learning on predictions of networks that were not trained on the clips.

Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021. A class has a threshold:
the mean probability that clips with its label are given for it. A clip counts as one of the class whose threshold it reaches, of several
the most probable; where that is not its label, the label looks wrong. Clips of one recording with one label are one decision.

No torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions

REACHED = 1e-6
"""A probability that is below a threshold by less reaches it, so that a class of equal probabilities reaches its own."""


@dataclass(frozen=True)
class Suspicion:
    """The clips of a recording that have one label.

    Attributes:
        group: the recording.
        label: what its clips are labelled as.
        suggested: the class that they look like.
        rows: (clips,) their numbers in the predictions, the most suspicious first.
        quality: how well the label fits, from 0 to 1: the mean over its clips, see :func:`qualities`.
        flagged: how many of the clips confident learning takes for another class.
    """

    group: str
    label: str
    suggested: str
    rows: np.ndarray
    quality: float
    flagged: int

    @property
    def suspicious(self) -> bool:
        """Whether the label looks wrong: another class is more probable on average, or confident learning takes a clip for one."""
        return self.quality < 0.5 or self.flagged > 0


def thresholds(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The mean probability of each class over the clips with its label: (classes,); infinite for a class without clips.

    Args:
        probabilities: (clips, classes) of networks that were not trained on the clips.
        given: (clips,) the numbers of their labels.
    """
    clips = np.bincount(given, minlength=probabilities.shape[1])
    own = np.bincount(given, probabilities[np.arange(len(given)), given], minlength=probabilities.shape[1])
    return np.divide(own, clips, out=np.full(len(clips), np.inf), where=clips > 0)


def confident_classes(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The class that each clip counts as one of: (clips,) int64; -1 where it reaches no threshold."""
    reached = probabilities >= thresholds(probabilities, given) - REACHED
    best: np.ndarray = np.where(reached, probabilities, -1.0).argmax(1)
    return np.where(reached.any(1), best, -1)


def looks_wrong(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Whether each label looks wrong: (clips,) bool. The clip counts as one of another class, which is also the most probable one."""
    counted = confident_classes(probabilities, given)
    return (counted >= 0) & (counted != given) & (probabilities.argmax(1) != given)


def qualities(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How well each label fits: (clips,) from 0 to 1, half the normalised margin and a half.

    The margin is the probability of the label less that of the most probable other class.
    """
    rows = np.arange(len(given))
    others = probabilities.copy()
    others[rows, given] = -np.inf
    return (probabilities[rows, given] - others.max(1) + 1) / 2


def suspicions(predictions: ClipPredictions) -> list[Suspicion]:
    """All recordings, those whose labels fit worst first. Clips of classes that the networks do not know are left out.

    Args:
        predictions: of a run what it held out, of a cross-validation the clips of all folds: no network was trained on them.

    Raises:
        RunError: there are no clips of two classes, so that no label can be another one.
    """
    known = predictions.chosen(predictions.targets >= 0)
    if len(known.labels) < 2 or not len(known):
        raise RunError(
            "labels cannot be compared: there are no clips of known classes", "Evaluate on clips with labels"
        )
    numbers = np.flatnonzero(predictions.targets >= 0)
    probabilities, given, groups = known.probabilities, known.targets, known.frame["group"].to_numpy(dtype=str)
    quality, flagged = qualities(probabilities, given), looks_wrong(probabilities, given)
    units, unit = np.unique(np.stack([groups, given.astype(str)]), axis=1, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    found = []
    for rows in np.split(order, np.cumsum(np.bincount(unit, minlength=units.shape[1]))[:-1]):
        rows = rows[np.argsort(quality[rows], kind="stable")]
        means = probabilities[rows].mean(0)
        means[given[rows[0]]] = -1.0
        label, suggested = known.labels[given[rows[0]]], known.labels[int(means.argmax())]
        told = float(quality[rows].mean()), int(flagged[rows].sum())
        found.append(Suspicion(str(groups[rows[0]]), label, suggested, numbers[rows], *told))
    return sorted(found, key=lambda each: each.quality)


def table_of(found: Iterable[Suspicion], predictions: ClipPredictions) -> pd.DataFrame:
    """A row a clip, in the order of the decisions.

    Returns:
        Columns recording, label, suggested, quality and flagged of the decision, clip, start_s, end_s and fold of the clip, and p_label,
        the probability that it is given for its label.
    """
    found = list(found)
    rows = np.concatenate([each.rows for each in found]) if found else np.zeros(0, dtype=np.int64)
    decision = np.repeat(np.arange(len(found)), [len(each.rows) for each in found])
    facts = pd.DataFrame(
        [(each.group, each.label, each.suggested, round(each.quality, 6), each.flagged) for each in found],
        columns=["recording", "label", "suggested", "quality", "flagged"],
    )
    clips = predictions.frame.iloc[rows][["clip", "start_s", "end_s", "fold"]].reset_index(drop=True)
    table = facts.iloc[decision].reset_index(drop=True).join(clips)
    shares = predictions.probabilities[rows, predictions.targets[rows]] if len(rows) else np.zeros(0)
    return table.assign(p_label=shares.round(6))
