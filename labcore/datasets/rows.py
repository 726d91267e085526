"""Single clips of a data set, to be listed, seen and heard: where each lies, and the sound of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labcore.audio import Recording, content_of
from labcore.config import DataConfig
from labcore.datasets.named_splits import dataset_for
from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import split_for
from labcore.errors import DatasetError
from labcore.runs import Run
from labcore.texts import shown
from labcore.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

MOST_HELD_OUT = 500


class Row(NamedTuple):
    """A clip of a data set: its file, its label, and where it lies in that file, in seconds; None is the file's end."""

    path: str
    label: str
    start_s: float
    end_s: float | None

    @property
    def whole(self) -> bool:
        """Whether it is all of its file."""
        return self.start_s == 0 and self.end_s is None

    @property
    def name(self) -> str:
        name = shown(Path(self.path).name)
        return f"{name} from {self.start_s:g} s" if self.start_s else name

    @property
    def key(self) -> str:
        """What it is known by in a browser."""
        return shown(f"{self.path}-{self.start_s}-{self.end_s}")

    def content(self) -> bytes:
        """Its file, or the part of it as a file of its own.

        Raises:
            AudioError: it cannot be read.
        """
        if self.whole:
            return content_of(self.path)
        return Recording(self.path, start_s=self.start_s, end_s=self.end_s).as_wav()

    def beginning(self, seconds: float) -> bytes:
        """As WAV for a player, of a longer clip its first seconds.

        Raises:
            AudioError: it cannot be read.
        """
        last = self.start_s + seconds
        return Recording(
            self.path, start_s=self.start_s, end_s=last if self.end_s is None else min(last, self.end_s)
        ).as_wav()


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The clips of a data set's table, in its order."""
    columns = zip(*(table[name] for name in Row._fields), strict=True)
    return [
        Row(path, label, float(start), None if math.isnan(end) else float(end)) for path, label, start, end in columns
    ]


def shuffled(table: pd.DataFrame) -> pd.DataFrame:
    """The clips in an order that is drawn once and for all."""
    return table.iloc[np.random.default_rng(0).permutation(len(table))]


def rows_by_label(table: pd.DataFrame, most: int) -> dict[str, list[Row]]:
    """Label → its clips in a shuffled order, at most so many of each."""
    return {str(label): rows_of(part.head(most)) for label, part in shuffled(table).groupby("label") if label}


def held_out_rows(workspace: Workspace, data: DataConfig, run: Run | None = None) -> list[Row]:
    """The clips that a split holds out, in a shuffled order, :data:`MOST_HELD_OUT` at most.

    Args:
        run: the run that held them out, which knows its folds; without one they are those of the data set as it is.

    Raises:
        DatasetError: the data set is no longer there, or holds nothing out.
    """
    dataset = dataset_of(run, workspace, data.dataset) if run else dataset_for(workspace, data)
    held_out = dataset.table.iloc[split_for(dataset, data).held_out]
    if len(held_out) == 0:
        raise DatasetError(f"data set {data.dataset} holds no clips out", "Upload a clip instead")
    return rows_of(shuffled(held_out).head(MOST_HELD_OUT))
