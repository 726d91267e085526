"""The table of runs in the browser: rows to choose, to sort, to unfold, to star and to rename in place, as a component of its own.

What stands in the cells comes as text; the script beside this file keeps the rows that are there as they are, so that a list that moves
takes neither focus nor what somebody types. Which rows there are, and in which order, is the page's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import streamlit as st

from ui.components.own import component


@dataclass(frozen=True)
class Column:
    """A column: its name, its title, whether figures stand in it, and whether it gives way on a narrow page."""

    name: str
    title: str
    figures: bool = False
    wide: bool = False
    sortable: bool = True


@dataclass(frozen=True)
class TableRow:
    """A row. ``cells`` are texts by the name of their column; ``address`` is where a press on the name leads, from the page on."""

    id: str
    name: str
    address: str
    cells: dict[str, str]
    state: tuple[str, str]
    """Word and colour."""
    tags: tuple[str, ...] = ()
    note: str = ""
    star: bool = False
    own: bool = True
    """Whether it can be changed at once; another person's is asked for first, elsewhere."""
    parts: int = 0
    part: bool = False


def run_table(
    rows: Sequence[TableRow],
    columns: Sequence[Column],
    *,
    key: str,
    sort: str,
    choosable: bool = True,
    changes: bool = True,
) -> tuple[str, Any]:
    """Draw the table. Returns what was just done in it (open, sort, star or rename) with what comes with it, or twice nothing.

    Args:
        sort: the column that the rows are sorted by, with a minus for the other way round.
        choosable: whether rows can be chosen; ``changes``: whether they can be starred, renamed and unfolded in place.
    """
    data = {
        "rows": [asdict(row) for row in rows],
        "columns": [asdict(column) for column in columns],
        "sort": sort,
        "choosable": choosable,
        "changes": changes,
    }
    result = component("run_table", "table")(
        key=key,
        data=data,
        on_chosen_change=lambda: None,
        on_unfolded_change=lambda: None,
        on_done_change=lambda: None,
    )
    done = result.get("done")
    return (str(done["what"]), done) if isinstance(done, dict) and "what" in done else ("", {})


def ids_of(key: str, what: Literal["chosen", "unfolded"]) -> list[str]:
    """The rows that are chosen in the table with this key, or unfolded."""
    held = st.session_state.get(key)
    ids = held.get(what) if hasattr(held, "get") else None
    return [each for each in ids if isinstance(each, str)] if isinstance(ids, list) else []
