"""Rows of the list of runs as texts: what stands in each cell, and where a row leads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from labcore.catalogue import Row
from labcore.catalogue.rows import whole_row
from labcore.jobs.folder import JobFolder
from labcore.runs.honesty import EARLY
from labcore.texts import shown
from ui.app.live import PAGES
from ui.app.text import counted, duration, progress_line, state_face
from ui.components import owner_guard
from ui.components.run_table import Column, TableRow, run_table

COLUMNS = (
    Column("name", "Name"),
    Column("state", "State"),
    Column("accuracy", "Accuracy", figures=True),
    Column("data", "Data set", wide=True),
    Column("fold", "Fold", wide=True),
    Column("network", "Network", wide=True),
    Column("duration", "Took", figures=True, wide=True),
    Column("time", "Made", figures=True, wide=True),
    Column("device", "Device", wide=True),
    Column("size", "Size", figures=True, wide=True),
)
BY = Column("by", "By", wide=True)
"""Shown where a run is another person's."""
PARTS = {"experiments": ("fold", ""), "searches": ("trial", ""), "hidden": ("class", "classes"), "curves": ("run", "")}
"""Folder of what consists of runs → what each of them is for, one and many."""


def columns(rows: Iterable[Row]) -> tuple[Column, ...]:
    return (*COLUMNS, BY) if any(owner_guard.anothers(row.by) for row in rows) else COLUMNS


def address(row: Row) -> dict[str, str]:
    """The words of the page of runs that show a row: a run, or the folds of a cross-validation together."""
    return {"run" if row.is_run else PAGES[row.job.kind.room][1]: row.id}


def table_rows(rows: Sequence[Row]) -> list[TableRow]:
    """The rows as the table takes them."""
    return [
        TableRow(
            id=row.id,
            name=name(row),
            address="?" + "&".join(f"{word}={value}" for word, value in address(row).items()),
            cells=_cells(row),
            state=(state_face(row.state)[0], state_face(row.state)[2]),
            tags=tuple(map(shown, row.about.tags)),
            note=shown(row.about.note),
            star=row.about.star,
            own=not owner_guard.anothers(row.by),
            parts=len(row.children),
            part=bool(row.parent) and not row.children,
        )
        for row in rows
    ]


def name(row: Row) -> str:
    """What a row is called: parts by what they are, as long as nobody named them."""
    part = row.part[:1].upper() + row.part[1:]
    told = row.about.name or row.part in row.name  # a title tells its fold, and the class that it is without
    return shown(f"{part} · {row.name}" if part and not told else row.name)


def short(dataset: str) -> str:
    return shown(PurePath(dataset.rstrip("/")).name or dataset)


def table(jobs: Sequence[JobFolder], *, key: str = "runs-some") -> None:
    """Some runs or cross-validations as a plain table, each a link to itself."""
    rows = [whole_row(job) for job in jobs]
    still = [replace(column, sortable=False) for column in columns(rows)]
    alike = [replace(row, part=False) for row in table_rows(rows)]  # none stands under another
    done, what = run_table(alike, still, key=key, sort="", choosable=False, changes=False)
    if done == "open":
        st.query_params.from_dict(address(next(row for row in rows if row.id == what["id"])))
        st.rerun()


def _cells(row: Row) -> dict[str, str]:
    several, interval = row.mean_ap is not None, ""
    if row.low is not None and row.high is not None:
        shares = f"{100 * row.low:.0f} – {100 * row.high:.0f} %"
        interval = f"\n{row.low:.2f} – {row.high:.2f}" if several else f"\n{shares}"
    if (row.accuracy is not None or several) and not interval:
        interval = "\nbest of the trials" if row.job.kind.room == "searches" else f"\n{row.status.watched}"
    interval += f"\n{EARLY}" if row.shortened else ""
    made = time.localtime(row.when)
    year = "" if made.tm_year == time.localtime().tm_year else " %Y"
    return {
        "state": _progress(row),
        "accuracy": row.status.figure + interval,
        "data": short(row.dataset),
        "fold": shown(row.fold or (counted(len(row.children), *PARTS[row.job.kind.room]) if row.children else "")),
        "network": shown(row.network),
        "duration": duration(row.seconds) if row.seconds else "",
        "time": time.strftime(f"%d %b{year} %H:%M", made),
        "device": shown(row.device),
        "size": size(row.size),
        "by": shown(row.by),
    }


def _progress(row: Row) -> str:
    """How far a row is, as long as it moves; why it cannot be read."""
    if row.state == "unreadable":
        return shown(row.status.error.partition(" cannot be read: ")[2])
    if row.children and row.status.active:
        done = sum(not child.status.active for child in row.children)
        return f"{done} of {len(row.children)} done"
    return shown(progress_line(row.status)) if row.state in ("running", "stopping") and row.is_run else ""


def size(count: int) -> str:
    """Bytes as ``4.2 MB``."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit in ("B", "kB") or amount >= 10 else f"{amount:.1f} {unit}"
