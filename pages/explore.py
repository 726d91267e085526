"""Explore: see and hear a clip as the network will be given it, and what each augmentation does to it."""

import streamlit as st

from ui import explore_facts, explore_source, explore_views, shell

LONG_SECONDS = 30.0
"""Of longer recordings a stretch is on view, chosen in an overview of all of it."""

shell.open_page("Explore", "See and hear a clip as a network is given it, and what each augmentation does to it.")

with shell.errors_in_place():
    source = explore_source.choose()
    opened = explore_source.opened(source) if source is not None else None
    if opened is not None:
        explore_facts.strip(opened)
        start, end = explore_facts.on_view(opened, LONG_SECONDS)
        explore_views.show(opened, start, end)
