"""Clips in a list: a table in which one is chosen, or each with its player."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from labcore.texts import shown
from ui.app.shell import errors_in_place
from ui.app.text import plain

if TYPE_CHECKING:
    import pandas as pd

SHORT = 10
"""A table of no more rows is as tall as they are."""


@dataclass(frozen=True)
class ClipRow:
    """A clip in a list, with what is known of it. ``more`` are further cells by the title of their column."""

    name: str
    label: str = ""
    predicted: str = ""
    probability: float | None = None
    more: Mapping[str, object] = field(default_factory=dict)


def frame_of(rows: Iterable[ClipRow]) -> pd.DataFrame:
    """A row a clip. Columns of which nothing is known are left out."""
    import pandas as pd

    table = pd.DataFrame(
        [
            {
                "Clip": shown(row.name),
                "Label": row.label or None,
                "Prediction": row.predicted or None,
                "Probability": row.probability,
                **row.more,
            }
            for row in rows
        ]
    )
    return table.dropna(axis=1, how="all")


def choose(rows: Sequence[ClipRow], *, key: str, alt: str, first: int = 0) -> int:
    """A table in which one clip is chosen: its number. ``first`` is it where nobody has chosen."""
    picked = st.dataframe(
        frame_of(rows),
        hide_index=True,
        height="content" if len(rows) <= SHORT else 420,
        column_config={"Probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [first]}},
        key=key,
        alt=alt,
    )
    chosen = picked.selection.rows
    return chosen[0] if chosen and chosen[0] < len(rows) else first


def player(row: ClipRow, sound: Callable[[], bytes], beside: Callable[[], object] | None = None) -> None:
    """A clip by its name, and its sound to be played; what cannot be read is told in its place.

    Args:
        sound: gives it as WAV.
        beside: draws what stands to the right of the player.
    """
    with errors_in_place(), st.container(gap="xxsmall"):
        st.caption(" · ".join(plain(text) for text in (row.name, row.label) if text))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.audio(sound(), format="audio/wav", alt=f"Playback of {shown(row.name)}", width="stretch")
            if beside is not None:
                beside()
