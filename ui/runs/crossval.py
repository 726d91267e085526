"""A cross-validation as one thing: the clips of all its folds, each predicted by a network that was not trained on its recording.

A tab is a function of the cross-validation; add a line to :data:`TABS`.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.crossval.job import CrossValidation
from ui.app.text import plain
from ui.components.job_picker import title
from ui.runs import evaluation, one
from ui.runs.rows import table


def _folds(experiment: CrossValidation) -> None:
    st.page_link(
        "pages/crossval.py",
        label="Board of the folds",
        icon=":material/view_week:",
        query_params={"crossval": experiment.id},
    )
    table(experiment.children())


TABS: dict[str, Callable[[CrossValidation], None]] = {"Folds": _folds, "Evaluation": evaluation.pooled}
"""Title → what it shows. Only the tab that is open is drawn."""


def show(experiment: CrossValidation) -> None:
    """The tabs of a cross-validation. One that cannot be read says so."""
    one.back()
    st.markdown(f"**Cross-validation {plain(title(experiment))}**", help=plain(experiment.id))
    one.tabs(TABS, experiment)
