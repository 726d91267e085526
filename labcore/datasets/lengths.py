"""How long the clips of a data set are, before any is decoded: by its table, and by the headers of a few files."""

from __future__ import annotations

import numpy as np

from labcore.audio import probe
from labcore.config.budget import covering
from labcore.datasets.table import Dataset
from labcore.errors import AudioError

FILES = 40
"""So many headers are read at most: a sample tells enough for a plan."""


def lengths_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Seconds of some of the clips, evenly spread over the given ones: (clips,), empty where nothing is known of any.

    Args:
        rows: (clips,) of the table.
    """
    rows = rows[np.linspace(0, len(rows) - 1, min(FILES, len(rows))).round().astype(int)] if len(rows) else rows
    table, found = dataset.table, []
    for row in rows.tolist():
        start, end = float(table["start_s"].iat[row]), float(table["end_s"].iat[row])
        if end != end:  # to the end of its file
            try:
                end = probe(table["path"].iat[row]).seconds
            except AudioError:
                continue
        found.append(max(0.0, end - start))
    return np.array(found)


def expected_seconds(dataset: Dataset, rows: np.ndarray, f_max: float) -> float | None:
    """About what the automatic length of the input will be; None where nothing is known.

    Args:
        rows: (clips,) those that are trained on.
        f_max: of the run's bands, in Hz.
    """
    lengths = lengths_of(dataset, rows)
    return covering(lengths.tolist(), f_max) if len(lengths) else None
