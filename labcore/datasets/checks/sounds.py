"""Findings on single clips: silent, clipped, shifted from zero, of opposite phase, of a rate or a length that stands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from labcore.audio.facts import DC_OFFSET
from labcore.datasets.checks.evidence import Evidence
from labcore.datasets.remedies import Remedy, exclude
from labcore.datasets.table import Finding
from labcore.texts import counted

SILENT_DB = -80.0
NOTHING_DB = -199.0
"""No sample of 24 bits or more is so soft."""
CLIPPED = 0.01
"""A clip with so large a share of its samples at full scale, three or more in a row, is clipped."""
RELATIVE_OFFSET = 0.1
"""An offset counts that is at least this share of what the sound itself is."""
LOST_DB = 10.0
"""Channels that lose so much in their mean are of opposite phase; such as have nothing in common lose 3 dB."""
USUAL = 0.9
"""A rate that so many of the clips have is the usual one."""
FEWEST = 10
"""Of fewer clips nothing stands out."""
OUTSIDE = 3.0
"""A length stands out that lies so many interquartile ranges, of its logarithm, outside the quartiles."""
LEAST_RANGE = np.log(1.25)
RAREST = 0.05
"""What more clips than this share have does not stand out."""


def of_sounds(evidence: Evidence) -> Iterator[Finding]:
    """Findings on single clips."""
    yield from _silent(evidence)
    yield from _clipped(evidence)
    yield from _shifted(evidence)
    yield from _opposite(evidence)
    yield from _rates(evidence)
    yield from _lengths(evidence)


def _silent(evidence: Evidence) -> Iterator[Finding]:
    rows = [row for row, each in enumerate(evidence.found) if each.peak_db < SILENT_DB]
    if rows:
        peaks = [evidence.found[row].peak_db for row in rows]
        details = [f"peak {peak:.0f} dBFS" if peak > NOTHING_DB else "every sample is 0" for peak in peaks]
        yield _finding("silent", evidence, rows, f"{_clips(evidence, rows)} silent", "Remove them", details=details)


def _clipped(evidence: Evidence) -> Iterator[Finding]:
    rows = [row for row, each in enumerate(evidence.found) if each.clipped >= CLIPPED]
    if rows:
        most = 100 * max(evidence.found[row].clipped for row in rows)
        what = f"{_clips(evidence, rows)} clipped: up to {most:.2g} % of the samples stand at full scale"
        remedy = "Record at a lower level, or leave them out if others of their class are not clipped"
        details = [f"{100 * evidence.found[row].clipped:.2g} % at full scale" for row in rows]
        yield _finding("clipped", evidence, rows, what, remedy, details=details)


def _shifted(evidence: Evidence) -> Iterator[Finding]:
    rows = [
        row
        for row, each in enumerate(evidence.found)
        if abs(each.offset) > DC_OFFSET and each.relative_offset > RELATIVE_OFFSET and each.peak_db >= SILENT_DB
    ]
    if rows:
        most = 100 * max(abs(evidence.found[row].offset) for row in rows)
        what = f"{_clips(evidence, rows)} shifted from zero (DC offset) by up to {most:.2g} % of full scale"
        remedy = "Training hears little of it, above its lowest frequency; check the recorder, or leave them out"
        details = [f"offset {100 * evidence.found[row].offset:+.2g} % of full scale" for row in rows]
        yield _finding("offset", evidence, rows, what, remedy, details=details)


def _opposite(evidence: Evidence) -> Iterator[Finding]:
    rows = [
        row
        for row, each in enumerate(evidence.found)
        if each.lost_db >= LOST_DB and not evidence.channels[row] and each.peak_db >= SILENT_DB
    ]
    if rows:
        clips = evidence.at(rows)
        least = min(evidence.found[row].lost_db for row in rows)
        yield Finding(
            "opposite phase",
            f"the channels of {counted(len(rows), 'clip', figure=str)} cancel each other (opposite phase): their mean is at least "
            f"{least:.0f} dB below them",
            evidence.files(rows),
            "Take one channel alone",
            clips=clips,
            remedies=(
                Remedy("channel", "Take the left channel alone", clips, channel=1),
                Remedy("channel", "Take the right channel alone", clips, channel=2),
                *exclude(clips),
            ),
            details=tuple(f"the mean is {evidence.found[row].lost_db:.0f} dB lower" for row in rows),
        )


def _rates(evidence: Evidence) -> Iterator[Finding]:
    rates = Counter(each.rate for each in evidence.found)
    if len(rates) < 2 or len(evidence) < FEWEST:
        return
    usual, count = rates.most_common(1)[0]
    rows = [row for row, each in enumerate(evidence.found) if each.rate != usual]
    if count >= USUAL * len(evidence):
        lower = any(evidence.found[row].rate < usual for row in rows)
        listed = ", ".join(f"{rate} Hz" for rate in sorted(rates) if rate != usual)
        yield _finding(
            "odd rate",
            evidence,
            rows,
            f"{_clips(evidence, rows)} of another sample rate ({listed}) than the {count} others ({usual} Hz)",
            "A lower one lacks high frequencies, which a network may learn in place of the sound"
            if lower
            else "They are resampled as all others",
            "warning" if lower else "note",
            details=[f"{evidence.found[row].rate} Hz" for row in rows],
        )
        return
    for label, own in evidence.by(evidence.labels).items():
        here, elsewhere = {evidence.found[row].rate for row in own}, _rates_without(evidence, label)
        if len(here) == 1 and len(own) > 1 and elsewhere and max(here) < min(elsewhere):
            yield _finding(
                "odd rate",
                evidence,
                own,
                f"all clips of {label} have a sample rate of {max(here)} Hz, those of other classes at least {min(elsewhere)} Hz",
                "A network may learn the missing high frequencies in place of the sound: train at the lower rate",
                "warning",
                about=label,
            )


def _rates_without(evidence: Evidence, label: str) -> set[int]:
    return {each.rate for each, own in zip(evidence.found, evidence.labels, strict=True) if own != label}


def _finding(
    kind: str,
    evidence: Evidence,
    rows: list[int],
    what: str,
    remedy: str,
    level: str = "warning",
    about: str = "",
    details: Sequence[str] = (),
) -> Finding:
    """A finding on some clips, which can be left out."""
    clips = evidence.at(rows)
    return Finding(kind, what, evidence.files(rows), remedy, level, clips, exclude(clips), about, tuple(details))


def _lengths(evidence: Evidence) -> Iterator[Finding]:
    if len(evidence) < FEWEST:
        return
    seconds = np.array([each.seconds for each in evidence.found])
    logs = np.log(seconds)
    low, high = np.quantile(logs, [0.25, 0.75])
    reach = OUTSIDE * max(high - low, LEAST_RANGE)
    rows = np.flatnonzero((logs < low - reach) | (logs > high + reach)).tolist()
    if rows and len(rows) <= max(1, RAREST * len(evidence)):
        shortest, longest = seconds[rows].min(), seconds[rows].max()
        span, usual = _seconds(shortest, longest), _seconds(np.exp(low), np.exp(high))
        what = f"{_clips(evidence, rows)} of a length that stands out ({span}, where most last {usual})"
        remedy = "Listen to them: a recording may have been cut off, or not been cut"
        details = [_seconds(seconds[row], seconds[row]) for row in rows]
        yield _finding("odd length", evidence, rows, what, remedy, details=details)


def _seconds(least: float, most: float) -> str:
    low, high = f"{least:.3g}", f"{most:.3g}"
    return f"{low} s" if low == high else f"{low} to {high} s"


def _clips(evidence: Evidence, rows: list[int]) -> str:
    """``3 clips of 2 files``."""
    files = len(evidence.files(rows))
    of = "" if files == len(rows) else f" of {counted(files, 'file', figure=str)}"
    return f"{counted(len(rows), 'clip', figure=str)}{of}"
