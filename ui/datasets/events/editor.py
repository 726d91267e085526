"""The form in which an event is added or changed: times, label and frequencies."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from labcore.errors import DatasetError
from labcore.texts import as_bytes, shown
from ui.app.shell import action_button, callback, tell_trouble
from ui.components.sound_viewer import selected, selected_band
from ui.datasets.events.state import Sitting


@dataclass(frozen=True)
class Draft:
    """What the form begins with; None for what is not known."""

    start_s: float | None = None
    end_s: float | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    label: str = ""

    @property
    def stretch(self) -> tuple[float, float] | None:
        return None if self.start_s is None or self.end_s is None else (self.start_s, self.end_s)

    @property
    def band(self) -> tuple[float, float] | None:
        return None if self.low_hz is None or self.high_hz is None else (self.low_hz, self.high_hz)


def selection(viewer: str, of: str) -> Draft | None:
    """What is selected in a viewer, as :func:`ui.components.sound_viewer.selected` takes it; None for nothing."""
    stretch, band = selected(viewer, of), selected_band(viewer, of)
    if stretch is None:
        return None
    low, high = (None, None) if band is None else (float(round(each)) for each in band)
    return Draft(round(stretch[0], 3), round(stretch[1], 3), low, high)


def show(sitting: Sitting, marked: Draft | None) -> None:
    """The form: of the event that is chosen, else of a new one. ``marked``: what is selected in the picture."""
    event = sitting.chosen
    draft = marked or Draft()
    if event is not None:
        low, high = (None if math.isnan(each) else each for each in (event.low_hz, event.high_hz))
        draft = Draft(event.start_s, event.end_s, low, high, event.label)
    mark = f"{draft} {sitting.there.version} {event.event if event else ''}"
    key = f"{sitting.key}-form-{hashlib.sha256(as_bytes(mark)).hexdigest()[:8]}"
    what = "Selected event" if event else "New event"
    with st.form(key, border=True):
        st.markdown(
            f"**{what}**" + ("" if event or marked else " :small[:gray[drag over the picture, or type its times]]")
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            _fields(sitting, draft, key)
        save = callback(partial(_save, sitting, key, event.event if event else ""), key)
        st.form_submit_button(
            "Save" if event else "Add",
            on_click=save,
            icon=":material/save:" if event else ":material/add:",
            type="primary",
        )
    tell_trouble(key)
    if event is not None:
        with st.container(horizontal=True, gap="small"):
            action_button("Delete event", partial(sitting.edit, "delete", event=event.event, start_s=event.start_s, end_s=event.end_s,
                          label=event.label), key=f"{key}-delete", icon=":material/delete:", type="tertiary")  # fmt: skip
            action_button(
                "New event", partial(sitting.choose, ""), key=f"{key}-new", icon=":material/add:", type="tertiary"
            )


def _fields(sitting: Sitting, draft: Draft, key: str) -> None:
    most = float(sitting.recording.seconds)
    for name, title, value in (("start", "Start (s)", draft.start_s), ("end", "End (s)", draft.end_s)):
        within = None if value is None else min(max(0.0, value), most)
        st.number_input(title, 0.0, most, within, step=0.05, format="%.3f", key=f"{key}-{name}", width=130)
    label = draft.label or st.session_state.get(f"events-{sitting.there.name}-label", "")
    options = list(dict.fromkeys([*sitting.there.colours, *([label] if label else [])]))
    st.selectbox(
        "Label", options, index=options.index(label) if label else None, key=f"{key}-label", accept_new_options=True, width=190,
        format_func=shown, placeholder="Choose or type",
    )  # fmt: skip
    for name, title, value in (("low", "Low (Hz)", draft.low_hz), ("high", "High (Hz)", draft.high_hz)):
        looks: Any = {"step": 100.0, "format": "%.0f", "width": 120, "placeholder": "any"}
        st.number_input(title, 0.0, None, value, key=f"{key}-{name}", **looks)


def _save(sitting: Sitting, key: str, event: str) -> None:
    """Add what the form says, or change the event.

    Raises:
        DatasetError: it is no event.
        WorkspaceError: the workspace cannot be written.
    """
    start, end, label, low, high = (
        st.session_state[f"{key}-{name}"] for name in ("start", "end", "label", "low", "high")
    )
    if start is None or end is None:
        raise DatasetError("the event has no start or no end", "Drag over the picture, or type both times")
    facts = {"start_s": start, "end_s": end, "label": label or "", "low_hz": low, "high_hz": high}
    if event:
        sitting.edit("change", event=event, **facts)
    else:
        sitting.edit("add", **facts)
