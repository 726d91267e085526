"""Who is on which side: the folds of a data set and its named splits, and how to make another one. The tab "Split"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.named_splits import OFFICIAL, NamedSplit, file_of, named_now, named_splits
from labcore.workspace import stamp_of
from ui.app import live, services
from ui.app.shell import controlled, errors_in_place
from ui.app.text import ago, plain, sentence
from ui.datasets import split_edit, split_form, split_sides
from ui.datasets.opened import Opened, Stamp, opened

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo

WORD, NEW = "split", "new"
"""The word of the address that names a split, and what it says where one is made."""


def show(info: DatasetInfo) -> None:
    """The split that the address names, or the form of a new one."""
    there, kept = opened(info.name), _kept(info.name, stamp_of(file_of(services.workspace(), info.name)))
    chosen = _choose(info.name, kept)
    if chosen == NEW:
        split_form.show(there, kept)
        return
    split = kept.get(chosen)
    _head(info.name, there, split)
    with errors_in_place():
        placed = split_sides.official(there) if split is None else split_sides.named(there, split)
        split_sides.show(there, placed, f"split-{info.name}-{chosen}")


@st.cache_resource(max_entries=8, ttl=300, show_spinner=False)
def _kept(name: str, changed: Stamp) -> dict[str, NamedSplit]:
    return named_splits(services.workspace(), name)


def _choose(name: str, kept: dict[str, NamedSplit]) -> str:
    """Which split is on view; the address says it, so that a link opens the same one."""
    options = [OFFICIAL, *kept, NEW]
    asked = st.query_params.get(WORD, OFFICIAL)
    chosen = asked if asked in options else named_now(services.workspace(), name, asked)
    if chosen not in options:
        live.gone("split", asked)
        chosen = OFFICIAL
    titles = {OFFICIAL: "Folds of the data set", NEW: "New split …"}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Split", options, options.index(chosen), lambda each: titles.get(each, each), width=280,
            **controlled(f"split-{name}-choice", chosen, partial(st.query_params.__setitem__, WORD), options),
        )  # fmt: skip
        if chosen != NEW:
            st.button("New split", key=f"split-{name}-new", icon=":material/add:", on_click=_make)
    return chosen


def _make() -> None:
    st.query_params[WORD] = NEW


def _head(name: str, there: Opened, split: NamedSplit | None) -> None:
    """What a split is, and what can be done with it."""
    words = {"data.dataset": name}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if split is None:
            st.markdown(plain(sentence(there.dataset.fold_note)), width="content")
        else:
            words |= {"data.named_split": split.split}
            by = f" by {plain(split.who)}" if split.who else ""
            seed = f", seed {split.seed}" if split.seed else ""
            told = f"{plain(sentence(split.note.partition(': ')[2] + seed))} :gray[Kept {ago(split.time)}{by}.]"
            st.markdown(told, width="content")
        st.page_link("pages/train.py", label="Train with it", icon=":material/model_training:", query_params=words)
        if split is not None:
            split_edit.menu(name, split)
