"""The clips of a data set as a table to look through: what is known of each, searched, filtered and sorted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labcore.datasets.rows import Row
from labcore.datasets.several import labels_by_clip, several_in, strata
from labcore.datasets.table import CHANNEL, Dataset, channels_of, own_labels
from labcore.explore.clips.facts import KEYS, MEASURED, RECORDED, key_columns
from labcore.texts import all_shown, composed, shown

ORDERS = {
    "": "as listed",
    "name": "name",
    "-seconds": "longest",
    "seconds": "shortest",
    "-level_db": "loudest",
    "level_db": "quietest",
}
"""Column, with a minus for the other way round → the order in words."""
FLAGS = {"corrected": "corrected", "left_out": "left out", "unreadable": "cannot be read"}
"""A column of truths → what is said of its clips."""
NOT_MEASURED = {
    **dict.fromkeys(MEASURED, ""),
    **dict.fromkeys(("rate", "channels"), 0),
    **dict.fromkeys(("seconds", "level_db", "peak_db"), math.nan),
}
"""What stands in the place of each figure of a clip that was not measured."""


def clip_table(dataset: Dataset, facts: pd.DataFrame) -> pd.DataFrame:
    """A row a clip, in the order of the data set's table.

    Args:
        dataset: with its labels as they are corrected by now.
        facts: what was measured of its clips, from :func:`labcore.explore.clips.facts.known_facts`.

    Returns:
        The columns ``path``, ``clip`` (its way from the data set's folder), ``name`` (of its file, and where in that it begins),
        ``label`` (that counts; "" for a clip that is left out), ``own_label`` (the data set's), ``fold``, ``group``, ``start_s``,
        ``end_s`` (-1 for the file's end), ``channel`` (the one that is heard alone, 0 for the mean of all), ``seconds``, ``rate``,
        ``channels``, ``level_db``, ``peak_db``, ``trouble``, those of :data:`RECORDED` and ``day`` (of ``time``); nan, 0 or "" where a
        clip was not measured. ``measured``, ``corrected``, ``left_out`` and ``unreadable`` are truths. Where clips may have several
        labels, ``labels`` are those of each, and ``main`` is the one that the fewest clips have.
    """
    table = dataset.table
    clips, starts, ends = key_columns(dataset)
    columns = {
        "path": table["path"], "clip": clips, "name": _names(clips, starts),
        "label": table["label"], "own_label": own_labels(table), "fold": all_shown(table["fold"]), "group": all_shown(table["group"]),
    }  # fmt: skip
    # objects from the first: a string of pandas cannot hold a name that is not UTF-8
    frame = pd.DataFrame({name: pd.Series(texts, dtype=object) for name, texts in columns.items()})
    frame["start_s"], frame["end_s"], frame[CHANNEL] = starts, ends, channels_of(table)
    if several_in(table):
        frame["labels"], frame["main"] = (
            labels_by_clip(table, table["label"].to_numpy()),
            strata(table, table["label"].to_numpy()),
        )
    return _flagged(frame.assign(**_measured(frame, facts)))


def _measured(frame: pd.DataFrame, facts: pd.DataFrame) -> dict[str, np.ndarray]:
    """What was measured of each clip, and whether anything was."""
    keys = [[part[name].to_list() for name in (*KEYS, CHANNEL)] for part in (frame, facts)]
    there = np.arange(len(frame))
    if keys[0] != keys[1]:
        first: dict[tuple[object, ...], int] = {}
        for number, key in enumerate(zip(*keys[1], strict=True)):
            first.setdefault(key, number)
        there = np.array([first.get(key, -1) for key in zip(*keys[0], strict=True)], dtype=np.int64)
    known = there >= 0
    made = {"measured": known}
    for name, nothing in NOT_MEASURED.items():
        made[name] = np.full(len(frame), nothing, dtype=object if nothing == "" else np.asarray(nothing).dtype)
        if known.any():
            made[name][known] = facts[name].to_numpy()[there[known]]
    return made


def by_label(frame: pd.DataFrame) -> pd.DataFrame:
    """A :func:`clip_table` with a row a label: a clip of several labels is there as often. The index stays."""
    return (
        frame
        if "labels" not in frame
        else frame.assign(label=frame["labels"]).explode("label").dropna(subset=["label"])
    )


def _names(clips: list[str], starts: list[float]) -> list[str]:
    names = [clip.rpartition("/")[2] for clip in clips]
    return [f"{name} from {start:g} s" if start else name for name, start in zip(names, starts, strict=True)]


def _flagged(frame: pd.DataFrame) -> pd.DataFrame:
    spans = (frame["end_s"] - frame["start_s"]).where(frame["end_s"] >= 0)
    frame["seconds"] = frame["seconds"].fillna(spans)
    frame["day"] = pd.Series([time[:10] for time in frame["time"]], dtype=object)
    frame["left_out"] = frame["label"] == ""
    frame["corrected"] = (frame["label"] != frame["own_label"]) & ~frame["left_out"]
    frame["unreadable"] = frame["trouble"] != ""
    return frame


@dataclass(frozen=True)
class ClipFilter:
    """Which clips are wanted.

    Attributes:
        labels, folds: clips of these; of all where none is named. A clip of several labels is wanted for each of them. "" is the
            label of clips that are left out.
        recorders, days: clips of these, as recorders wrote it; of all where none is named.
        words: each is in the clip's way, its recording, its label or what its recorder wrote, whatever the case.
        shortest, longest: bounds of the length in seconds; of clips whose length is known, where one is given.
        flag: one of :data:`FLAGS`; "" for none.
        order: one of :data:`ORDERS`.
    """

    labels: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    recorders: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    words: str = ""
    shortest: float = 0.0
    longest: float = math.inf
    flag: str = ""
    order: str = ""

    @property
    def narrows(self) -> bool:
        """Whether clips are left out by it."""
        return self != ClipFilter(order=self.order)

    def rows(self, frame: pd.DataFrame) -> np.ndarray:
        """The numbers of the clips of a :func:`clip_table` that are wanted, in the order that is wanted."""
        wanted = np.ones(len(frame), dtype=bool)
        for column, values in (("fold", self.folds), ("recorder", self.recorders), ("day", self.days)):
            if values:
                wanted &= frame[column].isin(values).to_numpy()
        if self.labels:
            every = by_label(frame)
            labelled = frame.index.isin(every.index[every["label"].isin(self.labels)])
            wanted &= labelled | (frame["left_out"].to_numpy() & ("" in self.labels))
        if self.shortest > 0 or self.longest < math.inf:
            wanted &= frame["seconds"].between(self.shortest, self.longest).to_numpy()
        if self.flag:
            wanted &= frame[self.flag].to_numpy(dtype=bool)
        rows = np.flatnonzero(wanted)
        if words := _folded(self.words).split():
            columns = (
                _all_folded(frame[name].to_numpy()[rows]) for name in ("clip", "group", "label", "own_label", *RECORDED)
            )
            texts = ["\n".join(texts) for texts in zip(*columns, strict=True)]
            rows = rows[[all(word in text for word in words) for text in texts]]
        return self._ordered(frame, rows)

    def _ordered(self, frame: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        column = self.order.removeprefix("-")
        if not column:
            return rows
        values = frame[column].iloc[rows]
        if column == "name":
            values = values.map(_folded)
        order = values.reset_index(drop=True).sort_values(
            ascending=not self.order.startswith("-"), kind="stable", na_position="last"
        )
        return rows[order.index.to_numpy()]


def _folded(text: object) -> str:
    """A text to be compared: whatever its case, and the same in every normal form."""
    return composed(shown(text)).casefold()


def _all_folded(texts: np.ndarray) -> list[str]:
    """The same of many texts, each different one once."""
    known = {text: _folded(text) for text in dict.fromkeys(texts.tolist())}
    return [known[text] for text in texts.tolist()]


def row_at(frame: pd.DataFrame, number: int) -> Row:
    """A clip of a :func:`clip_table` to be seen and heard."""
    path, label, start, end, channel = frame.loc[number, ["path", "label", "start_s", "end_s", CHANNEL]]
    return Row(str(path), str(label), float(start), float(end) if end >= 0 else None, int(channel))


def counts(frame: pd.DataFrame) -> pd.DataFrame:
    """How many clips each class has in each fold: ``label``, ``fold``, ``clips``; those that are left out do not count."""
    there = by_label(frame[~frame["left_out"]])
    sizes: pd.DataFrame = there.groupby(["label", "fold"], sort=False).size().rename("clips").reset_index()
    return sizes


@dataclass(frozen=True)
class SetFacts:
    """A data set in figures.

    Attributes:
        clips, classes, folds: how many count: ``left_out`` are the others.
        measured: so many clips were measured, with those left out; ``seconds`` and ``rates`` (Hz → clips) are of those that count.
        corrected, left_out: how many clips.
        unreadable: so many of those that count cannot be read.
    """

    clips: int
    classes: int
    folds: int
    measured: int
    seconds: float
    rates: dict[int, int]
    corrected: int
    left_out: int
    unreadable: int

    @classmethod
    def of(cls, frame: pd.DataFrame) -> SetFacts:
        """Those of a :func:`clip_table`."""
        there = frame[~frame["left_out"]]
        rates = there["rate"][there["rate"] > 0].value_counts()
        return cls(
            len(there), by_label(there)["label"].nunique(), there["fold"].nunique(), int(frame["measured"].sum()),
            float(there["seconds"].sum()), {int(rate): int(many) for rate, many in rates.items()}, int(there["corrected"].sum()),
            len(frame) - len(there), int(there["unreadable"].sum()),
        )  # fmt: skip

    @property
    def total(self) -> int:
        """How many clips there are, with those left out."""
        return self.clips + self.left_out


def histogram(values: pd.Series) -> pd.DataFrame:
    """How many values lie where: ``low``, ``high``, ``clips``; a bin a row, at most 24, without those that hold none.

    Empty where there are fewer than two different values.
    """
    numbers = values.dropna().to_numpy(dtype=np.float64)
    if not len(numbers) or numbers.max() - numbers.min() < 1e-9:
        return pd.DataFrame({"low": [], "high": [], "clips": []})
    sizes, edges = np.histogram(numbers, bins=min(24, max(2, len(np.unique(numbers)))))
    frame = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "clips": sizes})
    return frame[frame["clips"] > 0].reset_index(drop=True)
