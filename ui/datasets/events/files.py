"""The events of a data set as files for Raven and Audacity."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath

import streamlit as st

from labcore.texts import shown
from labcore.tracks import ENDINGS, Track
from ui.app.shell import download, heading
from ui.app.text import plain
from ui.datasets.events.state import OpenedEvents, Sitting

TITLES = {"raven": "Raven table", "audacity": "Audacity labels"}


def show(sitting: Sitting) -> None:
    """Downloads behind a button; a file is made when it is asked for."""
    there, way = sitting.there, sitting.recording.way
    from labcore.datasets.timed.writing import not_written

    with st.popover("Write out", icon=":material/download:", type="tertiary"):
        heading("This recording")
        stem = PurePath(shown(way)).name
        for format, title in TITLES.items():
            download(title, partial(_one, there, way, format), f"{stem}{ENDINGS[format]}", "text/plain", type="tertiary",
                     key=f"{sitting.key}-{format}")  # fmt: skip
        heading("All recordings")
        download("Combined Raven table", partial(_combined, there), f"{there.name}{ENDINGS['raven']}", "text/plain", type="tertiary",
                 key=f"events-{there.name}-combined")  # fmt: skip
        for format, title in TITLES.items():
            download(f"{title}, a file a recording", partial(_every, there, format), f"{there.name}.{format}.zip", "application/zip",
                     type="tertiary", key=f"events-{there.name}-{format}")  # fmt: skip
        if lost := not_written(there.found):
            st.caption(f":orange[:material/warning:] {plain(lost)}.")
        st.caption(
            "With your edits. To use them as annotations, put the files into the folder of the recordings in place of those that lie "
            "there: labels of several files all count."
        )


def _tracks(there: OpenedEvents) -> list[Track]:
    from labcore.datasets.timed.writing import tracks_of

    return tracks_of(there.found, there.source.recordings)


def _one(there: OpenedEvents, way: str, format: str) -> str:
    from labcore.datasets.timed.writing import as_text

    return as_text([track for track in _tracks(there) if track.path == way], format)


def _combined(there: OpenedEvents) -> str:
    from labcore.datasets.timed.writing import as_text

    return as_text(_tracks(there), "raven")


def _every(there: OpenedEvents, format: str) -> bytes:
    from labcore.datasets.timed.writing import as_files, as_zip

    return as_zip(as_files(_tracks(there), format))
