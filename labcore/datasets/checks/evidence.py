"""What findings are worked out from: the clips of a data set that count, with what was measured of each, and which are copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labcore.datasets.checks.copies import candidates
from labcore.datasets.checks.measure import Found, Measured, Span
from labcore.datasets.contents import equal_files
from labcore.datasets.folds import linked
from labcore.datasets.remedies import ClipAt
from labcore.datasets.table import Dataset, channels_of


@dataclass(frozen=True)
class Evidence:
    """Clips that can be read and are not left out, each with what was measured of it.

    Attributes:
        spans, labels, folds, groups, found: of each clip.
        channels: the channel that it is heard by, counted from 1; 0 for the mean of all.
        equal: sets of clips whose files are equal, numbers of clips; silence is no sound that would be there twice.
        near: sets of clips that hold the same sound, in files that are not all equal.
    """

    spans: list[Span]
    labels: list[str]
    folds: list[str]
    groups: list[str]
    channels: list[int]
    found: list[Measured]
    equal: list[list[int]]
    near: list[list[int]]

    def __len__(self) -> int:
        return len(self.found)

    @classmethod
    def of(cls, dataset: Dataset, found: Sequence[Found], same: Iterable[tuple[int, int]] = ()) -> Evidence:
        """That of a data set.

        Args:
            found: a value a row of its table.
            same: rows that hold the same sound in files that differ.
        """
        table, there = dataset.table, [row for row, each in enumerate(found) if isinstance(each, Measured)]
        labels = table["label"].tolist()
        used = [row for row in there if labels[row] != ""]
        number = {row: place for place, row in enumerate(used)}
        spans = spans_of(dataset)
        sounding = [row for row in there if isinstance(each := found[row], Measured) and each.fingerprint.any()]
        equal = [[number[row] for row in rows if row in number] for rows in equal_clips(dataset, sounding)]
        near = [(number[one], number[other]) for one, other in same if one in number and other in number]
        columns = {name: table[name].to_numpy(dtype=object)[used].tolist() for name in ("label", "fold", "group")}
        channels = channels_of(table)
        ties = [*near, *((each[0], other) for each in equal for other in each[1:])]
        equals = {tuple(each) for each in equal}
        sets = [each for each in linked(ties) if tuple(each) not in equals]
        return cls(
            [spans[row] for row in used], columns["label"], columns["fold"], columns["group"], [channels[row] for row in used],
            [each for row in used if isinstance(each := found[row], Measured)],
            [each for each in equal if len(each) > 1], sets,
        )  # fmt: skip

    def at(self, rows: Iterable[int]) -> tuple[ClipAt, ...]:
        """Some clips by what they are called in a finding."""
        return tuple(ClipAt(self.spans[row].path, float(self.spans[row].start_s)) for row in rows)

    def files(self, rows: Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.spans[row].path for row in rows))

    def by(self, values: Sequence[str]) -> dict[str, list[int]]:
        """Value → the clips that have it."""
        found: dict[str, list[int]] = defaultdict(list)
        for row, value in enumerate(values):
            found[value].append(row)
        return found


def spans_of(dataset: Dataset) -> list[Span]:
    """Where each clip of a data set lies."""
    return [Span(*row) for row in zip(*(dataset.table[name].tolist() for name in Span._fields), strict=True)]


def equal_clips(dataset: Dataset, rows: Sequence[int]) -> list[list[int]]:
    """Sets of rows that name the same part of the same file, or of equal files, each of two or more."""
    spans = spans_of(dataset)
    content: dict[str, str] = {}
    for same in equal_files(spans[row].path for row in rows):
        content.update(dict.fromkeys(same, same[0]))
    sets: dict[tuple[str, float, str], list[int]] = defaultdict(list)
    for row in rows:
        path, start_s, end_s = spans[row]
        sets[content.get(path, path), start_s, str(end_s)].append(row)
    return [same for same in sets.values() if len(same) > 1]


def near_pairs(found: Sequence[Found], spans: Sequence[Span], groups: Sequence[str]) -> list[tuple[int, int]]:
    """Rows whose fingerprints are near each other. Equal files, parts of one file and clips of one group, which are known to belong
    together, are not compared."""
    rows = [row for row, each in enumerate(found) if isinstance(each, Measured)]
    content = {span.path: span.path for span in spans}
    for same in equal_files(spans[row].path for row in rows):
        content.update(dict.fromkeys(same, same[0]))
    measured = [each for each in found if isinstance(each, Measured)]

    def related(one: int, other: int) -> bool:
        first, second = rows[one], rows[other]
        return groups[first] == groups[second] or content[spans[first].path] == content[spans[second].path]

    return [(rows[one], rows[other]) for one, other in candidates(measured, related)]
