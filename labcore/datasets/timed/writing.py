"""The events of annotated recordings as they are by now, edits included, written as other programs and the lab itself read them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from labcore.config import DataConfig
from labcore.datasets.registry import find_uncut
from labcore.datasets.table import way_from
from labcore.datasets.timed.gathering import OUTSIDE, Gathered, LabelRow
from labcore.datasets.timed.recordings import Recordings
from labcore.datasets.timed.report import reasons_in_words, rows_in_words
from labcore.texts import counted, shown
from labcore.tracks import ENDINGS, Track, TrackEvent, label_track, selection_lines
from labcore.workspace import Workspace
from labcore.zips import zipped


def written_tracks(workspace: Workspace, wanted: str, data: DataConfig) -> tuple[list[Track], str]:
    """The events of a data set by its name or path, see :func:`tracks_of`, and what is told of those that are not written.

    Args:
        data: which column gives the labels.

    Raises:
        DatasetError: it is not there, cannot be read, or has no time-stamped annotations.
    """
    source = find_uncut(workspace, wanted).annotated
    assert source is not None
    found = source.gathered(data)
    return tracks_of(found, source.recordings), not_written(found)


def not_written(found: Gathered) -> str:
    """A sentence on labels that have no place in any recording, with where they stand, without the final stop; "" where each has one."""
    lost = [row for row in found.rows if not _placed(row, found)]
    if not lost:
        return ""
    why = f"{reasons_in_words(lost)}; keep what they stand in: {rows_in_words(lost)}"
    return f"{counted(len(lost), 'label')} not written: {why}"


def _placed(row: LabelRow, found: Gathered) -> bool:
    """Whether it lies in a recording that is there and can be read: behind its end, Raven would show it in the recording that follows."""
    known = row.recording in found.seconds and not (math.isnan(row.start_s) or math.isnan(row.end_s))
    return known and row.reason != OUTSIDE


def tracks_of(found: Gathered, recordings: Recordings) -> list[Track]:
    """The events of each recording that annotations are about, by the name of the recording; whatever becomes of them in windows.

    Recordings are named from the folder of the data set on, so that a file fits wherever it is put there.
    """
    events: dict[str, list[LabelRow]] = defaultdict(list)
    for row in found.rows:
        if _placed(row, found):
            events[row.recording].append(row)
    tracks = []
    for path, seconds in sorted(found.seconds.items()):
        rows = sorted(events[path], key=lambda row: (row.start_s, row.end_s))
        band = (0.0, recordings.facts(path)[1] / 2)
        tracks.append(Track(way_from(str(recordings.root), path), seconds, [_event(row) for row in rows], band))
    return tracks


def _event(row: LabelRow) -> TrackEvent:
    low, high, score = (None if math.isnan(each) else each for each in (row.low_hz, row.high_hz, row.confidence))
    if low is None or high is None:
        low = high = None
    return TrackEvent(row.start_s, row.end_s, row.label, low, high, score)


def as_text(tracks: Iterable[Track], format: str) -> str:
    """Recordings as one file: a Raven selection table over all of them, or the Audacity labels of one.

    Args:
        format: ``raven`` or ``audacity``.
    """
    tracks = list(tracks)
    if format == "audacity":
        return "".join(label_track(track.events) for track in tracks)
    scored = any(event.score is not None for track in tracks for event in track.events)
    return "".join(selection_lines(tracks, scored=scored))


def as_files(tracks: Iterable[Track], format: str) -> dict[str, str]:
    """The path of a file a recording, from the folder of the data set on, each with its text; named as its recording, whole.

    None leads out of the folder that the files are put into, wherever the recordings lie.
    """
    return {f"{_inside(track.path)}{ENDINGS[format]}": as_text([track], format) for track in tracks}


def as_zip(files: dict[str, str]) -> bytes:
    """Files as a zip archive."""
    return zipped(files)


def _inside(path: str) -> str:
    parts = PurePosixPath(shown(path).replace("\\", "/")).parts
    return "/".join(part for part in parts if part not in ("/", "..", "."))
