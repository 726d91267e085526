"""What is known of a recorded data set: its classes, its takes, and how takes become clips. Plain values; nothing here touches a disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labcore.datasets.labels import alike_sets, is_missing, tidy
from labcore.datasets.takes.levels import TakeLevels
from labcore.errors import DatasetError

LONGEST_NAME = 80
SEPARATORS = ";,|"
"""In lists of clips they stand between several labels."""
NEGATIVE = "-"
"""Before a label it says that the sound is not there."""
LEAST_CUT, MOST_CUT = 0.2, 600.0
"""Seconds of a clip that takes are cut into."""


@dataclass(frozen=True)
class Take:
    """One recording of one class.

    Attributes:
        number: of the data set's, counted up and never used again.
        time: when it was recorded, in seconds since 1970.
        by: who recorded it.
        session: what it has in common with others beside the class: a person, a place, a day.
        deleted: when it was deleted; None where it counts.
    """

    number: int
    label: str
    levels: TakeLevels
    time: float
    by: str = ""
    session: str = ""
    deleted: float | None = None

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.number:04d}.wav"


@dataclass(frozen=True)
class Ledger:
    """A recorded data set.

    Attributes:
        classes: names in the order in which they were given.
        takes: by number, deleted ones too.
        cut_s: longer takes are cut into clips of so many seconds; 0 for none.
        trim: silence at the ends of a take is left out.
        last: the highest number that any take had.
    """

    classes: tuple[str, ...] = ()
    takes: tuple[Take, ...] = ()
    cut_s: float = 0.0
    trim: bool = False
    last: int = 0
    format: int = field(default=1)

    @property
    def kept(self) -> tuple[Take, ...]:
        """The takes that count."""
        return tuple(take for take in self.takes if take.deleted is None)

    def of_class(self, label: str) -> tuple[Take, ...]:
        """The takes of a class that count, the newest first."""
        return tuple(take for take in reversed(self.kept) if take.label == label)

    def take(self, number: int) -> Take:
        """A take by its number, also one that is deleted.

        Raises:
            DatasetError: there is none.
        """
        for take in self.takes:
            if take.number == number:
                return take
        raise DatasetError(f"there is no take {number} any more", "Look at the list of takes again")

    def require_class(self, label: str) -> None:
        """Raises:
        DatasetError: there is no such class.
        """
        if label not in self.classes:
            raise DatasetError(f"there is no class {label!r} any more", "Choose another class")

    def with_classes(self, names: Sequence[str]) -> Ledger:
        """With more classes, behind those that are there.

        Raises:
            DatasetError: one of them is no name for a class, or is there already; none is added then.
        """
        classes = self.classes
        for name in names:
            classes = (*classes, class_name(name, classes))
        return replace(self, classes=classes)

    def renamed(self, label: str, to: str) -> Ledger:
        """With another name for a class; its takes follow, deleted ones too.

        Raises:
            DatasetError: there is no such class, or it cannot be called so.
        """
        self.require_class(label)
        others = [each for each in self.classes if each != label]
        new = class_name(to, others)
        takes = tuple(replace(take, label=new) if take.label == label else take for take in self.takes)
        return replace(self, classes=tuple(new if each == label else each for each in self.classes), takes=takes)

    def without_class(self, label: str, now: float) -> Ledger:
        """Without a class; its takes are deleted."""
        self.require_class(label)
        after = self.deleted([take.number for take in self.of_class(label)], now)
        return replace(after, classes=tuple(each for each in self.classes if each != label))

    def with_take(self, take: Take) -> Ledger:
        """With a take of one of its classes. Its number is one more than that of any before."""
        self.require_class(take.label)
        return replace(self, takes=(*self.takes, take), last=take.number)

    def deleted(self, numbers: Collection[int], now: float) -> Ledger:
        """With some of its takes deleted; they can be brought back."""
        for number in numbers:
            self.take(number)
        return self._with({n: {"deleted": now} for n in numbers})

    def restored(self, numbers: Collection[int], label: str = "") -> Ledger:
        """With deleted takes back in their classes. Those that are gone are made again, and so is ``label``."""
        labels = dict.fromkeys([*([label] if label else []), *(self.take(number).label for number in numbers)])
        missing = tuple(each for each in labels if each not in self.classes)
        return replace(self._with({n: {"deleted": None} for n in numbers}), classes=(*self.classes, *missing))

    def moved(self, number: int, label: str) -> Ledger:
        """With a take in another class."""
        self.take(number)
        self.require_class(label)
        return self._with({number: {"label": label}})

    def without_deleted(self, before: float) -> Ledger:
        """Without the takes that were deleted before a moment."""
        return replace(self, takes=tuple(take for take in self.takes if take.deleted is None or take.deleted >= before))

    def _with(self, changes: dict[int, dict[str, Any]]) -> Ledger:
        takes = tuple(replace(take, **changes.get(take.number, {})) for take in self.takes)
        return replace(self, takes=takes)


def class_name(text: str, others: Collection[str] = ()) -> str:
    """A name for a class as it is kept: in any script, in one line.

    Args:
        others: the classes that are there.

    Raises:
        DatasetError: it is empty, too long, means something else in a list of clips, or another class has it.
    """
    name = tidy(text)
    if not name:
        raise DatasetError("a class has no name", "Give it one")
    if len(name) > LONGEST_NAME:
        raise DatasetError(f"the class name {name[:20]!r}… has {len(name)} characters", f"Use at most {LONGEST_NAME}")
    if marks := [mark for mark in SEPARATORS if mark in name]:
        raise DatasetError(
            f"the class name {name!r} contains {marks[0]!r}, which separates several labels", "Leave it out"
        )
    if name.startswith(NEGATIVE):
        raise DatasetError(
            f"the class name {name!r} begins with a dash, which means that a sound is not there",
            "Begin it with another sign",
        )
    if is_missing(name):
        raise DatasetError(f"the class name {name!r} stands for no label in lists", "Choose another, as 'no_event'")
    if same := [found for found in alike_sets({*others, name}) if name in found]:
        other = next(each for each in same[0] if each != name)
        raise DatasetError(
            f"there is a class {other!r}, from which {name!r} differs in case and spaces only", "Choose another name"
        )
    if name in others:
        raise DatasetError(f"there is a class {name!r} already", "Choose another name, or move takes to it")
    return name


def class_names(text: str) -> list[str]:
    """The names in a text, one a line or with commas or semicolons between them; one that stands there twice counts once."""
    pieces = text.replace(",", "\n").replace(";", "\n").splitlines()
    return list(dict.fromkeys(name for piece in pieces if (name := tidy(piece))))


def counts(ledger: Ledger) -> dict[str, int]:
    """Class → its takes, in the order of the classes."""
    by_label = Counter(take.label for take in ledger.kept)
    return {label: by_label[label] for label in ledger.classes}
