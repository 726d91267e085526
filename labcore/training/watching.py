"""Which clips the curves are of: all that are watched, or as many as an epoch has time for."""

from __future__ import annotations

import numpy as np

FEWEST = 400
"""So many clips are evaluated in each epoch, however few are trained on."""
SHARE = 0.25
"""Beyond these, a quarter of the clips that are trained on: evaluating them takes about a tenth of the epoch."""


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
    windows = np.maximum(1.0, lengths / max(1e-6, clip_seconds)).mean() if len(lengths) else 1.0
    return max(FEWEST, SHARE * trained) / windows
