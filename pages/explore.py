"""Explore: see and hear a clip as the network will be given it, and what each augmentation does to it."""

import streamlit as st

from labcore.errors import LabError
from ui import explore_bench, explore_facts, explore_noise, explore_source, explore_views, services, shell

LONG_SECONDS = 30.0
"""Of longer recordings a stretch is on view, chosen in an overview of all of it."""
SECTIONS = {
    "look": ":material/graphic_eq: Look and listen",
    "augment": ":material/shuffle: Augmentation",
    "noise": ":material/noise_control_off: Accuracy in noise",
}

shell.open_page("Explore", "See and hear a clip as the network receives it, and what each augmentation does to it.")

with shell.errors_in_place():
    source = explore_source.choose()
    try:
        opened = explore_source.opened(source) if source is not None else None
    except LabError:
        explore_source.forget()
        raise
    if opened is not None:
        explore_facts.strip(opened)
        st.session_state.setdefault("explore-section", "noise" if explore_noise.LINK in st.query_params else "look")
        section = st.segmented_control(
            "Section",
            list(SECTIONS),
            format_func=SECTIONS.__getitem__,
            required=True,
            key="explore-section",
            label_visibility="collapsed",
            wrap=True,
        )
        if section == "noise":
            explore_noise.show()
        else:
            st.query_params.pop(explore_noise.LINK, None)
            start, end = explore_facts.on_view(opened, LONG_SECONDS)
            (explore_views if section == "look" else explore_bench).show(opened, start, end)
            services.settle_memory_once("explore")
