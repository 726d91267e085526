"""How recordings with time-stamped annotations are cut into clips: the settings, and what becomes of each label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from labcore.config import CUTTING
from labcore.errors import LabError
from ui.app.shell import show_error
from ui.app.text import counted, plain
from ui.datasets import summary
from ui.forms import fields

if TYPE_CHECKING:
    import pandas as pd


@st.fragment
def show(folder: str, version: str) -> None:
    """The settings, which are those of the Train page, with what they make of the labels in a folder.

    Args:
        version: changes with what lies in it.
    """
    with st.expander("How the recordings are cut", icon=":material/content_cut:", expanded=True):
        st.caption("A training cuts by these settings of the Train page; they can be changed there later.")
        fields.part("data", skip=[path for path in fields.values() if path not in CUTTING])
        try:
            clips, table = _labels(folder, version, summary.cut_as(fields.values()))
        except LabError as error:
            show_error(error)
            return
        st.markdown(f"**{counted(clips, 'clip')}**")
        st.dataframe(table, hide_index=True, width="stretch", alt="Labels of the windows")


@st.cache_data(max_entries=16, ttl=600, show_spinner="Cutting …")
def _labels(folder: str, version: str, cut: str) -> tuple[int, pd.DataFrame]:
    """How many clips there are, and what became of the labels of each class."""
    import pandas as pd

    from labcore.datasets.layouts import read_dataset
    from labcore.datasets.timed.report import by_label

    dataset = read_dataset(folder, "", summary.cutting(cut))
    clips = dataset.table["label"].value_counts()
    rows = by_label(dataset.annotated.rows if dataset.annotated else ())
    known = {row["label"] for row in rows}
    rows += [
        {"label": label, "labels": 0, "used": 0, "merged": 0, "dropped": 0}
        for label in clips.index
        if label not in known
    ]
    told = [
        {
            "Class": plain(row["label"] or "(none)").replace("\\", ""),
            "Labels": row["labels"],
            "Used": row["used"],
            "Merged": row["merged"],
            "Dropped": row["dropped"],
            "Clips": int(clips.get(row["label"], 0)),
        }
        for row in rows
    ]
    return len(dataset), pd.DataFrame(told)
