"""Which clips of a data set are on view: search, filters and order, as one line of widgets."""

from __future__ import annotations

import math

import streamlit as st

from labcore.explore.clips.table import FLAGS, ORDERS, ClipFilter
from labcore.texts import shown
from ui.app.text import capital, label_names
from ui.datasets.opened import Opened

LEFT_OUT = "left out"


def choose(opened: Opened, prefix: str) -> ClipFilter:
    """What the visitor wants. ``prefix``: of the widgets' keys."""
    names = names_of(opened)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = st.text_input(
            "Search", key=f"{prefix}-words", placeholder="Words of the name", width=190,
            help="Each word is in the clip's path, its recording or its label.",
        )  # fmt: skip
        labels = st.multiselect(
            "Class", list(names), format_func=names.__getitem__, key=f"{prefix}-labels", placeholder="all", width=220
        )
        folds = [shown(fold) for fold in opened.dataset.folds]
        chosen = st.multiselect("Fold", folds, key=f"{prefix}-folds", placeholder="all", width=150) if folds[1:] else []
        shortest, longest = _lengths(opened, prefix)
        flag = _flag(opened, prefix)
        order = st.selectbox(
            "Order", list(ORDERS), format_func=lambda order: capital(ORDERS[order]), key=f"{prefix}-order", width=130
        )
    return ClipFilter(tuple(labels), tuple(chosen), words, shortest, longest, flag, order or "")


def names_of(opened: Opened) -> dict[str, str]:
    """Label → how it is shown; of clips that are left out it is "" and shown as such."""
    names = label_names(opened.dataset.labels)
    return {**names, "": LEFT_OUT} if opened.facts.left_out else names


def _lengths(opened: Opened, prefix: str) -> tuple[float, float]:
    seconds = opened.frame["seconds"]
    low, high = math.floor(10 * seconds.min()) / 10 if seconds.notna().any() else 0.0, 0.0
    if seconds.notna().any():
        high = math.ceil(10 * seconds.max()) / 10
    if high - low <= 0.1:
        return 0.0, math.inf
    least, most = st.slider(
        "Length (s)", low, high, (low, high), step=0.1, format="%.1f", key=f"{prefix}-length-{low}-{high}", width=200
    )
    return least if least > low else 0.0, most if most < high else math.inf


def _flag(opened: Opened, prefix: str) -> str:
    there = [flag for flag in FLAGS if getattr(opened.facts, flag)]
    if not there:
        return ""
    words = {"": "any", **{flag: FLAGS[flag] for flag in there}}
    return st.selectbox("State", list(words), format_func=words.__getitem__, key=f"{prefix}-flag", width=150) or ""
