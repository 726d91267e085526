"""From a clip in a table of predictions back to its sound: the file and the span in the data set as it lies now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from labcore.datasets.rows import Row, rows_of
from labcore.datasets.table import Dataset, way_from
from labcore.errors import DatasetError
from labcore.texts import shown

NEAR_SECONDS = 1e-3
"""Times that differ by less are the same: those of predictions are counted in samples of the network's rate."""


@dataclass(frozen=True)
class FoundClip:
    """Where a clip lies.

    Attributes:
        row: its file, the label that the data set gives it now, and its span.
        moved: its way from the data set's folder now, where that is another than it was; "" where it lies as before.
    """

    row: Row
    moved: str = ""


class ClipFinder:
    """Finds clips again by what ``predictions.parquet`` says of them.

    The clips of a data set lie where this lab may open files, since whoever makes its table looks there; whoever opens one looks again.

    Args:
        dataset: as :func:`labcore.datasets.resuming.dataset_of` or :func:`labcore.datasets.registry.find_dataset` give it, which follow
            a data set that was moved as a whole.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @cached_property
    def _by_way(self) -> dict[str, list[Row]]:
        ways: dict[str, list[Row]] = defaultdict(list)
        folder = self._dataset.folder  # looks at all clips: once
        for row in rows_of(self._dataset.table):
            ways[shown(way_from(folder, row.path))].append(row)
        return ways

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = defaultdict(list)
        for way in self._by_way:
            names[PurePath(way).name].append(way)
        return names

    def find(self, clip: str, start_s: float, end_s: float) -> FoundClip:
        """A clip by its columns ``clip``, ``start_s`` and ``end_s``; the span of a window of a clip is kept.

        A file that is no longer at its place and whose name stands in the data set once more is the one that was moved.

        Raises:
            DatasetError: it is no longer in the data set, several may be meant, or its span is none of a clip.
        """
        if clip in self._by_way:
            return FoundClip(self._span(clip, clip, start_s, end_s))
        others = self._by_name.get(PurePath(clip).name, [])
        if len(others) == 1:
            return FoundClip(self._span(clip, others[0], start_s, end_s), others[0])
        name = self._dataset.name
        if others:
            told = f"{len(others)} files of this name are at other places, as {others[0]}"
            raise DatasetError(f"{clip} is no longer at its place in data set {name}; {told}", "Put it back")
        raise DatasetError(
            f"{clip} is no longer in data set {name}",
            "It was deleted, renamed or moved away: put it back to see and hear it",
        )

    def _span(self, clip: str, way: str, start_s: float, end_s: float) -> Row:
        rows = [
            row
            for row in self._by_way[way]
            if row.start_s - NEAR_SECONDS <= start_s and (row.end_s is None or end_s <= row.end_s + NEAR_SECONDS)
        ]
        if rows:
            row = max(rows, key=lambda each: each.start_s)  # of clips that overlap the one that begins there
            whole = row.end_s is not None and end_s > row.end_s - NEAR_SECONDS
            return row._replace(start_s=start_s, end_s=row.end_s if whole else end_s)
        raise DatasetError(
            f"the data set {self._dataset.name} has no clip from {start_s:g} to {end_s:g} s in {clip} any more",
            "Its list of clips was changed: evaluate the run again",
        )
