"""What clips belong together: the speaker, the site, the day, the folder, or what a pattern says, read from the names of their files; or
what a recorder wrote into them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from labcore.audio.comments import comments_of
from labcore.datasets.labels import SITE
from labcore.datasets.scan import is_audio
from labcore.datasets.table import Dataset, own_labels, some, ways_from
from labcore.errors import ConfigError, DatasetError
from labcore.texts import all_shown, composed, counted

SOURCE, FOLDER = "source", "folder"
LOOKED_AT = 200
"""So many files of a data set tell which fields recorders write."""
ALONE = ("time", "temperature", "battery", "gain")
"""Fields of measures, which no group has in common."""
FITTING = 0.5
"""Of fewer of the names a pattern is not meant."""
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?=\D|$|\d{6}(?!\d))")
_SPEAKERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:^|[\W_])(?:actor|actress|speaker|spkr?|subject|subj|participant|person|singer|talker|voice|child)[\s_.-]*(\d+|[a-z](?![a-z]))",
        r"^(?:\d\d-){6}(\d\d)$",  # RAVDESS
        r"^(\d{4})_[A-Z]{3}_[A-Z]{3}_[A-Z]{1,2}$",  # CREMA-D
        r"^([OY]AF)_",  # TESS
        r"^(.+)_nohash_\d+$",  # Speech Commands
        r"^\d+_([a-z]+|\d+)_\d+$",  # FSDD, AudioMNIST
        r"^([psmf]\d{2,4})[_-]",  # VCTK and many others
    )
)
_SITE = re.compile(rf"(?:^|[\W_])({SITE})(?![a-z0-9])", re.IGNORECASE)
_FIELD = re.compile(r"\{(\w+)(?::(\d+|digits))?\}|(\*)|(\?)")


@dataclass(frozen=True)
class Grouping:
    """Which clips belong together.

    Attributes:
        by: what they are grouped by, as it was asked for.
        ways: of each clip, its path from the data set's folder on.
        groups: of each clip.
        unmatched: clips whose names do not tell: each keeps the recording that it was known by.
        joined: how many groups became one with another, since they share a recording or a copy of one.
    """

    by: str
    ways: list[str]
    groups: list[str]
    unmatched: list[int] = field(default_factory=list)
    joined: int = 0

    @property
    def sizes(self) -> dict[str, int]:
        """Group → clips, the largest first."""
        return dict(Counter(self.groups).most_common())

    @property
    def alone(self) -> int:
        """How many groups have one clip."""
        return sum(size == 1 for size in self.sizes.values())

    @property
    def sentence(self) -> str:
        """``12 groups by speaker, of 8 to 40 clips``, and what else there is to know, without the final stop."""
        sizes = list(self.sizes.values())
        span = (
            f"of {sizes[-1]} to {counted(sizes[0], 'clip')}"
            if sizes[0] != sizes[-1]
            else f"of {counted(sizes[0], 'clip')} each"
        )
        told = [f"{counted(len(sizes), 'group')} by {self.by}, {span}"]
        if 0 < self.alone < len(sizes):
            told.append(f"{counted(self.alone, 'group')} of one clip")
        if self.unmatched:
            told.append(
                f"{counted(len(self.unmatched), 'clip')} whose {_told_by(self.by)} do not tell, each with its own recording"
            )
        if self.joined:
            told.append(
                f"{counted(self.joined, 'group')} joined with others, since they share a recording or a copy of one"
            )
        return "; ".join(told)


def group_by(dataset: Dataset, by: str) -> Grouping:
    """Group the clips of a data set.

    Args:
        by: ``source`` (the recordings that the data set tells), ``speaker``, ``site``, ``day``, ``folder``, or a pattern as
            ``{speaker}_*``: a field in braces is what clips are grouped by, ``{n:4}`` is one of four signs, ``{n:digits}`` one of digits,
            ``*`` is anything and ``?`` one sign. A pattern with a slash is matched with the end of the path from the data set's
            folder on, another one with the file's name; the ending may be left away. Or a field of what recorders write into their
            files (:mod:`labcore.audio.comments`): ``recorder``, ``night``, ``place``, or one of GUANO. Names that tell no day or
            site are helped out by these.

    Raises:
        ConfigError: there is no such way to group, or the pattern has no field.
        DatasetError: most of the names do not tell; or each folder is a class.
    """
    folder = dataset.folder  # looks at all clips: once
    ways = all_shown(ways_from(folder, dataset.table["path"]))
    own = all_shown(dataset.table["group"])
    if by == SOURCE:
        return Grouping(by, ways, own)
    names = [composed(way) for way in ways]
    if by == FOLDER:
        return Grouping(by, ways, _folders(dataset, names))
    found = _found(dataset, by, names)
    unmatched = [row for row, group in enumerate(found) if group is None]
    if len(unmatched) > (1 - FITTING) * len(ways):
        listed = some(dict.fromkeys(ways[row] for row in unmatched), 3)
        raise DatasetError(
            f"the {_told_by(by)} tell no {by} of {counted(len(unmatched), 'clip')} of {len(ways)}: {listed}",
            "Give a pattern as '{speaker}_*', where the field in braces is what clips are grouped by",
        )
    groups = [own[row] if group is None else group for row, group in enumerate(found)]
    return Grouping(by, ways, groups, unmatched)


WAYS: dict[str, Callable[[str], str | None]] = {}
"""What a name tells → how it is read."""
FIELDS = {"day": "day", "site": "place"}
"""What a name may not tell → the field of the recorder's comment that does."""


