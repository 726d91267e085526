"""``labcore runs list``: all runs, sorted, filtered and searched, those of a cross-validation or a search under it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from labcore.catalogue import Query, Row, catalogue, select
from labcore.catalogue.query import COLUMNS
from labcore.catalogue.rows import facts
from labcore.cli.output import DONE, duration, emit, nothing_yet, say, tell_list
from labcore.cli.parser import Parser
from labcore.jobs.status import JobStatus
from labcore.jobs.trash import KEPT_DAYS
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

ALWAYS = ("run", "state", "epochs", "accuracy", "data set", "network")


def add_flags(parser: Parser) -> None:
    parser.add_argument("--mine", action="store_true", help="list your own only, and those without an owner")
    parser.add_argument(
        "--sort",
        metavar="COLUMN",
        default="time",
        help=f"{', '.join(COLUMNS)}; -COLUMN for the other way round (default: time)",
    )
    parser.add_argument(
        "--filter",
        metavar="TEST",
        action="append",
        default=[],
        help="as data=esc10, state!=failed or accuracy>=80%%; all have to hold",
    )
    parser.add_argument(
        "--search", metavar="WORDS", default="", help="words in name, id, data set, network, owner, tags or note"
    )
    parser.add_argument(
        "--tag", metavar="TAG", action="append", default=[], help="with this tag; several: with all of them"
    )
    parser.add_argument("--star", action="store_true", help="with a star only")
    parser.add_argument("--archived", action="store_true", help="archived ones only, which are left out otherwise")
    parser.add_argument("--deleted", action="store_true", help="what was deleted and can be restored")


def show_list(workspace: Workspace, arguments: argparse.Namespace) -> int:
    if arguments.deleted:
        return _show_deleted(workspace, as_json=arguments.json)
    query = Query(
        words=arguments.search, filters=tuple(arguments.filter), tags=tuple(arguments.tag), star=arguments.star,
        archived=arguments.archived, mine=shell_user() if arguments.mine else "", sort=arguments.sort,
    )  # fmt: skip
    every, broken = catalogue(workspace), Run.unreadable(workspace)
    if arguments.json:  # runs alone, each judged by itself
        flat = [replace(each, children=()) for row in every for each in row.every() if each.is_run]
        rows = select(sorted(flat, key=lambda row: row.id, reverse=True), query)
    else:
        rows = select(every, query)
    shown = [each for row in rows for each in row.every()]
    none = nothing_yet(workspace, "runs", "train") if not every else "no run is like that"
    if every and not shown and not arguments.archived and any(row.about.archived for row in every):
        none += "; `labcore runs list --archived` lists the archived ones"
    head, cells = _table(shown)
    told = (brief(row.job, row.status, row) for row in shown)
    tell_list(told, head, cells, broken, "run_id", none=none, as_json=arguments.json)
    unreadable = [row.status.error for row in shown if row.state == "unreadable"]
    if (broken or unreadable) and not arguments.json:
        emit(*unreadable)
        say("`labcore runs delete RUN` removes what cannot be read")
    return DONE


def brief(each: Any, status: JobStatus, row: Row) -> dict[str, Any]:
    """A run at a glance, as a line of ``runs list --json``. Data set and network are null where they cannot be read."""
    return {
        "run_id": each.id,
        "run_dir": str(each.path),
        **{name: getattr(status, name) for name in ("state", "by", "stopped_by", "epoch")},
        "epochs": row.epochs,
        "accuracy": status.accuracy,
        "mean_ap": status.mean_ap,
        "leaks": status.leaks,
        "trained_on": status.trained_on,
        "dataset": row.dataset or None,
        "model": row.network or None,
        **{name: getattr(status, name) for name in ("seconds_left", "error", "remedy", "changed_at")},
        **facts(row),
    }


def _table(rows: Sequence[Row]) -> tuple[list[str], list[list[object]]]:
    """Head and cells; columns that say nothing of any row are left out, and whose they are where all are one's own."""
    me = shell_user()
    cells = [_cells(row) for row in rows]
    head = [
        name
        for name in (cells[0] if cells else dict.fromkeys(ALWAYS))
        if name in ALWAYS or any(each[name] not in (None, "", me if name == "by" else None) for each in cells)
    ]
    return head, [[each[name] for name in head] for each in cells]


def _cells(row: Row) -> dict[str, object]:
    epochs = f"{row.status.epoch if row.is_run else '-'}/{row.epochs}" if row.epochs else None
    interval = None
    if row.low is not None and row.high is not None:
        shares = row.status.mean_ap is None
        interval = f"{100 * row.low:.0f}-{100 * row.high:.0f} %" if shares else f"{row.low:.3f}-{row.high:.3f}"
    return {
        "": "*" if row.about.star else "",
        "run": f"{'  ' if row.parent else ''}{row.id}",
        "state": row.state,
        "epochs": epochs if row.is_run else counted(len(row.children), "run"),
        "accuracy": row.figure,
        "interval": interval,
        "data set": row.dataset or "?",
        "fold": row.part or (row.fold and f"fold {row.fold}"),
        "network": row.network or "?",
        "time": duration(row.seconds) if row.seconds else None,
        "by": row.by or None,
        "name": row.about.name,
        "tags": ", ".join(row.about.tags),
    }


def _show_deleted(workspace: Workspace, *, as_json: bool) -> int:
    from labcore.catalogue.trash import in_trash

    things = in_trash(workspace)
    told: Iterable[dict[str, Any]] = (
        {
            "run_id": thing.job.id,
            "deleted_at": thing.when,
            "deleted_by": thing.by,
            "name": type(thing.job)(thing.path).name,
        }
        for thing in things
    )
    rows = [
        [
            thing.job.id,
            type(thing.job)(thing.path).name,
            time.strftime("%d %b %H:%M", time.localtime(thing.when)),
            thing.by or None,
        ]
        for thing in things
    ]
    none = f"nothing was deleted within the last {KEPT_DAYS:.0f} days"
    return tell_list(told, ["run", "name", "deleted", "by"], rows, none=none, as_json=as_json)
