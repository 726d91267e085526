"""Parts of a data set (train, val, test, folds) by the names of folders and lists, the cells of a column, and lists of their files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labcore.datasets.columns import words
from labcore.datasets.csvtext import decode_text
from labcore.datasets.scan import Found, entries, is_audio, is_file, open_regular
from labcore.datasets.table import Finding, some
from labcore.texts import whole_number

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

FOLD_NUMBER = re.compile(r"(?:fold[ _-]*)?(-?\d{1,18})(?:\.0*)?")
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
SPEECH_COMMANDS = ("validation_list.txt", "testing_list.txt")
SUFFIXES = (".txt", ".lst", ".list", ".csv")
LONGEST = 64 * 1024**2
"""Bytes; a longer text is no list of files."""
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
    if (match := FOLD_FOLDER.match(name)) and (fold := whole_number(match[1])) is not None:
        return Named(str(fold))
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
    if (number := FOLD_NUMBER.fullmatch(low)) and (fold := whole_number(number[1])) is not None:
        return str(fold)
    named = part_named(text.strip())
    return named.part if named and named.plain else text.strip()


def _siblings(one: Named, other: Named) -> bool:
    return one.part != other.part and [w for w in one.stem if w not in NEUTRAL] == [
        w for w in other.stem if w not in NEUTRAL
    ]


@dataclass(frozen=True)
class PartLists:
    """Lists that name the files of each part of class folders, a line a file, as Speech Commands' validation_list.txt does.

    Attributes:
        folds: file, as its parts in lower case → fold.
        names, paths: the lists that were taken.
        findings: what there is to tell about them.
        only_listed: one names the files to train on, so that those that none names are left out.
    """

    folds: dict[tuple[str, ...], str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    only_listed: bool = False

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def speech_commands(self) -> bool:
        return set(SPEECH_COMMANDS) <= set(self.names)

    def fold_of(self, parts: tuple[str, ...]) -> str | None:
        """The fold of a file; "" where there are no lists, None where it is left out."""
        if not self.names:
            return ""
        return self.folds.get(_key(parts), None if self.only_listed else "train")

    @classmethod
    def beside(cls, root: Path, found: Found) -> PartLists:
        """The lists in a folder of class folders; none where no list names files that are there.

        Those of Speech Commands count with a part of its words too.
        """
        there = {_key(parts): parts for parts in found.files}
        tops = {key[0] for key in there}
        folds: dict[tuple[str, ...], str] = {}
        names, twice, gone = [], 0, []
        for entry in entries(root):
            stem, _, ending = entry.name.rpartition(".")
            named = part_named(stem)
            if f".{ending.lower()}" not in SUFFIXES or named is None:
                continue
            listed = _lines(root / entry.name)
            if entry.name in SPEECH_COMMANDS:
                listed = [key for key in listed if key[0] in tops]
            known = [key for key in listed if key in there]
            if len(known) < 0.5 * len(listed) or not known:
                continue
            names.append(entry.name)
            gone += ["/".join(key) for key in listed if key not in there]
            for key in known:
                twice += folds.setdefault(key, named.part) != named.part
        if not names:
            return cls()
        only_listed = "train" in folds.values()
        unlisted = sorted("/".join(parts) for key, parts in there.items() if key not in folds) if only_listed else []
        paths = tuple(str(root / name) for name in names)
        return cls(folds, tuple(names), paths, tuple(_findings(root, names, twice, gone, unlisted)), only_listed)


def _findings(root: Path, names: list[str], twice: int, gone: list[str], unlisted: list[str]) -> Iterator[Finding]:
    lists = some(names)
    yield Finding("part lists", f"the parts were read from {lists}", level="note")
    if gone:
        yield Finding("missing", f"{len(gone)} files that {lists} name are missing: {some(gone)}", tuple(gone))
    if twice:
        what = f"{twice} files are listed for two parts in {lists}; the first one is used"
        yield Finding("listed twice", what, remedy="List each once")
    if unlisted:
        files = tuple(str(root / name) for name in unlisted)
        what = f"{len(unlisted)} files are not listed in {lists} and are skipped"
        yield Finding("unlisted", what, files, "Add them to a list")


def _lines(path: Path) -> list[tuple[str, ...]]:
    """The files that a list names, as their parts; empty where it is none."""
    try:
        if not is_file(path) or path.stat().st_size > LONGEST:
            return []
        with open_regular(path) as file:
            lines = decode_text(file.read()).splitlines()
    except OSError:
        return []
    names = [line.strip().strip('"').replace("\\", "/").removeprefix("./") for line in lines if line.strip()]
    if not names or sum(map(is_audio, names)) < 0.9 * len(names):
        return []
    return [_key(tuple(name.split("/"))) for name in names]


def _key(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in parts)
