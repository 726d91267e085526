"""Which clips of a data set are on view: search, filters and order, as one line of widgets whose values stand in the address.

Their keys are the words of the address (``?class=dog&order=longest``). Each data set has its own for as long as the browser's tab is open.
"""

from __future__ import annotations

import math

import streamlit as st

from labcore.explore.clips.table import FLAGS, ORDERS, ClipFilter
from labcore.texts import shown
from ui.app.text import capital, label_names
from ui.datasets.opened import Opened
from ui.forms.url import BOUND

LEFT_OUT = "left out"
WORDS = ("words", "class", "fold", "recorder", "day", "length", "state", "order")
OF, KEPT = "look-of", "look-kept"
"""In the session: the data set that the widgets are of, and data set → their values when it was seen last."""


def choose(opened: Opened) -> ClipFilter:
    """What the visitor wants, or the address."""
    _take_up(opened.dataset.name)
    wanted = _chosen(opened)
    held = {word: st.session_state[word] for word in WORDS if word in st.session_state}
    st.session_state.setdefault(KEPT, {})[opened.dataset.name] = held
    return wanted


def _take_up(name: str) -> None:
    """Have the widgets begin as they were left at this data set, and not as at the one that was seen before it."""
    if st.session_state.get(OF, name) != name:
        kept = st.session_state.get(KEPT, {}).get(name, {})
        for word in WORDS:
            if word in kept and word not in st.query_params:
                st.session_state[word] = kept[word]
            elif word in st.session_state:
                del st.session_state[word]
    st.session_state[OF] = name


def _chosen(opened: Opened) -> ClipFilter:
    names = names_of(opened)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = st.text_input(
            "Search", key="words", placeholder="Words of the name", width=170, bind=BOUND,
            help="Each word is in the clip's path, its recording, its label or what its recorder wrote.",
        )  # fmt: skip
        labels = st.multiselect(
            "Class", list(names), format_func=names.__getitem__, key="class", placeholder="all", width=190, bind=BOUND
        )
        folds = [shown(fold) for fold in opened.dataset.folds]
        chosen = (
            st.multiselect("Fold", folds, key="fold", placeholder="all", width=130, bind=BOUND) if folds[1:] else []
        )
        recorders, days = (_of_recorder(opened, column) for column in ("recorder", "day"))
        shortest, longest = _lengths(opened)
        flag = _flag(opened)
        order = st.selectbox(
            "Order",
            list(ORDERS),
            format_func=lambda order: capital(ORDERS[order]),
            key="order",
            width=130,
            bind=BOUND,
        )
    return ClipFilter(tuple(labels), tuple(chosen), recorders, days, words, shortest, longest, flag, order or "")


def names_of(opened: Opened) -> dict[str, str]:
    """Label → how it is shown; of clips that are left out it is "" and shown as such."""
    names = label_names(opened.dataset.labels)
    return {**names, "": LEFT_OUT} if opened.facts.left_out else names


def _of_recorder(opened: Opened, column: str) -> tuple[str, ...]:
    """Which recorders or days are wanted, where the files tell of several."""
    values = sorted(set(opened.frame[column].unique()) - {""})
    if len(values) < 2:
        return ()
    return tuple(st.multiselect(capital(column), values, key=column, placeholder="all", width=200, bind=BOUND))


def _lengths(opened: Opened) -> tuple[float, float]:
    seconds = opened.frame["seconds"]
    low, high = math.floor(10 * seconds.min()) / 10 if seconds.notna().any() else 0.0, 0.0
    if seconds.notna().any():
        high = math.ceil(10 * seconds.max()) / 10
    if high - low <= 0.1:
        return 0.0, math.inf
    held = st.session_state.get("length", ())
    if (within := tuple(min(max(low, each), high) for each in held)) != tuple(held):  # it was of clips that are gone
        st.session_state["length"] = within
    least, most = st.slider(
        "Length (s)",
        low,
        high,
        (low, high),
        step=0.1,
        format="%.1f",
        key="length",
        width=150,
        bind=BOUND,
    )
    return least if least > low else 0.0, most if most < high else math.inf


def _flag(opened: Opened) -> str:
    there = [flag for flag in FLAGS if getattr(opened.facts, flag)]
    if not there:
        return ""
    words = {"": "any", **{flag: FLAGS[flag] for flag in there}}
    if st.session_state.get("state") not in words:
        st.session_state.pop("state", None)
    return st.selectbox("State", list(words), format_func=words.__getitem__, key="state", width=150, bind=BOUND) or ""
