"""How clips are cut by the events: the settings, what they come to, and what becomes of every label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.config import CUTTING
from ui.app.shell import download
from ui.app.text import count, counted, plain
from ui.datasets import summary
from ui.datasets.events.state import OpenedEvents
from ui.forms import fields, url

if TYPE_CHECKING:
    from labcore.datasets.table import Dataset

COLUMNS = {
    "label": "Label", "recording": "Recording", "start_s": "Start (s)", "end_s": "End (s)", "outcome": "What became of it", "why": "Why",
    "file": "File", "line": "Line",
}  # fmt: skip


def show(there: OpenedEvents) -> Dataset | None:
    """The settings and what they come to; the data set so cut, None where nobody wants to see the windows.

    Raises:
        DatasetError: nothing is left.
    """
    if not st.toggle("Preview the windows", key=f"events-{there.name}-preview", help="How clips are cut for training."):
        return None
    with st.container(border=True):
        fields.part("data", skip=[path for path in fields.values() if path not in CUTTING])
        st.page_link(
            "pages/train.py",
            label="Train with these windows",
            icon=":material/model_training:",
            query_params=_address(there.name),
        )
    dataset = _cut(there.name, there.version, summary.cut_as(fields.values()), there)
    left, right = st.columns(2, gap="medium")
    with left:
        _counts(dataset)
    with right:
        _report(dataset)
    return dataset


def _address(name: str) -> dict[str, str]:
    """The settings as the words of the Train page's address."""
    return {"data.dataset": name, **url.differing({**fields.values(), "data.dataset": name, **fields.NO_SPLIT})}


@st.cache_resource(max_entries=8, ttl=300, show_spinner="Cutting …")
def _cut(name: str, version: str, cut: str, _there: OpenedEvents) -> Dataset:
    from labcore.datasets.timed.dataset import in_windows

    data = summary.cutting(cut)
    assert data is not None
    return in_windows(_there.dataset, data)


def _counts(dataset: Dataset) -> None:
    """A row a class: its labels, what became of them, and its clips."""
    from labcore.datasets.timed.report import by_label

    assert dataset.annotated is not None
    clips = dataset.table["label"].value_counts()
    rows: list[dict[str, Any]] = [
        {
            "Class": row["label"] or "(none)",
            "Clips": int(clips.get(row["label"], 0)) if row["label"] else 0,
            **{name.capitalize(): row[name] for name in ("labels", "used", "merged", "dropped")},
        }
        for row in by_label(dataset.annotated.rows)
    ]
    known = {row["Class"] for row in rows}
    rows += [{"Class": str(label), "Clips": int(many)} for label, many in clips.items() if label not in known]
    seconds = dataset.annotated.window_seconds
    length = f" of {seconds:g} s" if seconds else ""
    st.markdown(f"**{counted(len(dataset.table), 'clip')}{length}**")
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="–",
        alt="Labels and clips by class",
        height=300 if len(rows) > 8 else "content",
    )
    st.caption(f"Folds: {plain(dataset.fold_note)}.")


def _report(dataset: Dataset) -> None:
    """Every label that was merged or dropped, and why."""
    from labcore.datasets.timed.report import COLUMNS as WRITTEN
    from labcore.datasets.timed.report import as_rows
    from labcore.sheets import csv_of

    assert dataset.annotated is not None
    rows = as_rows(dataset.annotated.rows)
    lost = [row for row in rows if row["outcome"] != "used"]
    st.markdown(f"**{count(len(lost))} of {counted(len(rows), 'label')} merged or dropped**")
    if lost:
        told = [{title: row[name] for name, title in COLUMNS.items()} for row in lost]
        st.dataframe(told, hide_index=True, placeholder="–", alt="Labels that were merged or dropped", height=300)
    for finding in dataset.findings:
        mark = ":orange[:material/warning:] " if finding.level == "warning" else ""
        st.caption(mark + plain(finding.sentence))
    name = f"{dataset.name}.labels.csv"
    download("Report as CSV", lambda: csv_of(WRITTEN, rows), name, "text/csv", type="tertiary", key="events-report")
