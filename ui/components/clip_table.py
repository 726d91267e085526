"""A table of clips in which one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    import pandas as pd

SHORT = 10
"""A table of no more rows is as tall as they are."""


def choose(table: pd.DataFrame, first: int = 0, *, key: str, alt: str) -> int:
    """A row a clip, of which one is chosen: its number; ``first`` where nobody has chosen. A column ``Probability`` is drawn."""
    picked = st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= SHORT else 420,
        column_config={"Probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [first]}},
        key=key,
        alt=alt,
    )
    chosen = picked.selection.rows
    return chosen[0] if chosen and chosen[0] < len(table) else first
