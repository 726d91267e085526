"""What ``labcore datasets labels`` prints: what became of the labels of time-stamped annotations, a row each on request."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.output import Content, emit, say, table, tell
from labcore.config import CUTTING, DataConfig, RunConfig
from labcore.errors import DatasetError
from labcore.sheets import Sheet
from labcore.texts import counted
from labcore.typed import typed_path
from labcore.workspace import Workspace, write_atomically

if TYPE_CHECKING:
    from labcore.datasets.table import Dataset
    from labcore.datasets.timed.dataset import Annotated


def cutting_of(arguments: argparse.Namespace) -> DataConfig | None:
    """The settings of windows that were given as flags; None where none were, and a data set of one class is none to refuse."""
    given = {path: value for path, value in vars(arguments).items() if path in CUTTING}
    return RunConfig().replace(given).data if given else None


def show(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Print what became of the labels of a data set; with ``--csv`` write every one of them.

    Raises:
        DatasetError: it is not there, cannot be read, or has no time-stamped annotations.
    """
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.timed.report import COLUMNS, as_rows, by_label

    dataset = find_dataset(workspace, arguments.dataset, cutting_of(arguments))
    source = dataset.annotated
    if source is None:
        raise DatasetError(
            f"the data set {dataset.name} has no time-stamped annotations", "Look at it with `labcore datasets check`"
        )
    if arguments.csv is not None:
        text = io.StringIO()
        Sheet(text, COLUMNS).rows(as_rows(source.rows))
        if arguments.csv == "-":
            emit(text.getvalue().removesuffix("\n"))
        else:
            write_atomically(Path(typed_path(arguments.csv)), text.getvalue())
            say(f"{counted(len(source.rows), 'label')} written to {arguments.csv}")
        return 0
    facts = {
        "name": dataset.name,
        "files": [{"path": str(path), "format": format} for path, format in source.files],
        "window_seconds": source.window_seconds,
        "clips": len(dataset.table),
        "labels": by_label(source.rows),
        "rows": as_rows(source.rows),
        "warnings": [finding.sentence for finding in dataset.findings if finding.level == "warning"],
        "notes": [finding.sentence for finding in dataset.findings if finding.level != "warning"],
    }
    return tell(facts, *_report(dataset, source), as_json=arguments.json)


def _report(dataset: Dataset, source: Annotated) -> list[Content]:
    from labcore.datasets.timed.report import by_label

    clips = dataset.table["label"].value_counts()
    rows = [
        [row["label"] or "(none)", row["labels"], row["used"], row["merged"], row["dropped"], f"{row['seconds']:.1f}",
         int(clips.get(row["label"], 0)) if row["label"] else 0]
        for row in by_label(source.rows)
    ]  # fmt: skip
    known = {row[0] for row in rows}
    rows += [[label, 0, 0, 0, 0, "", int(count)] for label, count in clips.items() if label not in known]
    head = (
        f"{dataset.name}: {counted(len(source.rows), 'label')} in {counted(len(source.files), 'file')} of annotations"
    )
    lines: list[Content] = [f"{head}, {counted(len(dataset.table), 'clip')}", f"folds: {dataset.fold_note}", ""]
    lines += [table(["label", "labels", "used", "merged", "dropped", "seconds", "clips"], rows), ""]
    for level in ("note", "warning"):
        lines += [f"{level}: {finding.sentence}" for finding in dataset.findings if finding.level == level]
    return lines
