"""What brings a data set into a workspace: ``labcore datasets look``, ``import`` and ``table``."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from labcore.cli.output import DONE, LISTED, USAGE, Content, emit_csv, say, tell
from labcore.cli.progress import scanning
from labcore.errors import WorkspaceError
from labcore.owners import shell_user
from labcore.sheets import csv_of
from labcore.texts import counted, megabytes
from labcore.typed import typed_path
from labcore.workspace import Workspace, slug

if TYPE_CHECKING:
    from labcore.cli.parser import Parser
    from labcore.datasets.look import Look


def add_look(parser: Parser, more: str = "") -> None:
    parser.add_argument("path", metavar="PATH", help="folder, CSV file, or archive (zip, tar, Parquet)")
    parser.add_argument(
        "--class-folders", choices=("outer", "inner"), help="of folders in folders, the classes: the outer ones, or the inner ones, whose "
        f"outer ones, such as sites or speakers, are then the groups (default: outer, or as of a data set that is there){more}",
    )  # fmt: skip


def add_import(parser: Parser) -> None:
    add_look(parser, "; PATH may be the name of such a one, to change it")
    parser.add_argument("--name", default="", help="name in the workspace (default: that of the folder or file)")


def add_table(parser: Parser) -> None:
    parser.add_argument("dataset", metavar="NAME", help="data set by name, or path of a folder or CSV file")
    parser.add_argument(
        "--labels", choices=("all", "first", "single"), default="all", help="of clips with several labels: all of them, the first "
        "one, or no such clip (default: all)",
    )  # fmt: skip
    parser.add_argument("--output", "-o", metavar="FILE", default="-", help="file to write (default: stdout)")


def look(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Tell what lies at a path; the exit status is that of bad input where it is no data set."""
    from labcore.datasets.look import look

    found = look(workspace, arguments.path, scanning("looking"), arguments.class_folders)
    short = _lack_of_room(workspace, found)
    tell({**found.to_dict(), "no_room": short}, *report(found), *([short] if short else []), as_json=arguments.json)
    return USAGE if found.error else DONE


def _lack_of_room(workspace: Workspace, found: Look) -> str:
    """Why an archive cannot be unpacked on the disk as it is; "" where it can."""
    from labcore.importing.work import require_room

    try:
        if found.archive and not found.error:
            require_room(workspace, found)
    except WorkspaceError as error:
        return str(error)
    return ""


def report(found: Look) -> list[Content]:
    """What ``datasets look`` prints: a sentence, then each file that cannot be used, with why."""
    from labcore.datasets.layouts import KNOWN

    lines: list[Content] = [found.sentence]
    for heading, each in (("unreadable", found.unreadable), ("left out", found.left_out)):
        lines += [f"{heading}: {path}: {what}" for path, what in each[:LISTED]]
        if len(each) > LISTED:
            lines.append(f"{heading}: and {len(each) - LISTED} more; --json lists them all")
    if found.error:
        remedy = _known() if found.remedy == KNOWN else [found.remedy]
        return lines + [line for line in (found.seen, *remedy) if line]
    lines.append(f"folds: {found.fold_note}; {counted(found.groups, 'group')}")
    lines += [f"{finding.level}: {finding.sentence}" for finding in found.findings]
    how = f"unpacks {megabytes(found.bytes)} into the workspace" if found.archive else "adds it; nothing is copied"
    inner = " --class-folders inner" if found.class_folders == "inner" else ""
    return [*lines, f"`labcore datasets import {quote(found.path)}{inner}` {how}"]


def _known() -> list[str]:
    from labcore.datasets.look import known_layouts

    return ["layouts:", *(f"  {title}: {tree}" for title, tree in known_layouts())]


def take_in(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Add a folder or a list, or unpack an archive into the workspace."""
    from labcore.datasets.packing import PackedError
    from labcore.datasets.registry import known_by, read_by, register

    which, who = arguments.class_folders, shell_user()
    known = known_by(workspace, arguments.path) if which and not arguments.name else ""
    try:
        if known:
            info = read_by(workspace, known, which, who)
        else:
            progress = scanning("reading headers")
            info = register(workspace, arguments.path, arguments.name, progress, class_folders=which, who=who)
    except PackedError:
        return _unpack(workspace, arguments)
    return tell_made(asdict(info), as_json=arguments.json)


def _unpack(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Unpack archives into the workspace, as a job in this process."""
    from labcore.cli.foreground import run_short
    from labcore.datasets.names import require_free
    from labcore.datasets.packing import stem_of
    from labcore.importing.job import Import, ImportPlan

    path = Path(os.path.abspath(typed_path(arguments.path)))  # noqa: PTH100 (tidies "..", keeps links)
    name = slug(arguments.name or stem_of(path))
    require_free(workspace, name, None)
    plan = ImportPlan(path=str(path), name=name, class_folders=arguments.class_folders or "outer")
    job = Import.create(workspace, plan)
    status = run_short(job)
    if status == DONE and (made := job.result) is not None:
        tell_made(made.model_dump(exclude={"type", "time"}), as_json=arguments.json)
    return status


def tell_made(made: dict[str, Any], *, as_json: bool) -> int:
    """Tell of a data set that was made or added."""
    for sentence in made["warnings"]:
        say(f"warning: {sentence}", "yellow")
    clips = f"{counted(made['clips'], 'clip')} of {counted(made['classes'], 'class', 'classes')}"
    return tell(made, f"{made['name']}: {clips} ({made['layout']}) at {made['path']}", as_json=as_json)


def write_table(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Write the clips of a data set as CSV, which is a list of clips itself."""
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.several import with_one_label
    from labcore.datasets.table import COLUMNS

    dataset = with_one_label(find_dataset(workspace, arguments.dataset), arguments.labels)
    rows = dataset.table.loc[:, list(COLUMNS)].itertuples(index=False, name=None)
    cells = (["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row] for row in rows)
    what = f"{counted(len(dataset), 'clip')} of {counted(len(dataset.labels), 'class', 'classes')}"
    return emit_csv(csv_of(COLUMNS, cells), arguments.output, what)
