"""Sounds that lie loose: what their names say of which class they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from labcore.datasets.scan import hidden
from labcore.errors import DatasetError
from labcore.texts import as_bytes

WAYS = {
    "number": "Up to the first number: dog_01.wav is dog",
    "mark": "Up to the first _ or -: dog_loud.wav is dog",
    "last": "Behind the last _ or -: 01_dog.wav is dog",
}
"""How the class is taken from a name, in words."""
_PATTERNS = {
    "number": re.compile(r"(.*?)[\W_]*\d"),
    "mark": re.compile(r"(.+?)\s*[_-]"),
    "last": re.compile(r".*[_-]\s*([^_-]+)$"),
}
LONGEST = 120
"""Bytes of the name of a class."""


def class_in(name: str, way: str) -> str:
    """The class in the name of a file, as one of :data:`WAYS`; "" where the name has none there."""
    found = _PATTERNS[way].match(Path(name).stem)
    return found[1].strip(" ._-") if found else ""


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
    label = " ".join(label.split())
    if not label:
        raise DatasetError("the class has no name", "Name what is heard, as in dog")
    if hidden(label) or "/" in label or "\\" in label or "\0" in label or len(as_bytes(label)) > LONGEST:
        raise DatasetError(
            f"{label[:60]!r} cannot be the name of a class",
            f"Use up to {LONGEST} letters and digits, no slash, and no dot at the beginning",
        )
    return label
