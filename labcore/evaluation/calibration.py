"""Whether a probability of 80 % is right four times out of five, and the temperature that makes it so. No torch.

Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.evaluation.intervals import wilson_interval
from labcore.texts import counted, percent

BINS = 15
ALIKE = 0.02
"""Confidence and accuracy that are nearer to each other are told as alike."""
COLDEST, HOTTEST = 0.05, 20.0
"""Temperatures that are looked at: beyond them lies what too few clips, or clips without a mistake, would ask for."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Clips whose confidence lies between two bounds: so many, their mean confidence, and the share that is right with its Wilson
    interval."""

    start: float
    end: float
    clips: int
    confidence: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram.

    Attributes:
        error: the expected calibration error, from 0 to 1: the mean distance of confidence and accuracy over the clips; None where
            there are no clips, or probabilities that are no numbers.
        confidence: mean of all clips; above the accuracy the network is too sure.
        bins: those that hold clips.
        effective: how many independent clips these are, as ``effective_clips`` in :class:`labcore.events.Evaluated`.
    """

    error: float | None
    confidence: float | None
    bins: list[ReliabilityBin]
    effective: float | None = None


def reliability(
    confidence: np.ndarray, right: np.ndarray, bins: int = BINS, effective: float | None = None
) -> Reliability:
    """Compare confidence and accuracy in bins of equal width.

    Args:
        confidence: (clips,) the probability of the predicted class.
        right: (clips,) whether that class is the true one.
        effective: as in :class:`Reliability`.
    """
    if not len(confidence) or not np.isfinite(confidence).all():
        return Reliability(None, None, [])
    of_clip = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    clips = np.bincount(of_clip, minlength=bins)
    sums = np.bincount(of_clip, confidence, bins)
    hits = np.bincount(of_clip, right, bins)
    rows = [
        ReliabilityBin(
            number / bins,
            (number + 1) / bins,
            int(clips[number]),
            float(sums[number] / clips[number]),
            float(hits[number] / clips[number]),
            *wilson_interval(int(hits[number]), int(clips[number])),
        )
        for number in np.flatnonzero(clips)
    ]
    error = float(np.abs(sums - hits).sum() / len(confidence))
    return Reliability(error, float(confidence.mean()), rows, effective)


def verdict(found: Reliability) -> str:
    """Whether a network is too sure, in a sentence; "" where there are no clips. It is not where its mean confidence lies within Wilson's
    interval of its accuracy."""
    if found.confidence is None or not found.bins:
        return ""
    clips = sum(each.clips for each in found.bins)
    accuracy = sum(each.clips * each.accuracy for each in found.bins) / clips
    gap, (low, high) = found.confidence - accuracy, wilson_interval(accuracy * clips, clips, found.effective)
    told = f"mean confidence {percent(found.confidence)}, accuracy {percent(accuracy)}"
    if abs(gap) < ALIKE:
        return f"It is about as sure as it is right: {told}."
    if low <= found.confidence <= high:
        return f"It is as sure as it is right, as far as {counted(clips, 'clip')} can tell: {told} ({100 * low:.1f} to {100 * high:.1f})."
    return f"It is {'too sure' if gap > 0 else 'not sure enough'}: {told}."


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at another temperature: (clips, classes) → (clips, classes). Above 1 they are less sure; their order stays.

    Of clips longer than a window it is near to what the classifier gives, which tempers each window before it takes their mean.
    """
    from scipy.special import softmax

    return np.asarray(softmax(_logarithms(probabilities) / temperature, axis=1))


def surprise(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The mean negative log-likelihood of the true classes, in nats."""
    return float(-_logarithms(probabilities)[np.arange(len(targets)), targets].mean())


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The temperature at which the true classes are the most likely, between :data:`COLDEST` and :data:`HOTTEST`.

    Args:
        probabilities: (clips, classes) of clips that the network was not trained on and that no figure is reported of.
        targets: (clips,) the numbers of their classes.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda logarithm: surprise(tempered(probabilities, float(np.exp(logarithm))), targets),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    """Of probabilities as float32 holds them: those that it rounds to nothing are its smallest."""
    return np.log(np.clip(probabilities, np.finfo(np.float32).tiny, None))
