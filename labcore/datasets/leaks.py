"""What a split leaks: clips that belong together and stand on several of its sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from labcore.datasets.checks.evidence import equal_clips
from labcore.datasets.health import known_copies
from labcore.datasets.table import Dataset, natural_order
from labcore.errors import DatasetError
from labcore.texts import counted, shown

NAMED = 3
"""So many of what leaks are named."""
KINDS = {
    "recording": "recordings",
    "file with its copy": "files with their copies",
    "copy of a sound": "copies of a sound",
    "group": "groups",
}
"""What may leak, one and several of it."""
COPIES = ("file with its copy", "copy of a sound")


@dataclass(frozen=True)
class Leak:
    """What of one kind leaks.

    Attributes:
        kind: one of :data:`KINDS`.
        sets: the rows of what belongs together, a tuple each.
        sentence: what leaks and where, without the final stop.
    """

    kind: str
    sets: tuple[tuple[int, ...], ...]
    sentence: str

    @property
    def rows(self) -> list[int]:
        """All of its clips, ascending, each once."""
        return sorted({row for rows in self.sets for row in rows})

    @property
    def remedy(self) -> str:
        """What to do about it, a sentence without the final stop."""
        if self.kind in COPIES:
            return "Exclude all of the copies but one, or draw the folds anew: copies are kept together"
        return f"Put all clips of {'a' if self.kind != 'group' else 'the same'} {self.kind} into one fold, or draw the folds anew"


def find_leaks(dataset: Dataset, folds: Sequence[str], groups: Sequence[str] = ()) -> list[Leak]:
    """What stands in several folds and belongs together: recordings, equal files, copies that the last check found.

    Args:
        folds: of each clip; "" for one that is left out.
        groups: what else keeps clips together, a value a clip; "" for nothing.
    """
    ways = [shown(path) for path in dataset.table["path"]]
    told, known = [], set[frozenset[int]]()
    ties = (
        _sets(dataset.table["group"].tolist()),
        _sets(content_of(dataset)),
        [list(pair) for pair in known_copies(dataset)],
        _sets(groups) if groups else [],
    )
    for (one, several), sets in zip(KINDS.items(), ties, strict=True):
        used = ([row for row in held if folds[row]] for held in sets)
        there = [rows for rows in used if len({folds[row] for row in rows}) > 1]
        found = [rows for rows in there if not any(frozenset(rows) <= each for each in known)]
        known.update(map(frozenset, found))
        if found:
            first = "; ".join(_where(rows, ways, folds) for rows in found[:NAMED])
            sentence = f"{counted(len(found), one, several)} in several folds: {first}"
            told.append(Leak(one, tuple(map(tuple, found)), sentence))
    return told


def leaks_of(dataset: Dataset, folds: Sequence[str], groups: Sequence[str] = ()) -> list[str]:
    """The same, a sentence each."""
    return [leak.sentence for leak in find_leaks(dataset, folds, groups)]


def require_no_leak(dataset: Dataset, folds: Sequence[str], groups: Sequence[str], name: str) -> None:
    """Refuse folds in which something that belongs together stands in several.

    Raises:
        DatasetError: there is such a thing; it names the first.
    """
    if told := leaks_of(dataset, folds, groups):
        raise DatasetError(
            f"the split {name!r} leaks: {'; '.join(told)}",
            f"Draw it anew: `labcore datasets split {quote(dataset.name)} --by source --as NAME`, or exclude the copies",
        )


def content_of(dataset: Dataset) -> list[object]:
    """A value a clip that is equal for equal files of which the same part is taken; None where there is no other, and of clips that are
    left out."""
    content: list[object] = [None] * len(dataset)
    used = [row for row, label in enumerate(dataset.table["label"].tolist()) if label]
    for number, same in enumerate(equal_clips(dataset, used)):
        for row in same:
            content[row] = number
    return content


def _sets(values: Sequence[object]) -> list[list[int]]:
    """The rows of each value that several have; None and "" tie nothing."""
    rows: dict[object, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if value not in (None, ""):
            rows[value].append(row)
    return [held for held in rows.values() if len(held) > 1]


def _where(rows: Iterable[int], ways: Sequence[str], folds: Sequence[str]) -> str:
    """``a.wav in fold 1 and b.wav in fold 2``: a clip of each fold."""
    first = {folds[row]: row for row in reversed(list(rows)) if folds[row]}
    return " and ".join(f"{ways[first[fold]].rpartition('/')[2]} in fold {fold}" for fold in natural_order(set(first)))
