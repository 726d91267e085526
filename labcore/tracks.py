"""Events of recordings as the text of Raven selection tables and Audacity label tracks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labcore.texts import shown

ENDINGS = {"raven": ".selections.txt", "audacity": ".labels.txt"}
"""Of the files, by format."""
SELECTION_COLUMNS = (
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Begin Path",
    "File Offset (s)", "Annotation", "Score",
)  # fmt: skip
"""Of Raven's selection tables."""
Hertz = float | None


@dataclass(frozen=True)
class TrackEvent:
    """An event of a recording: times in seconds from its start, frequencies in Hz. ``score``: how sure a detector is of it."""

    start_s: float
    end_s: float
    label: str
    low_hz: Hertz = None
    high_hz: Hertz = None
    score: float | None = None


@dataclass(frozen=True)
class Track:
    """The events of a recording.

    Attributes:
        path: of the recording, as it is written.
        seconds: how long it lasts.
        band: the frequencies in Hz of events without any: Raven knows no selection without.
    """

    path: str
    seconds: float
    events: Iterable[TrackEvent]
    band: tuple[float, float]


def selection_lines(tracks: Iterable[Track], *, scored: bool = True) -> Iterator[str]:
    """Recordings as the lines of one Raven selection table, as they come.

    As in Raven, which opens several files one behind the other, begin and end count from the first on, and the file offset from the
    beginning of their own.

    Args:
        scored: with the column Score, empty for an event without one.
    """
    yield "\t".join(SELECTION_COLUMNS[: None if scored else -1]) + "\n"
    number, before = 1, 0.0
    for track in tracks:
        for event in track.events:
            times = [f"{seconds:.6f}" for seconds in (before + event.start_s, before + event.end_s)]
            band = track.band if event.low_hz is None or event.high_hz is None else (event.low_hz, event.high_hz)
            limits = [f"{hertz:.1f}" for hertz in band]
            place = [_plain(Path(track.path).name), _plain(track.path), f"{event.start_s:.6f}"]
            score = ["" if event.score is None else f"{event.score:.4f}"] if scored else []
            cells = [str(number), "Spectrogram 1", "1", *times, *limits, *place, _plain(event.label), *score]
            yield "\t".join(cells) + "\n"
            number += 1
        before += track.seconds


def label_track(events: Iterable[TrackEvent]) -> str:
    """Events as an Audacity label track. Those with frequencies have a line more, as Audacity writes it."""
    lines = []
    for event in events:
        lines.append(f"{event.start_s:.6f}\t{event.end_s:.6f}\t{_plain(event.label)}\n")
        if event.low_hz is not None and event.high_hz is not None:
            lines.append(f"\\\t{event.low_hz:.6f}\t{event.high_hz:.6f}\n")
    return "".join(lines)


def _plain(text: str) -> str:
    """A text that stays in its cell of a table of tabs, and that every encoding of Unicode takes. Quotes around all of it are quoted
    themselves: who reads such a table, spreadsheets too, takes them away."""
    text = " ".join(shown(text).split())
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return '"' + text.replace('"', '""') + '"' if quoted else text
