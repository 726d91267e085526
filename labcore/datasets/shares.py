"""Parts train, val and test are drawn for a data set by shares: grouped, and with about the same classes in each."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from labcore.datasets.drawing import GroupedFolds, require_groups, told_of_classes
from labcore.datasets.grouping import Grouping
from labcore.datasets.several import labels_by_clip, strata
from labcore.datasets.table import PARTS, Dataset, own_labels
from labcore.errors import ConfigError
from labcore.texts import as_bytes

NAMES = {2: ("train", "test"), 3: PARTS}
"""How many shares are given → what they are of."""
ROUNDING = 0.011
"""Three thirds may be given as 33,33,33. Ratios, with slashes, make any sum."""


def shares_of(text: str) -> dict[str, float]:
    """``70,15,15`` (train, val, test) or ``80,20`` (train, test) as parts of a whole.

    Raises:
        ConfigError: they are not two or three positive numbers, or do not make a whole.
    """
    wrong = ConfigError(
        f"{text!r} are no shares", "Give two or three, as 80,20 (train, test) or 70,15,15 (train, val, test)"
    )
    try:
        numbers = [float(each.strip().removesuffix("%")) for each in text.replace("/", ",").split(",")]
    except ValueError as error:
        raise wrong from error
    if len(numbers) not in NAMES or not all(0 < number < 1e6 for number in numbers):
        raise wrong
    whole = sum(numbers)
    if "/" not in text and not any(abs(whole - each) <= ROUNDING * each for each in (1, 100)):
        raise ConfigError(
            f"the shares {text} make {whole:g} together", "Give shares that make 100 or 1, or a ratio as 2/1/1"
        )
    return {part: number / whole for part, number in zip(NAMES[len(numbers)], numbers, strict=True)}


def make_parts(dataset: Dataset, grouping: Grouping, shares: Mapping[str, float], seed: int = 0) -> GroupedFolds:
    """Deal the groups of a data set to parts, large ones first, each to the part that lacks most of its classes.

    The same clips give the same parts on every machine, in whatever order. Groups that belong together become one before. A class with
    as many groups as there are parts is in every part; one with fewer is trained on first.

    Args:
        shares: of each part, train, val or test; their sum is 1.

    Raises:
        DatasetError: there are fewer groups than parts.
    """
    grouping = require_groups(dataset, grouping, len(shares), "parts")
    table = dataset.table
    labels = strata(table, own_labels(table)).tolist()
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, grouping.groups, strict=True):
        members[group][label] += 1
    dealer = _Dealer.of(members, shares)
    lots = {group: zlib.crc32(as_bytes(f"{seed}:{group}")) for group in members}
    part_of = {
        group: dealer.deal(members[group])
        for group in sorted(members, key=lambda group: (-members[group].total(), lots[group], group))
    }
    folds = [part_of[group] for group in grouping.groups]
    return GroupedFolds(grouping, folds, list(told_of_classes(labels_by_clip(table, table["label"].tolist()), folds)))


ALL = "\0"
"""Stands for the clips of whatever class."""


@dataclass
class _Dealer:
    """What the parts hold by now. The keys are classes, and :data:`ALL`.

    Attributes:
        totals: clips.
        left: groups that are to be dealt yet.
        held: part → its clips.
    """

    shares: Mapping[str, float]
    totals: Counter[str]
    left: Counter[str]
    held: dict[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, members: Mapping[str, Counter[str]], shares: Mapping[str, float]) -> _Dealer:
        totals, left = Counter[str](), Counter[str]()
        for clips in members.values():
            totals.update({**clips, ALL: clips.total()})
            left.update([*clips, ALL])
        return cls(shares, totals, left, {part: Counter() for part in shares})

    def deal(self, clips: Counter[str]) -> str:
        """The part that a group goes to."""
        every: dict[str, int] = {**clips, ALL: clips.total()}
        scarce = [key for key in every if self.left[key] <= sum(not held[key] for held in self.held.values())]

        def cost(part: str) -> tuple[bool, int, float, int]:
            held, share = self.held[part], self.shares[part]
            fills = [key for key in scarce if not held[key]]
            away = sum(
                n * (n + 2 * (held[key] - share * self.totals[key])) / self.totals[key] ** 2 for key, n in every.items()
            )
            return ALL not in fills and ALL in scarce, -len(fills), away, ("train", "test", "val").index(part)

        best = min(self.held, key=cost)
        self.held[best].update(every)
        self.left.subtract(every.keys())
        return best
