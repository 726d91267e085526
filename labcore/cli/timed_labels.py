"""What ``labcore datasets labels`` does: tell what became of time-stamped labels, write them as they are by now, take edits back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labcore.cli.output import Content, emit, emit_csv, say, table, tell
from labcore.cli.parser import Parser, add_anyone, add_csv
from labcore.cli.refused import refuse_without
from labcore.config import CUTTING, DataConfig, RunConfig
from labcore.errors import ConfigError
from labcore.outputs import output_path, write_output
from labcore.owners import shell_user
from labcore.sheets import csv_of
from labcore.texts import counted, shown
from labcore.tracks import ENDINGS
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.datasets.table import Dataset
    from labcore.datasets.timed.dataset import Annotated


LATEST = 10
"""So many edits are listed, the newest last."""


def add(parser: Parser) -> None:
    """What ``labcore datasets labels`` takes besides the settings of windows."""
    parser.add_argument("dataset", metavar="NAME", help="data set by name, or path of a folder or file")
    wish = parser.add_mutually_exclusive_group()
    add_csv(wish, "every label with its row and its fate")
    wish.add_argument(
        "--write",
        choices=tuple(ENDINGS),
        help="write the events with their edits as Raven selection tables or Audacity labels",
    )
    wish.add_argument("--undo", metavar="ID", help="take an edit of the events back; last for your newest one")
    parser.add_argument(
        "--output",
        "-o",
        metavar="PATH",
        help="with --write: folder of the files; with --combined the file",
    )
    parser.add_argument("--combined", action="store_true", help="with --write raven: one table over all recordings")
    add_anyone(parser, "with --undo: take it back")


def cutting_of(arguments: argparse.Namespace) -> DataConfig | None:
    """The settings of windows that were given as flags; None where none were, and a data set of one class is none to refuse."""
    given = {path: value for path, value in vars(arguments).items() if path in CUTTING}
    return RunConfig().replace(given).data if given else None


def show(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Print what became of the labels of a data set; with ``--csv`` or ``--write`` write every one of them, with ``--undo`` take an edit
    back.

    Raises:
        DatasetError: it is not there, cannot be read, or has no time-stamped annotations; there is no such edit.
    """
    refuse_without(arguments, {"output": ["write"], "combined": ["write"], "anyone": ["undo"]})
    arguments.output = arguments.output or "-"
    if arguments.undo is not None:
        return _undo(workspace, arguments)
    if arguments.write is not None:
        return _write(workspace, arguments)
    from labcore.datasets.registry import find_dataset, not_annotated
    from labcore.datasets.timed.report import COLUMNS, as_rows, by_label

    dataset = find_dataset(workspace, arguments.dataset, cutting_of(arguments))
    source = dataset.annotated
    if source is None:
        raise not_annotated(dataset)
    if arguments.csv is not None:
        return emit_csv(csv_of(COLUMNS, as_rows(source.rows)), arguments.csv, counted(len(source.rows), "label"))
    facts = {
        "name": dataset.name,
        "files": [{"path": str(path), "format": format} for path, format in source.files],
        "window_seconds": source.window_seconds,
        "clips": len(dataset.table),
        "labels": by_label(source.rows),
        "rows": as_rows(source.rows),
        "edits": [edit.model_dump() for _, edit in source.edits.lines],
        "warnings": [finding.sentence for finding in dataset.findings if finding.level == "warning"],
        "notes": [finding.sentence for finding in dataset.findings if finding.level != "warning"],
    }
    return tell(facts, *_report(dataset, source), as_json=arguments.json)


def _undo(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.datasets.registry import name_of
    from labcore.datasets.timed.edits import take_back

    name = name_of(workspace, arguments.dataset)
    undone = take_back(workspace, name, arguments.undo, shell_user(), anyone=arguments.anyone)
    return tell({"name": name, "undone": undone.model_dump()}, f"taken back: {undone.sentence}", as_json=arguments.json)


def _write(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """The events, with their edits, into a folder with a file a recording, or as one Raven table where the output is a file or stdout."""
    from labcore.datasets.timed.writing import as_files, as_text, written_tracks

    if arguments.combined and arguments.write != "raven":
        raise ConfigError("only Raven knows a table over several recordings", "Leave out --combined")
    tracks, lost = written_tracks(workspace, arguments.dataset, cutting_of(arguments) or DataConfig())
    if lost:
        say(f"warning: {lost}")
    if arguments.combined and arguments.output == "-":
        emit(as_text(tracks, "raven").removesuffix("\n"))
        return 0
    if arguments.output == "-":
        raise ConfigError("a file a recording cannot go to stdout", "Name a folder with --output, or add --combined")
    output = output_path(arguments.output)
    files = (
        {output: as_text(tracks, "raven")}
        if arguments.combined
        else {output / name: text for name, text in as_files(tracks, arguments.write).items()}
    )
    for path, text in files.items():
        write_output(path, text)
    return tell(
        {"files": [shown(path) for path in files]},
        f"{counted(len(files), 'file')} written to {output}",
        as_json=arguments.json,
    )


def _report(dataset: Dataset, source: Annotated) -> list[Content]:
    from labcore.datasets.timed.report import by_label

    clips = dataset.table["label"].value_counts()
    rows = [
        [row["label"] or "(none)", row["labels"], row["used"], row["merged"], row["dropped"], f"{row['seconds']:.1f}",
         int(clips.get(row["label"], 0)) if row["label"] else 0]
        for row in by_label(source.rows)
    ]  # fmt: skip
    left_out = int(clips.pop("")) if "" in clips else 0
    known = {row[0] for row in rows}
    rows += [[label, 0, 0, 0, 0, "", int(count)] for label, count in clips.items() if label not in known]
    head = (
        f"{dataset.name}: {counted(len(source.rows), 'label')} in {counted(len(source.files), 'file')} of annotations"
    )
    head += f", {counted(len(dataset.table), 'clip')}" + (f", {left_out} of them left out" if left_out else "")
    lines: list[Content] = [head, f"folds: {dataset.fold_note}", ""]
    lines += [table(["label", "labels", "used", "merged", "dropped", "seconds", "clips"], rows), ""]
    if source.edits.lines:
        edits = [edit for _, edit in source.edits.lines[-LATEST:]]
        lines += [
            table(["edit", "who", "what"], [[edit.id, edit.who or "(no name)", edit.sentence] for edit in edits]),
            "",
        ]
    for level in ("note", "warning"):
        lines += [f"{level}: {finding.sentence}" for finding in dataset.findings if finding.level == level]
    return lines
