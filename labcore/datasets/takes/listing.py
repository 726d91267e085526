"""From takes to clips: what is cut, what is left out, which clips belong together, and what is missing before training makes sense."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from labcore.audio import window_bounds
from labcore.datasets.folds import DRAWN_FOLDS
from labcore.datasets.takes.ledger import Ledger, Take, counts
from labcore.sheets import csv_of
from labcore.texts import counted

FOLDER = "takes"
COLUMNS = ("path", "label", "fold", "group", "start", "end")
LARGEST_SESSION = 2 / 3
"""Clips of one session stay together where none holds more of a class: else a split would leave too little of it."""
LEAST_CLIPS, WANTED_CLIPS = 2, 10
"""Of a class: without so many there is nothing to train and to test on; from so many on a result means something."""
LEAST_CLASSES = 2
MILLI = 1000


class TakeClip(NamedTuple):
    """A clip: a take, or the part of one from ``start_s`` to ``end_s``; nan is its end."""

    take: Take
    start_s: float
    end_s: float


def clips_of(ledger: Ledger) -> Iterator[TakeClip]:
    """The clips of the takes that count, by number and time."""
    for take in ledger.kept:
        start, end = take.levels.sound if ledger.trim else (0.0, take.levels.seconds)
        if ledger.cut_s and end - start > ledger.cut_s:
            for first, last in _cuts(round((end - start) * MILLI), round(ledger.cut_s * MILLI)):
                yield TakeClip(take, round(start + first / MILLI, 3), round(start + last / MILLI, 3))
        elif (start, end) == (0.0, take.levels.seconds):
            yield TakeClip(take, 0.0, math.nan)
        else:
            yield TakeClip(take, start, end)


def _cuts(length: int, clip: int) -> list[tuple[int, int]]:
    """Clips of a take, (start, end) each, in any unit. A rest that makes half a clip is one with what lies before it; a shorter one is left
    out, since that clip would be a copy of the one before."""
    cuts = window_bounds(length, clip, clip)
    return cuts[:-1] if len(cuts) > 1 and 2 * (cuts[-1][0] - cuts[-2][0]) < clip else cuts


def by_session(ledger: Ledger) -> bool:
    """Whether clips of one session stay together in the folds, and not only those of one take.

    They do where every class has takes of several sessions and none of them holds most of it: folds by session test on persons, places or
    days that the network has not heard.
    """
    sessions: dict[str, Counter[str]] = defaultdict(Counter)
    for take in ledger.kept:
        sessions[take.label][take.session] += 1
    return len(sessions) >= LEAST_CLASSES and all(
        "" not in held and max(held.values()) <= LARGEST_SESSION * held.total() for held in sessions.values()
    )


def folds_of(ledger: Ledger) -> dict[int, str]:
    """Number of a take → its fold: the takes of each class are dealt out in their order, so that every fold has every class.

    Empty where folds are drawn when the list is read: by session, or where a class has one take alone.
    """
    taken = {label: number for label, number in counts(ledger).items() if number}
    folds = min(DRAWN_FOLDS, *taken.values(), DRAWN_FOLDS)
    if folds < 2 or len(taken) < LEAST_CLASSES or by_session(ledger):
        return {}
    met: Counter[str] = Counter()
    dealt = {}
    for take in ledger.kept:
        dealt[take.number] = str(met[take.label] % folds + 1)
        met[take.label] += 1
    return dealt


def folds_sentence(ledger: Ledger) -> str:
    """How clips are kept together in the folds, and why, without the final stop."""
    sessions = {take.session for take in ledger.kept if take.session}
    if by_session(ledger):
        return f"clips of one session stay in one fold ({counted(len(sessions), 'session')})"
    reason = ": not every class was recorded in several sessions of about equal size" if len(sessions) > 1 else ""
    return f"clips of one take stay in one fold{reason}"


def list_of(ledger: Ledger) -> str:
    """The list of clips as CSV: path, label, fold, group, start and end in seconds."""
    together, folds = by_session(ledger), folds_of(ledger)
    rows = []
    for take, start, end in clips_of(ledger):
        group = take.session if together else f"take {take.number}"
        span = (f"{start:g}", "") if math.isnan(end) else (f"{start:.3f}", f"{end:.3f}")
        rows.append([f"{FOLDER}/{take.file}", take.label, folds.get(take.number, ""), group, *span])
    return csv_of(COLUMNS, rows)


def clip_counts(ledger: Ledger) -> dict[str, int]:
    """Class → its clips, in the order of the classes."""
    counts = Counter(clip.take.label for clip in clips_of(ledger))
    return {label: counts[label] for label in ledger.classes}


def trainable(ledger: Ledger) -> bool:
    """Whether there is enough to train and to test on: two classes of two clips."""
    return sum(count >= LEAST_CLIPS for count in clip_counts(ledger).values()) >= LEAST_CLASSES


def lacking(ledger: Ledger) -> list[str]:
    """What is not there yet of what every class needs for a training, in words: "2 clips of clap"."""
    counts = clip_counts(ledger)
    told = ["a second class" if counts else f"{LEAST_CLASSES} classes"] if len(counts) < LEAST_CLASSES else []
    return told + [
        f"{LEAST_CLIPS - count} {'more clip' if count else 'clips'} of {label}"
        for label, count in counts.items()
        if count < LEAST_CLIPS
    ]
