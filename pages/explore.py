"""Explore: see and hear a clip as the network will be given it, and what each augmentation does to it."""

import streamlit as st

from labcore.errors import LabError
from ui.app import services, shell
from ui.components import source_picker
from ui.explore import augment_preview, facts, front_end, noise, views
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

shell.open_page("Explore", "See and hear a clip as the network receives it, and what each augmentation does to it.")

with shell.errors_in_place():
    front_end.read()
    source = source_picker.choose("explore", "siren")
    try:
        opened = read_once(source) if source is not None else None
    except LabError:
        source_picker.forget("explore")
        raise
    if opened is not None:
        facts.strip(opened)
        first = "noise" if noise.LINK in st.query_params else ""
        section = url.one_of("Section", SECTIONS, word=SECTION, key="explore-section", first=first)
        if section == "noise":
            noise.show()
        else:
            st.query_params.pop(noise.LINK, None)
            start, end = facts.on_view(opened, LONG_SECONDS)
            (views if section == "look" else augment_preview).show(opened, start, end)
            services.settle_memory_once("explore")
