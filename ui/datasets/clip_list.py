"""The clips of a data set as a table and as thumbnails, of which one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from labcore.explore.clips.facts import RECORDED
from labcore.explore.clips.table import row_at
from ui.app import services
from ui.app.text import capital, count
from ui.components import clip_table, pager
from ui.components.clip_grid import Tile, clip_grid
from ui.datasets.filters import LEFT_OUT, names_of
from ui.datasets.opened import Opened

if TYPE_CHECKING:
    import pandas as pd

ROWS, TILES = 1000, 24
"""So many at a time."""
PAGE = "page"
"""The word of the address that says which part of them is on view."""


def table(opened: Opened, rows: np.ndarray, key: str) -> int:
    """A row a clip; the number of the one that is chosen."""
    part = rows[pager.part(len(rows), ROWS, key=f"{key}-page", what="clips", word=PAGE)]
    picked = clip_table.choose(
        _columns(opened, part), key=f"{key}-table-{part[0]}-{len(part)}", alt=f"{count(len(rows))} clips"
    )
    return int(part[picked])


def _columns(opened: Opened, rows: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    names, part = names_of(opened), opened.frame.iloc[rows]
    columns = {
        "Clip": part["name"],
        "Class": part["label"].map(lambda label: names.get(label, label) or LEFT_OUT),
        "Fold": part["fold"],
    }
    facts = opened.facts
    if facts.corrected or facts.left_out:
        changed = part["corrected"] | part["left_out"]
        columns["Was"] = part["own_label"].map(lambda label: names.get(label, label)).where(changed, None)
    for column in RECORDED:
        if part[column].any():
            columns[capital(column)] = part[column]
    if part["seconds"].round(2).nunique() > 1:
        columns["Length (s)"] = part["seconds"].round(2)
    if len(facts.rates) > 1:
        columns["Rate (kHz)"] = (part["rate"] / 1000).where(part["rate"] > 0)
    if facts.measured:
        columns["Level (dBFS)"] = part["level_db"].round(1)
    if opened.frame["unreadable"].any():
        columns["Cannot be read"] = part["trouble"].where(part["unreadable"], None)
    return pd.DataFrame(columns)


def thumbnails(opened: Opened, rows: np.ndarray, key: str) -> int:
    """The log-mels of a page of clips; the number of the one that is chosen."""
    from labcore.explore.clips.thumbnails import thumbnails

    part = rows[pager.part(len(rows), TILES, key=f"{key}-tiles", what="clips", word=PAGE)].tolist()
    clips = [row_at(opened.frame, number) for number in part]
    images = thumbnails(services.workspace(), opened.dataset, clips)
    names, frame = names_of(opened), opened.frame
    marks = frame["corrected"] | frame["left_out"]
    tiles = [
        Tile(number, row.name, (names.get(row.label, row.label) or LEFT_OUT) + " ✎" * bool(marks[number]), image)
        for number, row, image in zip(part, clips, images, strict=True)
    ]
    held = f"{key}-tile"
    chosen = st.session_state.get(held)
    chosen = chosen if chosen in part else part[0]
    pressed = clip_grid(tiles, chosen, key=f"{key}-grid")
    if pressed is not None and pressed != chosen:
        st.session_state[held] = pressed
        st.rerun(scope="fragment")
    return chosen
