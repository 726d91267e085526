"""Samples of a data set to train on: fewer clips, or fewer recordings of each class. What is held out stays whole."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from dataclasses import replace

import numpy as np

from labcore.config import DataConfig
from labcore.datasets.several import strata
from labcore.datasets.splits import split_for
from labcore.datasets.table import Dataset, own_labels, ways_from
from labcore.texts import as_bytes

FEWEST_OF_A_CLASS = 8
"""So many of its clips a class keeps at least, where fewer are trained on than there are."""


def with_train_clips(dataset: Dataset, data: DataConfig, most: int) -> Dataset:
    """The data set with at most so many of the clips that are not held out, about as many of each class as before.

    The same clips are drawn on every machine. A class of few clips keeps them.

    Args:
        data: says what is held out, and which sample is drawn.
        most: clips to keep for training and validation; classes of few clips may make it a little more.
    """
    rows = _not_held_out(dataset, data)
    if len(rows) <= most:
        return dataset
    labels = strata(dataset.table, own_labels(dataset.table))
    sizes = Counter(labels[rows].tolist())
    least = min(FEWEST_OF_A_CLASS, -(-most // len(sizes)))
    room = {label: max(min(size, least), round(most * size / len(rows))) for label, size in sizes.items()}
    dropped = np.zeros(len(dataset.table), dtype=bool)
    ways, starts = ways_from(dataset.folder, dataset.table["path"]), dataset.table["start_s"].tolist()

    def lot(row: int) -> tuple[bytes, int]:
        clip = as_bytes(f"{ways[row]}:{starts[row]:g}")
        return _lot(data.sample, clip) if data.sample > 1 else zlib.crc32(clip).to_bytes(4, "big"), row

    for row in sorted(rows.tolist(), key=lot):
        room[labels[row]] -= 1
        dropped[row] = room[labels[row]] < 0
    return _without(dataset, dropped)


def with_train_recordings(dataset: Dataset, data: DataConfig, most: int) -> Dataset:
    """The data set with at most so many recordings of each class among the clips that are not held out, all clips of the class in each.

    The same recordings are drawn on every machine, and those of a smaller number are among those of a larger one. A class of fewer
    recordings keeps them all.

    Args:
        data: says what is held out, and which sample is drawn.
        most: recordings of each class to keep for training and validation.
    """
    kept = {
        (label, recording)
        for label, recordings in recordings_of(dataset, data).items()
        for recording in sorted(recordings, key=lambda name: (_lot(data.sample, as_bytes(name)), name))[:most]
    }
    labels, groups = strata(dataset.table, own_labels(dataset.table)), dataset.table["group"]
    dropped = np.zeros(len(dataset.table), dtype=bool)
    for row in _not_held_out(dataset, data).tolist():
        dropped[row] = (labels[row], groups.iat[row]) not in kept
    return _without(dataset, dropped) if dropped.any() else dataset


def recordings_of(dataset: Dataset, data: DataConfig) -> dict[str, set[str]]:
    """Class → the recordings with clips of it among those that are not held out, by the labels of the data set itself."""
    found: dict[str, set[str]] = {}
    rows = _not_held_out(dataset, data)
    labels, groups = strata(dataset.table, own_labels(dataset.table))[rows], dataset.table["group"].iloc[rows]
    for label, group in zip(labels, groups, strict=True):
        found.setdefault(label, set()).add(group)
    return found


def sampled(dataset: Dataset, data: DataConfig) -> Dataset:
    """The data set with the training clips that a configuration asks for: some recordings of each class, of these some clips."""
    if data.train_recordings is not None:
        dataset = with_train_recordings(dataset, data, data.train_recordings)
    return dataset if data.train_clips is None else with_train_clips(dataset, data, data.train_clips)


def _not_held_out(dataset: Dataset, data: DataConfig) -> np.ndarray:
    """(clips,) the rows that are trained on or set aside for validation."""
    parts = split_for(dataset, data)
    return np.concatenate([parts.train, parts.validation])


def _lot(sample: int, name: bytes) -> bytes:
    """What the clips or recordings of a sample are sorted by: as good as random, and the same everywhere."""
    return hashlib.blake2b(b"%d:" % sample + name, digest_size=8).digest()


def _without(dataset: Dataset, dropped: np.ndarray) -> Dataset:
    return replace(dataset, table=dataset.table[~dropped].reset_index(drop=True))
