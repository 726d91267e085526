"""A cross-validation as one thing: the clips of all its folds, each predicted by a network that was not trained on its recording.

A tab is a function of the cross-validation; add a line to :data:`TABS`.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.catalogue.rows import whole_row
from labcore.crossval.job import CrossValidation
from ui.components.tabs import tabs
from ui.runs import correct, evaluation, labels, mistakes, one, one_label
from ui.runs.rows import table


def _folds(experiment: CrossValidation) -> None:
    st.page_link(
        "pages/crossval.py",
        label="Board of the folds",
        icon=":material/view_week:",
        query_params={"crossval": experiment.id},
    )
    table(experiment.children(), key="runs-folds")


TABS: dict[str, Callable[[CrossValidation], None]] = {
    "Folds": _folds,
    "Evaluation": evaluation.pooled,
    "Mistakes": mistakes.show_pooled,
    "Labels": one_label.only(labels.show_pooled, one_label.LABELS),
    "Correct": one_label.only(correct.show_pooled, one_label.CORRECT),
}
"""Title → what it shows. Only the tab that is open is drawn."""


def show(experiment: CrossValidation) -> None:
    """The tabs of a cross-validation. One that cannot be read says so."""
    one.head(whole_row(experiment))
    tabs(TABS, experiment)
