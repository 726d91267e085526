"""Recordings with time-stamped annotations: seen on a time line, heard, edited, cut into windows. The tab "Annotations"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.timed.edits import file_of as events_file
from labcore.texts import moment, shown
from ui.app import services
from ui.app.shell import action_button, callback, errors_in_place, heading, tell_trouble
from ui.app.text import ago, counted, plain
from ui.components import clip_table
from ui.components.tabs import BOUND
from ui.datasets.events import files, preview, timeline
from ui.datasets.events.state import OpenedEvents, Sitting, opened, take_back
from ui.forms import url

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo

TITLE = "Annotations"
LAYOUT = "annotations"
"""Of the data sets that have the tab."""
RECORDING = "recording"
"""The word of the address that names the recording that is chosen; the first one needs none."""
LATEST = 8
"""So many edits are listed, the newest first."""
TOLD = {True: "yes", False: "no", None: "not said"}
COMPLETE = (
    "Every sound of interest in this recording is labelled, so that the rest of it becomes clips of the class background. "
    "Not said: as the setting Annotations says for the whole data set."
)


def show(info: DatasetInfo) -> None:
    """The tab of a data set."""
    _open(info.name)


def way_back(info: DatasetInfo) -> None:
    """The same below the error of a data set that cannot be used since its events were edited, so that this can be taken back."""
    if events_file(services.workspace(), info.name).exists():
        with errors_in_place():
            _open(info.name)


def begin(info: DatasetInfo) -> None:
    """The same for recordings in which no event is labelled yet; with the first one the page has its tabs, and this one is open."""
    st.session_state[BOUND["key"]] = TITLE
    with errors_in_place():
        _open(info.name, begins=True)


def _open(name: str, begins: bool = False) -> None:
    """The tab in a run of the whole page: the browser's Back asks for one, and has the address name another recording."""
    told, tables = f"events-{name}-told", f"events-{name}-tables"
    if st.session_state.get(told) not in (None, st.query_params.get(RECORDING, "")):
        st.session_state[tables] = st.session_state.get(tables, 0) + 1  # a new one, which begins with what is named
    _work(name, begins)


@st.fragment
def _work(name: str, begins: bool = False) -> None:
    with errors_in_place():
        there = opened(name)
        if begins and any(each.events for each in there.recordings):
            st.rerun()
        if not there.recordings:
            st.info("There is no recording in this data set.", icon=":material/info:")
            return
        left, right = st.columns([3, 2], gap="medium")
        with left:
            sitting = _recording(there)
        with right, errors_in_place():
            _about(sitting)
        line = st.container()
        windows = None
        with errors_in_place():
            windows = preview.show(there)
        with line, errors_in_place():
            timeline.show(sitting, windows)


def _recording(there: OpenedEvents) -> Sitting:
    """The recording that is chosen in the table of all."""
    import pandas as pd

    table = pd.DataFrame(
        {
            "Recording": [shown(each.way) for each in there.recordings],
            "Length": [moment(each.seconds) if each.rate else "cannot be read" for each in there.recordings],
            "Events": [len(each.events) for each in there.recordings],
            "Edited": [sum(bool(row.edited) for row in each.events) for each in there.recordings],
            "All labelled": [TOLD[each.complete] for each in there.recordings],
        }
    )
    if not table["Edited"].any():
        table = table.drop(columns="Edited")
    tables, ways = st.session_state.get(f"events-{there.name}-tables", 0), table["Recording"].tolist()
    key = f"events-{there.name}-recordings-{tables}"
    if key not in st.session_state:  # at first, or again after another tab; later the table knows better
        asked = st.query_params.get(RECORDING, "")
        st.session_state[f"{key}-first"] = ways.index(asked) if asked in ways else 0
    first = min(st.session_state[f"{key}-first"], len(ways) - 1)
    number = clip_table.choose(table, first, key=key, alt="Recordings of the data set")
    st.session_state[f"events-{there.name}-told"] = word = ways[number] if number else ""
    url.tell(RECORDING, word)
    return Sitting(there, there.recordings[number])


def _about(sitting: Sitting) -> None:
    """What is said of the recording, the edits with the way back, and the files to take away."""
    there, recording = sitting.there, sitting.recording
    heading(plain(recording.way), f":small[:gray[{counted(len(recording.events), 'event')}]]")
    key = f"{sitting.key}-complete-{there.version}-{sitting.presses}"

    def keep() -> None:
        choice = st.session_state[key]
        if choice is None:  # pressed again: it is drawn anew as it is
            sitting.choose("")
        elif choice != TOLD[recording.complete]:
            sitting.say_complete(choice == TOLD[True])

    st.segmented_control(
        "All labelled", [TOLD[True], TOLD[False]], default=None if recording.complete is None else TOLD[recording.complete], key=key,
        on_change=callback(keep, key), help=COMPLETE, disabled=not recording.rate,
    )  # fmt: skip
    tell_trouble(key)
    with st.container(horizontal=True, gap="small"):
        nothing = there.edits.last_of(services.visitor_name()) is None
        action_button(
            "Undo", partial(take_back, there.name, "last"), key=f"events-{there.name}-undo", icon=":material/undo:",
            disabled=nothing, shortcut="Ctrl+Z", help="Take back your latest edit.",
        )  # fmt: skip
        _edits(there)
        files.show(sitting)
    if there.edits.sentence and (there.source.files or there.edits.lines):
        stay = " The files of annotations stay as they are." if there.source.files else ""
        st.caption(f"{there.edits.sentence[:1].upper()}{there.edits.sentence[1:]}.{stay}")


def _edits(there: OpenedEvents) -> None:
    """The newest edits, each with the way back."""
    if not there.edits.lines:
        return
    with st.popover(counted(len(there.edits.lines), "edit"), icon=":material/history:", type="tertiary"):
        for _, edit in there.edits.lines[: -LATEST - 1 : -1]:
            with st.container(horizontal=True, vertical_alignment="center"):
                who = f" by {plain(edit.who)}" if edit.who else ""
                st.markdown(f"{plain(edit.sentence)}  \n:small[:gray[{ago(edit.time)}{who}]]")
                action_button(
                    "Undo", partial(take_back, there.name, edit.id), key=f"events-{there.name}-undo-{edit.id}",
                    icon=":material/undo:", type="tertiary",
                )  # fmt: skip
