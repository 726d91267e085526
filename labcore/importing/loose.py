"""Sounds that lie loose: what their names say of which class they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from labcore.datasets.scan import hidden
from labcore.errors import DatasetError
from labcore.texts import as_bytes, composed, is_mark

WAYS = {
    "number": "Up to the first number: dog_01.wav is dog",
    "mark": "Up to the first _ or -: dog_loud.wav is dog",
    "last": "Behind the last _ or -: 01_dog.wav is dog",
}
"""How the class is taken from a name, in words."""
_PATTERNS = {
    "number": re.compile(r"(.*?)\d"),
    "mark": re.compile(r"(.+?)\s*[_-]"),
    "last": re.compile(r".*[_-]\s*([^_-]+)$"),
}
LONGEST = 120
"""Characters of the name of a class; bytes are twice as many at most."""


def class_in(name: str, way: str) -> str:
    """The class in the name of a file, as one of :data:`WAYS`; "" where the name has none there."""
    found = _PATTERNS[way].match(Path(name).stem)
    text = found[1] if found else ""
    while way == "number" and text and not (text[-1].isalnum() or is_mark(text[-1])):  # "dog bark (" of "dog bark (2)"
        text = text[:-1]
    return text.strip(" ._-")


def best_way(names: Iterable[str]) -> str:
    """The way that gives names classes of several clips each: the fewest names alone or without a class."""
    names = list(names)

    def alone(way: str) -> tuple[bool, int]:
        counts = Counter(class_in(name, way) for name in names)
        odd = counts.pop("", 0)
        return len(counts) < 2, odd + sum(count == 1 for count in counts.values())

    return min(WAYS, key=alone)


def class_folder(label: str) -> str:
    """The folder of a class.

    Raises:
        DatasetError: no folder that is seen can be called so.
    """
    label = " ".join(composed(label).split())
    if not label:
        raise DatasetError("the class has no name", "Name what is heard, as in dog")
    if hidden(label) or "/" in label or "\\" in label or "\0" in label or not _fits(label):
        raise DatasetError(
            f"{label[:60]!r} cannot be the name of a class",
            f"Use up to {LONGEST} letters and digits ({2 * LONGEST // 3} of Chinese or Japanese), no slash, and no dot at the beginning",
        )
    return label


def _fits(label: str) -> bool:
    return len(label) <= LONGEST and len(as_bytes(label)) <= 2 * LONGEST
