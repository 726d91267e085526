"""Single clips of a data set, to be listed, seen and heard: where each lies, and the sound of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labcore.audio import Recording, content_of
from labcore.config import DataConfig
from labcore.datasets.in_split import dataset_for
from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import split_for
from labcore.datasets.table import channels_of
from labcore.errors import DatasetError
from labcore.runs import Run
from labcore.texts import shown
from labcore.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

MOST_HELD_OUT = 500


class Row(NamedTuple):
    """A clip of a data set: its file, its label, and where it lies in that file, in seconds; None is the file's end.

    ``channel`` is the one that is heard alone, counted from 1, as a training hears it; 0 for the mean of all.
    """

    path: str
    label: str
    start_s: float
    end_s: float | None
    channel: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is all of its file, with all channels."""
        return self.start_s == 0 and self.end_s is None and not self.channel

    @property
    def name(self) -> str:
        name = shown(Path(self.path).name)
        return f"{name} from {self.start_s:g} s" if self.start_s else name

    @property
    def key(self) -> str:
        """What it is known by in a browser."""
        return shown(f"{self.path}-{self.start_s}-{self.end_s}" + f"-{self.channel}" * bool(self.channel))

    def recording(self, sample_rate: int | None = None, seconds: float | None = None) -> Recording:
        """Its sound, as a network is given it.

        Args:
            sample_rate: in Hz; None keeps the file's own.
            seconds: of a longer clip its first ones only.
        """
        ends = [end for end in (self.end_s, self.start_s + seconds if seconds is not None else None) if end is not None]
        return Recording(
            self.path, sample_rate, start_s=self.start_s, end_s=min(ends, default=None), channel=self.channel or None
        )

    def content(self) -> bytes:
        """Its file, or the part of it as a file of its own.

        Raises:
            AudioError: it cannot be read.
        """
        if self.whole:
            return content_of(self.path)
        return self.recording().as_wav()

    def beginning(self, seconds: float) -> bytes:
        """As WAV for a player, of a longer clip its first seconds.

        Raises:
            AudioError: it cannot be read.
        """
        return self.recording(seconds=seconds).as_wav()


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The clips of a data set's table, in its order."""
    columns = (table[name] for name in ("path", "label", "start_s", "end_s"))
    return [
        Row(path, label, float(start), None if math.isnan(end) else float(end), channel)
        for path, label, start, end, channel in zip(*columns, channels_of(table), strict=True)
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
