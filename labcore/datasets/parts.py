"""Parts of a data set (train, val, test, folds) by the names of folders, of lists, and of the cells of a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from labcore.datasets.columns import words

FOLD_NAMES = {
    **dict.fromkeys(("train", "training", "trn", "trainset", "traindata", "trainingset"), "train"),
    **dict.fromkeys(
        ("val", "valid", "validation", "validate", "validating", "dev", "devel", "development", "valset", "devset", "validationset"), "val"
    ),
    **dict.fromkeys(
        ("test", "testing", "tst", "eval", "evaluation", "evaluate", "testset", "testdata", "evalset", "holdout", "heldout"), "test"
    ),
}  # fmt: skip
"""Names of the parts of a data set, as folders or in a column."""

FOLD_FOLDER = re.compile(r"(?:cv)?fold[ _-]?(\d+)$", re.IGNORECASE)
NEUTRAL = frozenset(
    words(
        "audio audios data dataset datasets set sets clip clips wav wavs wave waves sound sounds file files folder "
        "sample samples split splits part subset recording recordings curated noisy clean raw all full final post "
        "competition scoring list lists metadata meta labels label annotations csv filtered official public private "
        "images"
    )
)
"""Words beside the name of a part that say nothing about a class."""
ASIDE = NEUTRAL | frozenset(
    words(
        "example examples demo extra extras misc other others unlabeled unlabelled background noise noises unused docs "
        "doc readme info tmp temp backup old new lost+found trash deleted"
    )
)
"""Words in the names of folders that lie beside parts and are no classes."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")


@dataclass(frozen=True)
class Named:
    """What a name says: the part, and the words beside it (``birds`` in ``birds-train``)."""

    part: str
    stem: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether nothing else is said: ``train``, ``audio_train``, ``TrainSet``."""
        return all(word in NEUTRAL for word in self.stem)


def part_named(name: str) -> Named | None:
    """The part that a name of a folder or of a list (without its ending) speaks of; None for none, or for more than one."""
    if match := FOLD_FOLDER.match(name):
        return Named(str(int(match[1])))
    words_in = [word.casefold() for word in _WORD.findall(name)]
    there = [word for word in words_in if word in FOLD_NAMES]
    if len({FOLD_NAMES[word] for word in there}) != 1:
        return None
    return Named(FOLD_NAMES[there[0]], tuple(word for word in words_in if word not in FOLD_NAMES))


def parts_among(names: Iterable[str]) -> dict[str, str]:
    """Which of some names, of folders or lists, are parts of one data set: name → part.

    A name of more words (``birds-train``) is one where nothing but neutral words are there, or where another part has the same others.
    """
    named = {name: found for name in names if (found := part_named(name))}
    return {
        name: found.part
        for name, found in named.items()
        if found.plain or any(_siblings(found, other) for other in named.values())
    }


def is_aside(name: str) -> bool:
    """Whether a folder beside parts has a name that none of its words makes a class of."""
    words_in = [word.casefold() for word in _WORD.findall(name)] or [name.casefold()]
    return all(word in ASIDE for word in words_in)


def tidy_fold(text: str) -> str:
    """A fold as the lab names it: train, val, test, or a number without its trimmings (fold3, 3.0 → 3)."""
    low = text.strip().lower()
    if low in FOLD_NAMES:
        return FOLD_NAMES[low]
    number = low.removeprefix("fold").strip(" _-")
    try:
        value = float(number)
        return str(int(value)) if value == int(value) else text.strip()
    except (ValueError, OverflowError):
        named = part_named(text.strip())
        return named.part if named and named.plain else text.strip()


def _siblings(one: Named, other: Named) -> bool:
    return one.part != other.part and [w for w in one.stem if w not in NEUTRAL] == [
        w for w in other.stem if w not in NEUTRAL
    ]
