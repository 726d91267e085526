"""Explore: see and hear a clip as the network will be given it, and what each augmentation does to it."""

import streamlit as st

from labcore.errors import LabError
from ui.app import services, shell
from ui.components import source_picker
from ui.explore import augment_preview, facts, noise, views
from ui.explore.opened import opened as read_once
from ui.forms import url

LONG_SECONDS = 30.0
"""Of longer recordings a stretch is on view, chosen in an overview of all of it."""
SECTIONS = {
    "look": ":material/graphic_eq: Look and listen",
    "augment": ":material/shuffle: Augmentation",
    "noise": ":material/noise_control_off: Robustness",
}
SECTION = "section"
"""The word of the address that says which one is open."""


def _section() -> str:
    def keep() -> None:
        st.query_params[SECTION] = st.session_state["explore-section"]

    if "explore-section" not in st.session_state or url.went_back():
        asked = "noise" if noise.LINK in st.query_params else st.query_params.get(SECTION, "")
        st.session_state["explore-section"] = asked if asked in SECTIONS else "look"
    return shell.one_of("Section", SECTIONS, key="explore-section", label_visibility="collapsed", on_change=keep)


shell.open_page("Explore", "See and hear a clip as the network receives it, and what each augmentation does to it.")

with shell.errors_in_place():
    source = source_picker.choose("explore", "siren")
    try:
        opened = read_once(source) if source is not None else None
    except LabError:
        source_picker.forget("explore")
        raise
    if opened is not None:
        facts.strip(opened)
        section = _section()
        if section == "noise":
            noise.show()
        else:
            st.query_params.pop(noise.LINK, None)
            start, end = facts.on_view(opened, LONG_SECONDS)
            (views if section == "look" else augment_preview).show(opened, start, end)
            services.settle_memory_once("explore")
