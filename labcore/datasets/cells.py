"""A cell of a clip table that holds several labels: ``Bark;Dog;-Rain``, and what is known of a clip by it.

=================  ====================================================================================
``Dog``            the clip has this label
``-Rain``          it has not, as folders of BirdNET's users say it: a known negative
``?Wind``          nobody knows whether it has this one
``?``              nobody knows of any label that the cell does not name
=================  ====================================================================================

What a cell does not name is absent, unless it has a ``?``: sets for tagging list all labels of a clip. Labels that are unknown count
neither in training nor in any figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MARK = ";"
NOT = "-"
UNSURE = "?"
PRESENT, ABSENT, UNKNOWN = 1, 0, -1
"""What is known of a label of a clip, as targets have it."""


@dataclass(frozen=True)
class Cell:
    """What is known of a clip. ``open``: of labels that it does not name, nothing is."""

    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    open: bool = False

    def state(self, label: str) -> int:
        """:data:`PRESENT`, :data:`ABSENT` or :data:`UNKNOWN`. Where a cell contradicts itself, nothing is known."""
        if label in self.unsure or (label in self.present and label in self.absent):
            return UNKNOWN
        if label in self.present:
            return PRESENT
        return UNKNOWN if self.open and label not in self.absent else ABSENT


@lru_cache(maxsize=100_000)
def read_cell(cell: str) -> Cell:
    """What a cell says. A sign alone, but for ``?``, is a label like any other."""
    present, absent, unsure, is_open = [], [], [], False
    for part in filter(None, (part.strip() for part in cell.split(MARK))):
        name = part[1:].strip()
        if part == UNSURE:
            is_open = True
        elif part.startswith(NOT) and name:
            absent.append(name)
        elif part.startswith(UNSURE) and name:
            unsure.append(name)
        else:
            present.append(part)
    return Cell(tuple(dict.fromkeys(present)), tuple(absent), tuple(unsure), is_open)


def states(cells: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """(clips, labels) int64: what is known of each label by the cell of each clip, as :meth:`Cell.state` tells it."""
    import numpy as np

    numbers = {label: number for number, label in enumerate(labels)}
    found = np.full((len(cells), len(labels)), ABSENT, dtype=np.int64)
    for row, text in zip(found, cells, strict=True):
        cell = read_cell(text)
        if cell.open:
            row[:] = UNKNOWN
        for label in {*cell.present, *cell.absent, *cell.unsure} & numbers.keys():
            row[numbers[label]] = cell.state(label)
    return found


def labels_of(cell: str) -> list[str]:
    """The labels that a clip has, by its cell of a table that may hold several."""
    return list(read_cell(cell).present)


def joined(labels: Iterable[str]) -> str:
    """Labels of one clip as its cell of the table: each once, in their order. A semicolon inside of a label becomes a comma."""
    tidied = (label.strip().replace(MARK, ",") for label in labels)
    return MARK.join(dict.fromkeys(label for label in tidied if label))


def rarest(cells: Sequence[str]) -> list[str]:
    """Of each clip the label that the fewest clips have, of equally rare ones the first by name: what clips of several labels are
    stratified by. A clip without any label goes by its cell."""
    counts = Counter(label for cell in cells for label in labels_of(cell))
    return [min(labels_of(cell), key=lambda label: (counts[label], label), default=cell) for cell in cells]


def mark_between(labels: Iterable[str], marks: str = ";|,") -> str | None:
    """What separates the labels in the cells of a list, or in the names of folders; None where each is one label.

    Cells hold several labels where their parts are labels of other cells too: ``dog;rain`` beside ``rain``. A comma stands in many a name
    (``Speech, male``), so half of the parts have to be labels elsewhere. "" means that nothing separates any, and that some cells
    say what is absent: ``-dog`` beside ``dog``.

    Args:
        marks: what may separate them.
    """
    distinct = set(labels)
    for mark in marks:
        held = {cell: {_name(part) for part in cell.split(mark)} - {""} for cell in distinct}
        counts = Counter(part for parts in held.values() for part in parts)
        parts = {part for cell in distinct if mark in cell for part in held[cell]}
        elsewhere = sum(counts[part] > 1 for part in parts)
        if elsewhere and (mark != "," or 2 * elsewhere >= len(parts)):
            return mark
    return "" if any(cell.startswith(NOT) and _name(cell) in distinct for cell in distinct) else None


def _name(part: str) -> str:
    """A part of a cell without its sign."""
    return part.strip().lstrip(NOT + UNSURE).strip()
