"""A recording with its events: all of it at a glance, a section as spectrogram with labelled boxes, and the list of events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from labcore.audio import encode_wav
from labcore.config import RunConfig
from labcore.texts import moment, shown
from labcore.workspace import stamp_of
from ui.app.shell import show_error
from ui.app.text import clock_span, label_name, label_names, plain
from ui.charts.colours import colours, shares
from ui.components import section
from ui.components.sound_viewer import Box, Row, image_row, viewer
from ui.datasets.events import editor
from ui.datasets.events.state import Sitting

if TYPE_CHECKING:
    import pandas as pd

    from labcore.datasets.table import Dataset
    from labcore.explore.view import View

VIEWER, PLAYER = "events-pictures", "events-player"
LENGTHS = {5.0: "5 s", 15.0: "15 s", 30.0: "30 s"}
"""Of a section on view."""
LEAD_SECONDS = 1.0
"""So much is seen before an event that was jumped to."""
MOST_PLAYED = 30.0
"""Seconds of an event that are played."""
LANE = 22
HINT = "Press an event to hear it · drag to select a new one"


def show(sitting: Sitting, windows: Dataset | None) -> None:
    """The recording.

    Args:
        windows: the data set as it is cut into windows, which are shown too; None for none.
    """
    recording = sitting.recording
    if recording.trouble:
        from labcore.errors import DatasetError

        show_error(DatasetError(f"the recording cannot be read: {recording.trouble}", "Fetch or export it again"))
        return
    length = float(st.session_state.get(f"{sitting.key}-length", section.SECTION_SECONDS))
    if recording.seconds > length and recording.events:
        _whole(sitting, length)
    left, right = st.columns([2, 5], gap="medium")
    with left:
        _listed(sitting, length)
    with right:
        _section(sitting, length, windows)


def _whole(sitting: Sitting, length: float) -> None:
    """What is labelled over the whole recording; a press leads there."""
    from labcore.explore.view import events_view

    recording = sitting.recording
    view, labels = events_view(
        [(row.start_s, row.end_s, row.label) for row in recording.events], 0.0, recording.seconds
    )
    names = label_names(labels)
    start = section.start_of(sitting.key)
    below = (start, min(start + length, recording.seconds))
    row = image_row(view, "Events over time", shares(), axis="names", names=[names[label] for label in labels],
                    height=LANE * len(labels), scale=False)  # fmt: skip
    pressed = viewer(
        [row], key="events-whole", of=sitting.key, start_s=0.0, end_s=recording.seconds, selection=below, pressable=True,
        hint=f"Press to go there · shown below: {clock_span(*below, 0)}", alt="Events over time",
    )  # fmt: skip
    if pressed is not None:
        section.jump(sitting.key, pressed.time - length / 2, recording.seconds, length)
        sitting.choose("")
        st.rerun(scope="fragment")


def _listed(sitting: Sitting, length: float) -> None:
    """The events by time, of which one can be chosen; it is played, and the section moves to it."""
    events = sitting.recording.events
    if not events:
        st.caption("No event yet. Select a stretch in the picture, name it, and press Add.")
        return
    key = f"{sitting.key}-list-{sitting.there.version}-{sitting.presses}"

    def picked() -> None:
        rows = st.session_state[key].selection.rows
        sitting.choose(events[rows[0]].event if rows and rows[0] < len(events) else "")
        if rows:
            section.jump(sitting.key, events[rows[0]].start_s - LEAD_SECONDS, sitting.recording.seconds, length)

    chosen = next((at for at, row in enumerate(events) if row is sitting.chosen), None)
    st.dataframe(
        _table(sitting), hide_index=True, height=420 if len(events) > 11 else "content", placeholder="", key=key, on_select=picked,
        selection_mode="single-row", selection_default=None if chosen is None else {"selection": {"rows": [chosen]}},
        alt=f"Events of {shown(sitting.recording.way)}",
    )  # fmt: skip


def _table(sitting: Sitting) -> pd.DataFrame:
    import pandas as pd

    events = sitting.recording.events
    names = label_names(dict.fromkeys(row.label for row in events))
    return pd.DataFrame(
        {
            "Start": [moment(row.start_s) for row in events],
            "s": [round(row.end_s - row.start_s, 2) for row in events],
            "Label": [names[row.label] + " ✎" * bool(row.edited) for row in events],
        }
    )


def _section(sitting: Sitting, length: float, windows: Dataset | None) -> None:
    """A section of the recording to hear, to see, and to edit."""
    recording, chosen = sitting.recording, sitting.chosen
    if recording.seconds > min(LENGTHS):
        st.segmented_control("On view", list(LENGTHS), format_func=LENGTHS.__getitem__, default=length, required=True,
                             key=f"{sitting.key}-length", label_visibility="collapsed")  # fmt: skip
    start, end = section.choose(recording.seconds, sitting.key, length, on_change=sitting.choose, args=("",))
    stamp = stamp_of(recording.path)
    with st.container(key=PLAYER):
        played_from = _player(sitting, stamp, start, end)
    view = _spectrogram(recording.path, stamp, start, end, recording.rate)
    until = min(end or recording.seconds, recording.seconds)
    rows = [
        image_row(
            view,
            "Spectrogram",
            colours(),
            axis="linear",
            low=view.colour_range()[0],
            high=view.colour_range()[1],
            height=260,
        )
    ]
    boxes = _events(sitting, start, until)
    if windows is not None:
        lanes, more = _windows(sitting, windows, start, until)
        rows, boxes = rows + lanes, boxes + more
    of = f"{sitting.key}-{start:g}-{length:g}-{sitting.there.version}-{sitting.presses}"
    marked = None if chosen is not None else editor.selection(VIEWER, of)
    pressed = viewer(
        rows, key=VIEWER, of=of, start_s=start, end_s=until, boxes=boxes, selection=marked.stretch if marked else None, selectable=True,
        banded=True, band=marked.band if marked else None, player=PLAYER,
        played_from=played_from, hint=HINT, alt=f"Spectrogram of {shown(recording.way)} with its events", on_select=sitting.select,
    )  # fmt: skip
    if pressed is not None and pressed.box:
        sitting.choose(pressed.box)
        st.rerun(scope="fragment")
    if windows is not None and len(rows) == 1:
        st.caption("No window lies in this section.")
    editor.show(sitting, marked)


def _player(sitting: Sitting, stamp: tuple[int, int], start: float, end: float | None) -> float:
    """What is played: the event that is chosen, at once, else the section. Returns where in the recording it begins, in seconds."""
    recording, chosen = sitting.recording, sitting.chosen
    name = shown(recording.way)
    if chosen is None:
        st.audio(_wav(recording.path, stamp, start, end), format="audio/wav", alt=f"Playback of {name}")
        return start
    last = min(max(chosen.end_s, chosen.start_s + 0.1), chosen.start_s + MOST_PLAYED)
    first = min(chosen.start_s, max(0.0, recording.seconds - 0.1))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"Playing **{plain(label_name(chosen.label))}** :gray[{moment(chosen.start_s)} – {moment(chosen.end_s)}]"
        )
        st.button("Section", icon=":material/close:", type="tertiary", key=f"{sitting.key}-close", on_click=sitting.choose, args=("",),
                  help="Play the section again")  # fmt: skip
    # another text makes it another player, so that a second press plays again
    alt = f"Playback of {name}, {chosen.label}, from {moment(chosen.start_s)}, press {sitting.presses}"
    st.audio(_wav(recording.path, stamp, first, last), format="audio/wav", alt=shown(alt), autoplay=True)
    return first


def _events(sitting: Sitting, start: float, end: float) -> list[Box]:
    """The events of a section as boxes; one without frequencies takes the whole height."""
    chosen, palette = sitting.chosen, sitting.there.colours
    names = label_names(palette)
    return [
        Box(
            0, row.start_s, row.end_s, *(None if math.isnan(hertz) else hertz for hertz in (row.low_hz, row.high_hz)),
            label=names[row.label] if row.label else "(no label)", colour=palette[row.label], id=row.event, strong=row is chosen,
        )
        for row in sitting.recording.events
        if row.start_s <= end and row.end_s >= start
    ]  # fmt: skip


def _windows(sitting: Sitting, windows: Dataset, start: float, end: float) -> tuple[list[Row], list[Box]]:
    """The windows of a section in lanes by class: the picture with the lanes, and a box a window."""
    from labcore.explore.view import events_view

    table = windows.table[windows.table["path"] == sitting.recording.path]
    ends = table["end_s"].fillna(sitting.recording.seconds)
    here = (table["start_s"] < end) & (ends > start)
    spans = list(zip(table["start_s"][here], ends[here], table["label"][here], strict=True))
    if not spans:
        return [], []
    view, labels = events_view(spans, start, end)
    names, lanes = label_names(labels), {label: at for at, label in enumerate(labels)}
    lane_row = image_row(_empty(view), "Windows", shares(), axis="names", names=[names[label] for label in labels],
                        height=LANE * len(labels), scale=False)  # fmt: skip
    palette = sitting.there.colours
    boxes = [
        Box(1, first, last, lanes.get(label, 0) - 0.4, lanes.get(label, 0) + 0.4, colour=palette.get(label, "#888888"))
        for first, last, label in spans
    ]
    return [lane_row], boxes


def _empty(view: View) -> View:
    from dataclasses import replace

    return replace(view, values=np.zeros_like(view.values))


@st.cache_data(ttl=300, max_entries=40, show_spinner=False)
def _wav(path: str, stamp: tuple[int, int], start_s: float, end_s: float | None) -> bytes:
    from labcore.audio import decode

    return encode_wav(*decode(path, start_s=start_s, end_s=end_s))


@st.cache_data(ttl=300, max_entries=20, show_spinner=False)
def _spectrogram(path: str, stamp: tuple[int, int], start_s: float, end_s: float | None, rate: int) -> View:
    """Up to half the recording's own rate, where its events may lie."""
    from labcore.audio import decode
    from labcore.explore.views import RATES, view_of

    own = min(max(rate, RATES[0]), RATES[1])
    waveform, _ = decode(path, own, start_s=start_s, end_s=end_s)
    config = RunConfig().replace({"audio.sample_rate": own, "features.f_min": 0.0, "features.f_max": None})
    return view_of("spectrogram", waveform, config, start_s=start_s)
