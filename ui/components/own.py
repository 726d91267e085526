"""Components of the lab's own: a folder for each, with its HTML, its CSS and its script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


@st.cache_resource(show_spinner=False)
def component(name: str, stem: str) -> Any:
    """The component in the folder of that name, by the stem of its files."""
    folder = Path(__file__).parent / name
    texts = {ending: (folder / f"{stem}.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js")}
    return st.components.v2.component(name, **texts)
