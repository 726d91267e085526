"""Where the sound on the Explore page comes from, and what is read of it once: its facts and its outline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.errors import AudioError
from labcore.texts import shown
from ui.app import limits, long_work, services, shell, uploaded_files
from ui.app.text import label_name, label_names, told_apart
from ui.classify.clips import Clip
from ui.components import long_bar
from ui.datasets import summary

if TYPE_CHECKING:
    from labcore.audio.facts import Facts
    from labcore.audio.overview import Overview

FORMATS = (
    "WAV, AIFF, FLAC, Ogg, Opus or MP3, at any rate; M4A and WebM of up to 50 minutes where the optional decoder "
    "is installed."
)
SOURCES = {
    "example": ("Example", ":material/library_music:"),
    "upload": ("Upload", ":material/upload_file:"),
    "record": ("Record", ":material/mic:"),
    "dataset": ("Data set", ":material/folder_open:"),
}
GROUP = "explore"
AT_ONCE_BYTES = uploaded_files.LARGE_BYTES
"""Files larger than this, and long recordings, are read in the background, with a bar."""
MOST_VISITORS = 16
"""So many large files are kept apart at once: with fewer, visitors would take each other's away and have them read again."""
ANY = ""
MOST_LISTED = 500


@dataclass(frozen=True)
class Opened:
    """A sound whose header and samples have been read once."""

    source: Clip
    facts: Facts
    overview: Overview

    @property
    def seconds(self) -> float:
        return self.overview.seconds


def choose(prefix: str = "explore", label: str = "siren") -> Clip | None:
    """Let the visitor choose. While a file or recording is awaited, it is what was chosen before.

    Args:
        prefix: of the keys of the widgets, so that a page can ask for more than one sound.
        label: the class of the example at first.
    """
    source = _chosen(prefix, label)
    if source is not None:
        st.session_state[f"{prefix}-last"] = source
    return st.session_state.get(f"{prefix}-last")


def forget(prefix: str = "explore") -> None:
    """What was chosen last cannot be read: it is not shown again."""
    st.session_state.pop(f"{prefix}-last", None)


def _chosen(prefix: str, label: str) -> Clip | None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = st.segmented_control(
            "Sound from",
            list(SOURCES),
            default="example",
            format_func=lambda name: f"{SOURCES[name][1]} {SOURCES[name][0]}",
            required=True,
            label_visibility="collapsed",
            key=f"{prefix}-source",
            wrap=True,
        )
        if kind == "example":
            return _example(prefix, label)
    if kind == "upload":
        file = st.file_uploader(
            "Sound", label_visibility="collapsed", help=f"{FORMATS} {limits.in_words()}", key=f"{prefix}-upload"
        )
        if file is None:
            return None
        if file.size > AT_ONCE_BYTES:
            return Clip(file.name, _on_disk(file.file_id, file).path, file.file_id)
        return Clip(file.name, file.getvalue(), file.file_id)
    if kind == "record":
        recording = st.audio_input("Recording", sample_rate=48000, label_visibility="collapsed", key=f"{prefix}-record")
        st.caption("Your browser will ask for the microphone. It works on localhost or over HTTPS.")
        if recording is None:
            return None
        return Clip("recording.wav", recording.getvalue(), recording.file_id)
    return _of_dataset(prefix)


@st.cache_resource(max_entries=MOST_VISITORS, show_spinner="Storing the file …")
def _on_disk(key: str, _file: Any) -> uploaded_files.Upload:
    return uploaded_files.put_aside(key, _file)


def _example(prefix: str, first: str) -> Clip:
    from labcore.datasets.demo import CLASSES

    label = st.selectbox(
        "Class of the example",
        CLASSES,
        index=CLASSES.index(first),
        format_func=label_name,
        label_visibility="collapsed",
        key=f"{prefix}-class",
        width=190,
    )
    number = st.session_state.setdefault(f"{prefix}-number", 0)

    def another() -> None:
        st.session_state[f"{prefix}-number"] = number + 1

    shell.action_button("Another", another, key=f"{prefix}-another", icon=":material/shuffle:", type="tertiary")
    return Clip(f"{label}-{number}.wav", _demo_clip(label, number), f"demo-{label}-{number}", label)


@st.cache_data(max_entries=32, show_spinner=False)
def _demo_clip(label: str, number: int) -> bytes:
    from labcore.datasets.demo import example_clip

    return example_clip(label, number)


# --- a clip of a data set


