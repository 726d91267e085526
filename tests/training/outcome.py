"""What a generator of events yields, and what it returns."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

E = TypeVar("E")
T = TypeVar("T")


def outcome(generator: Generator[E, None, T]) -> tuple[list[E], T]:
    """All that a generator yields, and its value."""
    told = []
    while True:
        try:
            told.append(next(generator))
        except StopIteration as stop:
            return told, stop.value
