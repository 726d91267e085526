"""Which clips the curves are of, all that are watched or as many as an epoch has time for, and after which epochs they are evaluated."""

from __future__ import annotations

import math

import numpy as np

from labcore.audio.waveforms import WINDOW_SLACK
from labcore.config.budget import WATCH_COSTS

FEWEST = 400
"""So many clips are evaluated in each epoch, however few are trained on."""
SHARE = 0.25
"""Beyond these, a quarter of the clips that are trained on: evaluating them takes about a tenth of the epoch."""
MOST_OF_TRAINING = 0.2
"""Where evaluating takes more than this share of the training, it is not done after each epoch."""
FEWEST_POINTS = 20
"""So many epochs are evaluated at least."""


def watched_of(rows: np.ndarray, strata: np.ndarray, most: float) -> np.ndarray:
    """Some of the clips, of each class about the same share and at least one. The same ones each time.

    Args:
        rows: (clips,) those that could be watched.
        strata: (clips,) class numbers of these.
        most: how many there is time for.

    Returns:
        (watched,) rows in their order; all of them where there is time.
    """
    if len(rows) <= most:
        return rows
    kept = np.zeros(len(rows), dtype=bool)
    for stratum in np.unique(strata):
        (places,) = np.nonzero(strata == stratum)
        count = max(1, round(len(places) * most / len(rows)))
        kept[places[np.linspace(0, len(places) - 1, count).round().astype(int)]] = True
    return rows[kept]


def most_watched(trained: int, lengths: np.ndarray, clip_seconds: float) -> float:
    """How many clips there is time for in each epoch, where a long one counts by its windows.

    Args:
        trained: clips of an epoch.
        lengths: (clips,) seconds of those that could be watched.
        clip_seconds: of a window.
    """
    windows = windows_of(lengths, max(1e-6, clip_seconds)).mean() if len(lengths) else 1.0
    return float(max(FEWEST, SHARE * trained) / windows)


def windows_of(lengths: np.ndarray, clip_seconds: float) -> np.ndarray:
    """(clips,) seconds → how many windows of ``clip_seconds`` each clip is evaluated by: those of
    :func:`labcore.audio.waveforms.window_bounds` that overlap by half."""
    return 1 + np.ceil(np.maximum(0.0, 2 * (lengths / clip_seconds - 1 - WINDOW_SLACK)))


def evaluated_every(trained: int, windows: int, epochs: int) -> int:
    """How many epochs lie between two evaluations: more where few clips are trained on and many evaluated.

    By counts and not by times, so that a run does the same wherever it goes on, and in all of its processes.

    Args:
        trained: clips of an epoch.
        windows: that are evaluated.
        epochs: of the whole run.
    """
    wanted = math.ceil(WATCH_COSTS * windows / (MOST_OF_TRAINING * max(1, trained)))
    return max(1, min(wanted, epochs // FEWEST_POINTS))


def is_evaluated(epoch: int, every: int, epochs: int) -> bool:
    """Whether an evaluation follows an epoch: the first, the last, and every so many between."""
    return epoch in (1, epochs) or epoch % every == 0


def evaluations(every: int, epochs: int) -> int:
    """How many there are in a whole run."""
    return sum(is_evaluated(epoch, every, epochs) for epoch in range(1, epochs + 1))