def _of_dataset(prefix: str) -> Clip | None:
    names = summary.names()
    if not names:
        st.info("No data set in this workspace yet. Add one on the Overview page.", icon=":material/info:")
        st.page_link("streamlit_app.py", label="Overview", icon=":material/home:")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Data set", names, key=f"{prefix}-dataset", width=190)
        rows = _rows(name)
        classes = {ANY: "any class", **label_names(row.label for row in rows)}
        label = st.selectbox(
            "Class",
            list(classes),
            format_func=classes.__getitem__,
            key=f"{prefix}-label-{name}",
            width=190,
        )
        fitting = [number for number, row in enumerate(rows) if label in (ANY, row.label)]
        key = f"{prefix}-row-{name}-{label}"
        if st.session_state.get(key) not in fitting:
            st.session_state[key] = fitting[0]

        def random_one() -> None:
            st.session_state[key] = int(np.random.default_rng().choice(fitting))

        listed = fitting[:MOST_LISTED]
        if st.session_state[key] not in listed:
            listed = [*listed, st.session_state[key]]
        number = st.selectbox(
            "Clip", listed, format_func=told_apart(listed, lambda row: rows[row].name), key=key, width=260
        )
        shell.action_button("Random", random_one, key=f"{prefix}-random", icon=":material/shuffle:", type="tertiary")
    return of_row(rows[number])


@st.cache_data(ttl=300, max_entries=8, show_spinner="Reading the data set …")
def _rows(name: str) -> list[summary.Row]:
    from labcore.datasets import find_dataset

    rows = summary.rows_of(find_dataset(services.workspace(), name).table)
    return sorted(rows, key=lambda row: (row.label, row.path, row.start_s))


def of_row(row: summary.Row) -> Clip:
    """A clip of a table. A part of a longer file becomes a file of its own, sample for sample."""
    key = shown(f"{row.path}-{row.start_s}-{row.end_s}")  # it goes to the browser, and into hashes
    changed = _changed(Path(row.path))
    if row.whole:
        return Clip(row.name, Path(row.path), f"{key}-{changed}", row.label)
    return Clip(row.name, _part(key, changed, row.path, row.start_s, row.end_s), key, row.label)


def _changed(path: Path) -> int:
    with AudioError.on_os_error(f"{path} cannot be read", "Choose another clip"):
        return path.stat().st_mtime_ns


@st.cache_data(max_entries=8, show_spinner=False)
def _part(key: str, changed: int, _path: str, start: float, end: float | None) -> bytes:
    from labcore.audio import decode_channels, encode_wav

    waveform, rate = decode_channels(_path, start_s=start, end_s=end)
    return encode_wav(waveform, rate, exact=True)


# --- reading it once


def opened(source: Clip) -> Opened | None:
    """Facts and outline of a source. None while a large or long one is still being read, with a bar on the page, or was stopped.

    Raises:
        AudioError: it cannot be read.
    """
    if source.bytes <= AT_ONCE_BYTES and not _is_long(source.key, source.name, source.content):
        long_work.keep(GROUP, ())
        return Opened(source, *_overview(source.key, source.name, source.content))
    long_work.keep(GROUP, (source.key,))
    accepted = limits.sound()

    def work(progress: Callable[[float], None]) -> Any:
        from labcore.audio.overview import overview

        return overview(source.content, name=source.name, limits=accepted, progress=progress)

    reading = long_work.start(source.key, source.name, GROUP, "Reading", work)
    if reading.running or reading.stopped:
        (long_bar.bar if reading.running else long_bar.again)(reading)
        return None
    return Opened(source, *reading.result)


@st.cache_data(max_entries=500, show_spinner=False)
def _is_long(key: str, name: str, _content: Any) -> bool:
    from labcore.audio import Recording

    return Recording(_content, name=name, limits=limits.sound()).is_long()


@st.cache_resource(max_entries=16, show_spinner="Reading the sound …")
def _overview(key: str, name: str, _content: Any) -> tuple[Facts, Overview]:
    from labcore.audio.overview import overview

    return overview(_content, name=name, limits=limits.sound())


@st.cache_resource(max_entries=4, show_spinner=False)
def channels(key: str, name: str, start: float, end: float, _content: Any) -> tuple[np.ndarray, int]:
    """A stretch of the recording as it is: (channels, samples) at its own rate, and the rate. Not to be written to."""
    from labcore.audio import decode_channels

    return decode_channels(_content, name=name, start_s=start, end_s=end, limits=limits.sound())