def _found(dataset: Dataset, by: str, ways: Sequence[str]) -> list[str | None]:
    """The group of each clip; None where nothing tells it."""
    if "{" in by:
        return [read(way) for read in (_pattern(by),) for way in ways]
    if by in WAYS:
        found = [WAYS[by](way) for way in ways]
        if by not in FIELDS or None not in found:
            return found
        paths = [path for path, group in zip(dataset.table["path"], found, strict=True) if group is None]
        told = commented(paths, FIELDS[by])
        return [
            told.get(path) if group is None else group for path, group in zip(dataset.table["path"], found, strict=True)
        ]
    told = commented(dataset.table["path"], by)
    if not told:
        fields = fields_of(dataset)
        there = f", {', '.join(fields)}" if fields else ""
        raise ConfigError(
            f"clips cannot be grouped by {by!r}",
            f"There are: {SOURCE}, {', '.join(WAYS)}, {FOLDER}{there}, recorder, night, place or a field of GUANO where recorders write "
            "them into the files, or a pattern with a field in braces, as '{speaker}_*'",
        )
    return [told.get(path) for path in dataset.table["path"]]


def commented(paths: Iterable[str], name: str) -> dict[str, str]:
    """File → what its recorder wrote into a field; those that say nothing are not there."""
    wanted, told = name.casefold(), dict[str, str]()
    for path in dict.fromkeys(paths):
        fields = {each.casefold(): value for each, value in comments_of(path).items()}
        if value := fields.get(wanted, ""):
            told[path] = value
    return told


def fields_of(dataset: Dataset) -> list[str]:
    """The fields that recorders wrote into the first files of a data set and that may tell groups: those with several values."""
    values: dict[str, set[str]] = {}
    paths = list(dict.fromkeys(dataset.table["path"]))
    for path in paths[:: max(1, len(paths) // LOOKED_AT)]:
        for name, value in comments_of(path).items():
            values.setdefault(name, set()).add(value)
    return [name for name, held in values.items() if len(held) > 1 and name not in ALONE]


def _told_by(by: str) -> str:
    """What tells groups, in the plural."""
    return "names" if by in WAYS or "{" in by else "recorders' comments"


def _folders(dataset: Dataset, ways: Sequence[str]) -> list[str]:
    groups = [str(PurePosixPath(way).parent) for way in ways]
    labels = own_labels(dataset.table).tolist()
    pairs = set(zip(groups, labels, strict=True))
    if len(pairs) == len(set(groups)) == len(set(labels)) or len(set(groups)) == 1:
        each = "each folder is a class" if len(set(groups)) > 1 else "all clips lie in one folder"
        raise DatasetError(f"{each}: folds by folder would hold out whole classes", "Group by something else")
    return groups


def _stem(way: str) -> str:
    name = way.rpartition("/")[2]
    return os.path.splitext(name)[0] if is_audio(name) else name  # noqa: PTH122 (called for every clip)


def _speaker(way: str) -> str | None:
    for pattern in _SPEAKERS:
        for text in (_stem(way), way):
            if found := pattern.search(text):
                return found[1].casefold()
    return None


def _site(way: str) -> str | None:
    if found := _SITE.search(way):
        return re.sub(r"[\s_.-]+", "", found[1]).casefold()
    stem = _stem(way)
    date = _DATE.search(stem)
    before = stem[: date.start()].rstrip("_- .") if date else ""
    return before or None


def _day(way: str) -> str | None:
    found = _DATE.search(_stem(way)) or _DATE.search(way)
    return f"{found[1]}-{found[3]}-{found[4]}" if found else None


WAYS |= {"speaker": _speaker, "site": _site, "day": _day}


def _pattern(text: str) -> Callable[[str], str | None]:
    """What reads the fields of a pattern."""
    pieces, at = [], 0
    for token in _FIELD.finditer(text):
        pieces += [re.escape(text[at : token.start()]), _piece(token)]
        at = token.end()
    pieces.append(re.escape(text[at:]))
    if not any(piece.startswith("(") for piece in pieces):
        raise ConfigError(
            f"the pattern {text!r} has no field in braces", "Name what clips are grouped by, as in '{speaker}_*'"
        )
    whole = ("(?:.*/)?" if "/" in text else "") + "".join(pieces)
    try:
        expression = re.compile(whole, re.DOTALL)
    except re.error as error:
        raise ConfigError(f"the pattern {text!r} cannot be understood: {error}", "Use {field}, * and ?") from error

    def read(way: str) -> str | None:
        subject = way if "/" in text else way.rpartition("/")[2]
        without = subject[: len(subject) - len(_ending(way))]
        found = expression.fullmatch(without) or expression.fullmatch(subject)
        return " ".join(found.groups()) if found else None

    return read


def _ending(way: str) -> str:
    name = way.rpartition("/")[2]
    return name[len(_stem(way)) :]


def _piece(token: re.Match[str]) -> str:
    if token[3]:
        return "[^/]*?"
    if token[4]:
        return "[^/]"
    kind = {None: "[^/]+?", "digits": r"\d+"}.get(token[2], f"[^/]{{{token[2]}}}")
    return f"({kind})"
