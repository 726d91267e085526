"""The sides of a split: classes and groups by fold, what leaks, and every clip with its side, to be found and heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from labcore.datasets.in_split import places_in
from labcore.datasets.leaks import Leak, find_leaks
from labcore.datasets.named_splits import LIST, NamedSplit
from labcore.datasets.sides import Sides, sides_of
from labcore.explore.clips.table import ClipFilter, counts
from labcore.texts import shown
from labcore.workspace import stamp_of
from ui.app.shell import errors_in_place, heading
from ui.app.text import count, counted, plain, sentence
from ui.charts import clips as charts
from ui.components import pager
from ui.datasets import clip_card, clip_list
from ui.datasets.filters import names_of
from ui.datasets.opened import Opened, Stamp
from ui.forms import url

if TYPE_CHECKING:
    import pandas as pd

TALL = 18
"""More classes stand in a box that scrolls."""
GROUPS = 500
"""So many at a time."""
WHO = {"groups": ":material/groups: Groups", "clips": ":material/table_rows: Clips"}


@dataclass(frozen=True)
class Placed:
    """A split of a data set that was opened.

    Attributes:
        key: what it is known by.
        folds, groups: of each clip; a fold of "" is none.
        later: clips that came after it was made.
    """

    key: str
    folds: list[str]
    groups: list[str]
    sides: Sides
    leaks: list[Leak]
    own: bool = False
    later: int = 0


def official(there: Opened) -> Placed:
    """The folds of the data set itself."""
    table = there.dataset.table
    placed = place(there, "official", table["fold"].tolist(), table["group"].tolist())
    return replace(placed, own=True)


def named(there: Opened, split: NamedSplit) -> Placed:
    """A split that was kept. Clips that it does not know are in no fold."""
    found = places_in(there.dataset, split)
    folds, groups = ([getattr(each, part) if each else "" for each in found] for part in ("fold", "group"))
    later = 0 if split.by == LIST else found.count(None)
    return replace(place(there, split.id, folds, groups), later=later)


def place(there: Opened, key: str, folds: list[str], groups: list[str]) -> Placed:
    """A split by the fold and the group of each clip. ``key``: another split has another one."""
    used = [fold if label else "" for fold, label in zip(folds, there.dataset.table["label"], strict=True)]
    return _placed(f"{there.dataset.name} {there.version} {key}", checked(there), there, used, groups)


def checked(there: Opened) -> Stamp:
    """What changes with a check: it may find copies."""
    from labcore.datasets.health import file_for

    file = file_for(there.dataset)
    return stamp_of(file) if file else (0, 0)


@st.cache_resource(max_entries=8, ttl=300, show_spinner="Comparing the sides …")
def _placed(key: str, checked: Stamp, _there: Opened, _folds: list[str], _groups: list[str]) -> Placed:
    dataset = _there.dataset
    return Placed(key, _folds, _groups, sides_of(dataset, _folds, _groups), find_leaks(dataset, _folds, _groups))


def show(there: Opened, placed: Placed, key: str) -> None:
    """What there is to know of a split, and its clips.

    Args:
        key: of the widgets.
    """
    _told(there, placed)
    _classes(there, placed, key)
    _who(there, placed, key)


def _told(there: Opened, placed: Placed) -> None:
    for leak in placed.leaks:
        (st.warning if placed.own else st.error)(
            f"**Leaks.** {plain(sentence(leak.sentence))} {plain(sentence(leak.remedy))}", icon=":material/call_merge:"
        )
    if placed.later:
        many = counted(placed.later, "clip")
        st.warning(
            f"{many} came after this split was made, and no training takes it. Make a new one.", icon=":material/info:"
        )
    with st.container(gap="xsmall"):
        for text in placed.sides.warnings:
            st.markdown(f":orange[:material/warning:] {plain(sentence(text))}")
        if placed.sides.unused:
            st.caption(f"{counted(placed.sides.unused, 'clip')} in no fold: used for nothing.")
        if not placed.leaks:
            st.caption(_not_known(there))


def _not_known(there: Opened) -> str:
    from labcore.datasets.health import known_health

    if known_health(there.dataset) is None:
        return "No recording is in several folds. Copies of sounds are known once the data set was checked."
    return "No recording and no copy of a sound is in several folds."


def _classes(there: Opened, placed: Placed, key: str) -> None:
    """Classes by fold, as a chart and as a table."""
    import pandas as pd

    names, sides = names_of(there), placed.sides
    frame = _frame(there, placed)
    left, right = st.columns(2, gap="medium")
    with left:
        heading("Clips by class and fold")
        with st.container(height=430 if len(names) > TALL else "content", border=False):
            folds = [shown(fold) for fold in sides.folds]
            charts.by_class(counts(frame[frame["fold"] != ""]), names, folds, key=f"{key}-by-class")
    with right:
        heading("In numbers")
        columns = {"Class": [*(names.get(label, shown(label)) for label in sides.classes), "All classes"]}
        columns |= {
            shown(fold): [*(row[fold] for row in sides.classes.values()), sides.totals[fold]] for fold in sides.folds
        }
        table = pd.DataFrame(columns)
        height = 430 if len(table) > TALL else "content"
        st.dataframe(
            table, hide_index=True, height=height, key=f"{key}-classes", alt="Clips of each class in each fold"
        )


@st.fragment
def _who(there: Opened, placed: Placed, key: str) -> None:
    """Groups and clips with their folds, searched and filtered."""
    with errors_in_place():
        heading("Groups and clips")
        folds = [shown(fold) for fold in placed.sides.folds]
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            what = url.one_of("What", WHO, word="who", key=f"{key}-what")
            words = st.text_input(
                "Search", key=f"{key}-words", placeholder="Search groups, clips, classes", label_visibility="collapsed", width=260,
                bind=url.BOUND,
            )  # fmt: skip
            chosen = st.multiselect(
                "Fold",
                folds,
                key=f"{key}-folds",
                placeholder="all folds",
                label_visibility="collapsed",
                width=220,
                bind=url.BOUND,
            )
            only_leaks = bool(placed.leaks) and st.toggle("Only what leaks", key=f"{key}-leaks", bind=url.BOUND)
        frame = _frame(there, placed)
        rows = ClipFilter(words=words, folds=tuple(chosen)).rows(frame)
        if only_leaks:
            rows = rows[np.isin(rows, [row for leak in placed.leaks for row in leak.rows])]
        if not len(rows):
            st.info("Nothing fits. Search for less, or choose fewer folds.", icon=":material/filter_alt_off:")
        elif what == "groups":
            _groups(frame, rows, names_of(there), key)
        else:
            _clips(replace(there, frame=frame), rows, f"{key}-{words}-{chosen}-{only_leaks}")


def _frame(there: Opened, placed: Placed) -> pd.DataFrame:
    """The clips with the folds and groups of a split."""
    return there.frame.assign(fold=list(map(shown, placed.folds)), group=list(map(shown, placed.groups)))


def _groups(frame: pd.DataFrame, rows: np.ndarray, names: dict[str, str], key: str) -> None:
    """A row a group: how many of its clips fit, where they are, and of what class."""
    part = frame.iloc[rows]
    sizes = part.groupby("group", sort=False).size().sort_values(ascending=False, kind="stable")
    st.caption(f"{counted(len(sizes), 'group')}, {counted(len(rows), 'clip')}")
    on_page = sizes.index[pager.part(len(sizes), GROUPS, key=f"{key}-groups-page", what="groups")]
    part = part[part["group"].isin(on_page)]  # texts are joined for those on view alone: of 100,000 that takes seconds
    part = part.assign(label=[names.get(label, shown(label)) for label in part["label"]])
    table = part.groupby("group", sort=False).agg(
        Clips=("clip", "size"), Fold=("fold", _joined), Class=("label", _joined), Example=("name", "first")
    )
    table = table.loc[on_page].rename_axis("Group").reset_index()
    st.dataframe(table, hide_index=True, height=420 if len(table) > 10 else "content", key=f"{key}-groups",
                 alt=f"{count(len(sizes))} groups with their folds")  # fmt: skip


def _joined(values: pd.Series) -> str:
    return ", ".join(dict.fromkeys(value or "none" for value in values))


def _clips(there: Opened, rows: np.ndarray, key: str) -> None:
    """A row a clip; the chosen one plays."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.caption(counted(len(rows), "clip"))
        number = clip_list.table(there, rows, key)
    with right:
        clip_card.show(there, number, plays=number != st.session_state.setdefault(f"{key}-first", number))
