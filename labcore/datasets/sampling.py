"""Fewer clips to train on, where there are more than a training has time for."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace

import numpy as np

from labcore.config import DataConfig
from labcore.datasets.splits import split_for
from labcore.datasets.table import Dataset, own_labels, way_from
from labcore.texts import as_bytes

FEWEST_OF_A_CLASS = 8


def with_train_clips(dataset: Dataset, data: DataConfig, most: int) -> Dataset:
    """The data set with at most so many of the clips that are not held out, about as many of each class as before.

    The same clips are drawn on every machine. A class of few clips keeps them.

    Args:
        data: says what is held out.
        most: clips to keep for training and validation; classes of few clips may make it a little more.
    """
    parts = split_for(dataset, data)
    rows = np.concatenate([parts.train, parts.validation])
    if len(rows) <= most:
        return dataset
    labels = own_labels(dataset.table).to_numpy(dtype=object)
    sizes = Counter(labels[rows].tolist())
    least = min(FEWEST_OF_A_CLASS, -(-most // len(sizes)))
    room = {label: max(min(size, least), round(most * size / len(rows))) for label, size in sizes.items()}
    folder, dropped = dataset.folder, np.zeros(len(dataset.table), dtype=bool)
    paths, starts = dataset.table["path"], dataset.table["start_s"]

    def lot(row: int) -> tuple[int, int]:
        return zlib.crc32(as_bytes(f"{way_from(folder, paths.iat[row])}:{starts.iat[row]:g}")), row

    for row in sorted(rows.tolist(), key=lot):
        room[labels[row]] -= 1
        dropped[row] = room[labels[row]] < 0
    return replace(dataset, table=dataset.table[~dropped].reset_index(drop=True))
