"""The list of all runs: what is looked at, in which order, and what can be done with those that are chosen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from labcore.catalogue import Query, Row, catalogue, select
from labcore.catalogue.query import COLUMNS
from labcore.catalogue.trash import in_trash
from labcore.runs import Run
from ui.app import live, services
from ui.app.shell import errors_in_place
from ui.app.text import counted, state_face
from ui.app.ticking import ticking
from ui.components.run_table import ids_of, run_table
from ui.runs import actions, rows, trash

KEY = "runs-table"
MOST = 50
"""So many rows are shown at once, parts aside."""
CPU_TICK = 5.0
"""Seconds between two looks where a run trains on the CPU, from which each of them takes."""
VIEWS = ("Runs", "Archive", "Trash")


def show() -> None:
    """The list, live as long as a run waits or works."""
    every = catalogue(services.workspace())
    if not every and not in_trash(services.workspace()):
        _nothing_yet()
        live.unreadable(Run)
        return
    looks: Any = {"label_visibility": "collapsed", "bind": "query-params"}
    view = st.segmented_control("View", VIEWS, default="Runs", required=True, key="view", **looks)
    if view == "Trash":
        trash.show()
        return
    query = _query(every, archived=view == "Archive")
    active = [each for row in every for each in row.every() if each.status.active]
    follows, first = bool(active), [every]  # what was looked at just now serves the first time
    tick = CPU_TICK if any(row.device == "cpu" for row in active) else 2 * live.TICK
    asked = _asked()

    @ticking(tick if follows else None)
    def table() -> None:
        with errors_in_place():
            now = first.pop() if first else catalogue(services.workspace())
            if any(row.status.active for row in now) != follows or _asked() != asked:
                st.rerun()  # a press in the list asks for another view, or has changed what the fields above choose among
            _table(now, query)

    table()
    live.unreadable(Run)


def _asked() -> tuple[dict[str, list[str]], object]:
    """What the page is drawn for: its address, and what was done with runs last."""
    return {word: st.query_params.get_all(word) for word in st.query_params}, st.session_state.get(actions.UNDO)


def _nothing_yet() -> None:
    with st.container(border=True):
        st.markdown("**No run yet.** Every training appears here, with its accuracy, settings and files.")
        st.page_link("pages/train.py", label="Train a classifier", icon=":material/model_training:")


def _query(every: list[Row], *, archived: bool) -> Query:
    """What the fields above the list ask for; each stands in the address."""
    flat = [each for row in every for each in row.every()]
    asks: dict[str, Any] = {"label_visibility": "collapsed", "bind": "query-params"}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-filters"):
        words = st.text_input("Search", placeholder="Search", key="q", icon=":material/search:", width=260, **asks)
        states = _among("State", (row.state for row in flat), "state", lambda state: state_face(state)[0], asks)
        datasets = _among("Data set", (row.dataset for row in flat), "data", rows.short, asks)
        tags = _among("Tags", (tag for row in flat for tag in row.about.tags), "tag", str, asks)
        star = st.toggle("Starred", key="star", bind="query-params")
    return Query(
        words=words or "",
        tags=tuple(tags),
        states=tuple(states),
        datasets=tuple(datasets),
        star=star,
        archived=archived,
        sort=_sort(),
    )


def _among(label: str, values: Any, key: str, words: Callable[[str], str], asks: dict[str, Any]) -> list[str]:
    """A choice among the values that there are; nothing where there is no choice."""
    there = sorted(set(filter(None, values)), key=str.casefold)
    if len(there) < (1 if key == "tag" else 2):
        return []
    return list(st.multiselect(label, there, key=key, placeholder=label, format_func=words, width=190, **asks))


def _sort() -> str:
    wanted = st.query_params.get("sort", "time")
    return wanted if wanted.removeprefix("-") in COLUMNS else "time"


def _table(every: list[Row], query: Query) -> None:
    found = select(every, query)
    most = st.session_state.get("runs-most", MOST)
    unfolded = set(ids_of(KEY, "unfolded"))
    shown = [each for row in found[:most] for each in (row.every() if row.id in unfolded else (row,))]
    by_id = {row.id: row for row in shown}
    actions.undo_line()
    actions.bar([by_id[name] for name in ids_of(KEY, "chosen") if name in by_id])
    runs, total = (sum(each.is_run for row in some for each in row.every()) for some in (found, every))
    st.caption(counted(runs, "run") if runs == total else f"{runs} of {counted(total, 'run')}")
    done, what = run_table(rows.table_rows(shown), rows.columns(shown), key=KEY, sort=query.sort)
    if len(found) > most:
        st.button(
            f"Show {counted(min(MOST, len(found) - most), 'more row')}", icon=":material/expand_more:", key="runs-more",
            on_click=partial(st.session_state.__setitem__, "runs-most", most + MOST),
        )  # fmt: skip
    _do(done, what, by_id)


def _do(done: str, what: dict[str, Any], by_id: dict[str, Row]) -> None:
    """What was done in the table itself."""
    row = by_id.get(str(what.get("id", "")))
    if done == "sort":
        st.query_params["sort"] = str(what.get("by", "time"))
    elif row is None:
        if done:
            st.toast("It is not there any more.", icon=":material/info:")
        return
    elif done == "open":
        st.query_params.from_dict(rows.address(row))
    elif done == "star":
        actions.change([row], "Star changed", star=bool(what.get("star")))
    elif done == "rename":
        actions.change([row], "Renamed", name=str(what.get("name", "")))
    st.rerun()
