"""Where a sound comes from: an example, an upload, the microphone, a data set. Every part of a page asks under a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from labcore.audio import encode_wav
from labcore.datasets.rows import Row, rows_of
from labcore.errors import AudioError
from ui.app import limits, services, shell, uploaded_files
from ui.app.text import counted, label_name, label_names, told_apart
from ui.components.clip import Clip
from ui.components.microphone import microphone
from ui.datasets import summary
from ui.datasets.opened import version
from ui.forms import url

FORMATS = (
    "WAV, AIFF, FLAC, Ogg, Opus or MP3, at any rate; M4A and WebM of up to 50 minutes where the optional decoder "
    "is installed."
)
SOURCES = {
    "example": ":material/library_music: Example",
    "upload": ":material/upload_file: Upload",
    "record": ":material/mic: Record",
    "dataset": ":material/folder_open: Data set",
}
ANY = ""
MOST_LISTED = 500
MOST_EXAMPLES = 10_000
AT_ONCE = 200
"""So many uploads are classified at once."""


def choose(prefix: str, label: str) -> Clip | None:
    """Let the visitor choose one sound. While a file or recording is awaited, it is what was chosen before.

    Args:
        label: the class of the example at first.
    """
    clip = _chosen(prefix, label)
    if clip is not None:
        st.session_state[f"{prefix}-last"] = clip
    last: Clip | None = st.session_state.get(f"{prefix}-last")
    uploaded_files.keep(prefix, [last.key] if last is not None else [])
    return last


def forget(prefix: str) -> None:
    """What was chosen last cannot be read: it is not shown again."""
    st.session_state.pop(f"{prefix}-last", None)


def _chosen(prefix: str, label: str) -> Clip | None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = source(prefix, list(SOURCES))
        if kind == "example":
            return _example(prefix, label)
    if kind == "dataset":
        return _of_dataset(prefix)
    return next(iter(given(prefix, kind)), None)


def source(prefix: str, offered: list[str], first: str = "") -> str:
    """Which of some :data:`SOURCES` is taken; ``first``, or the first of them, where nobody has chosen."""
    names = {name: SOURCES[name] for name in offered}
    return url.one_of("Sound from", names, word=f"{prefix}-from", key=f"{prefix}-source", first=first)


def given(prefix: str, kind: str, *, many: bool = False) -> list[Clip]:
    """What the visitor uploads or records, as ``kind`` says; nothing while it is awaited."""
    if kind == "record":
        recording = microphone(key=f"{prefix}-record")
        return [Clip.of_upload(recording, prefix, "recording.wav")] if recording is not None else []
    files = st.file_uploader(
        "Clips" if many else "Sound", accept_multiple_files=many, label_visibility="collapsed",
        help=f"{FORMATS} {limits.in_words()}", key=f"{prefix}-upload",
    )  # fmt: skip
    files = files if isinstance(files, list) else [files] if files is not None else []
    most = min(AT_ONCE, limits.uploads().files)
    if len(files) > most:
        st.warning(
            f"At most {counted(most, 'file')} at once: only the first ones are classified. "
            "For more, use `labcore classify FOLDER`.",
            icon=":material/filter_none:",
        )
    return [Clip.of_upload(file, prefix) for file in files[:most]]


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
        bind=url.BOUND,
    )
    number = url.number(f"{prefix}-number", f"{prefix}-number", range(MOST_EXAMPLES))
    shell.next_button("Another", f"{prefix}-number", key=f"{prefix}-another", type="tertiary")
    return Clip(f"{label}-{number}.wav", _demo_clip(label, number), f"demo-{label}-{number}", label)


@st.cache_data(max_entries=32, show_spinner=False)
def _demo_clip(label: str, number: int) -> bytes:
    from labcore.datasets.demo import example_clip

    return example_clip(label, number)


# --- a clip of a data set


def _of_dataset(prefix: str) -> Clip | None:
    names = summary.names()
    if not names:
        st.info("No data set in this workspace yet. Add one on the page Data sets.", icon=":material/info:")
        st.page_link("pages/datasets.py", label="Data sets", icon=":material/library_music:")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Data set", names, key=f"{prefix}-dataset", width=190, bind=url.BOUND)
        rows = _rows(name, version(name))
        classes = {ANY: "any class", **label_names(row.label for row in rows if row.label)}
        label = st.selectbox(
            "Class",
            list(classes),
            format_func=classes.__getitem__,
            key=f"{prefix}-label-{name}",
            width=190,
            bind=url.BOUND,
        )
        fitting = [number for number, row in enumerate(rows) if label in (ANY, row.label)]
        key = f"{prefix}-row-{name}-{label}"
        url.number(f"{prefix}-clip", key, fitting)

        def random_one() -> None:
            st.session_state[key] = int(np.random.default_rng().choice(fitting))

        listed = fitting[:MOST_LISTED]
        if st.session_state[key] not in listed:
            listed = [*listed, st.session_state[key]]
        number = st.selectbox(
            "Clip", listed, format_func=told_apart(listed, lambda row: _title(rows[row])), key=key, width=260
        )
        shell.action_button("Random", random_one, key=f"{prefix}-random", icon=":material/shuffle:", type="tertiary")
    return of_row(rows[number])


@st.cache_data(ttl=300, max_entries=8, show_spinner="Reading the data set …")
def _rows(name: str, changed: object) -> list[Row]:
    from labcore.datasets import find_dataset

    rows = rows_of(find_dataset(services.workspace(), name).table)
    return sorted(rows, key=lambda row: (not row.label, row.label, row.path, row.start_s))


def _title(row: Row) -> str:
    return row.name if row.label else f"{row.name} (left out)"


def of_row(row: Row) -> Clip:
    """A clip of a table. A part of a longer file, and one channel of it, becomes a file of its own, sample for sample."""
    key, changed = row.key, _changed(Path(row.path))
    if row.whole:
        return Clip(row.name, Path(row.path), f"{key}-{changed}", row.label)
    return Clip(row.name, _part(key, changed, row), f"{key}-{changed}", row.label)


def _changed(path: Path) -> int:
    with AudioError.on_os_error(f"{path} cannot be read", "Choose another clip"):
        return path.stat().st_mtime_ns


@st.cache_data(max_entries=8, show_spinner=False)
def _part(key: str, changed: int, _row: Row) -> bytes:
    if _row.channel:
        return _row.recording().as_wav(exact=True)
    waveform, rate = _row.recording().channels()
    return encode_wav(waveform, rate, exact=True)
