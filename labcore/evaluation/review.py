"""Which clips of a run's predictions a person is asked about, and in which order. No torch."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.texts import as_bytes

Order = Literal["mixed", "mistakes", "all"]
BLOCK = 10
"""Clips that are shuffled among each other where mistakes come with others."""


@dataclass(frozen=True)
class ReviewClip:
    """A clip whose label a person is asked about.

    Attributes:
        clip, start_s: its path from the data set's folder on, and its start in seconds, as in ``predictions.parquet``.
        predicted, probability: what a network predicted for it, shown once the person has decided; "" and None for nothing.
    """

    clip: str
    start_s: float = 0.0
    predicted: str = ""
    probability: float | None = None


def review_clips(predictions: ClipPredictions, order: Order = "mixed") -> list[ReviewClip]:
    """The clips of predictions to ask about.

    Args:
        order: ``mistakes``: these alone, the most confident first. ``mixed``: the same, each with a clip that was predicted as its label
            says, so that its turn does not tell what was predicted. ``all``: every clip, shuffled once and for all.
    """
    rows = np.arange(len(predictions))
    if order == "all":
        return clips_of(predictions, sorted(rows.tolist(), key=lambda row: _lot(predictions, row)))
    wrong = predictions.predicted != predictions.targets
    mistakes = rows[wrong][np.argsort(-predictions.confidence[wrong], kind="stable")].tolist()
    if order == "mistakes":
        return clips_of(predictions, mistakes)
    others = sorted(rows[~wrong].tolist(), key=lambda row: _lot(predictions, row))
    chosen = list[int]()
    for begin in range(0, len(mistakes), BLOCK // 2):
        wrong_ones = mistakes[begin : begin + BLOCK // 2]
        block = [*wrong_ones, *others[begin : begin + len(wrong_ones)]]
        chosen += sorted(block, key=lambda row: _lot(predictions, row))
    return clips_of(predictions, chosen)


def clips_of(predictions: ClipPredictions, rows: Iterable[int]) -> list[ReviewClip]:
    """Some clips of predictions by their numbers, in this order."""
    frame, best, confidence = predictions.frame, predictions.predicted, predictions.confidence
    clips, starts = frame["clip"].to_list(), frame["start_s"].to_list()
    return [
        ReviewClip(clips[row], float(starts[row]), predictions.labels[best[row]], float(confidence[row]))
        for row in rows
    ]


def _lot(predictions: ClipPredictions, row: int) -> int:
    frame = predictions.frame
    return zlib.crc32(as_bytes(f"review:{frame['clip'].iat[row]}:{frame['start_s'].iat[row]:g}"))
