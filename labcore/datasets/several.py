"""Clips with several labels: how a clip table keeps them, which clips have them, and how they become one label a clip.

A data set for tagging gives a clip as many labels as there are sounds in it. Its table keeps all of them in one cell, ``Bark;Dog;Animal``,
in the order of the data set. A training takes a clip as one class, so it refuses such a set until it is told which label counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from shlex import quote
from typing import Literal

from labcore.datasets.table import Dataset, Finding, some
from labcore.errors import DatasetError
from labcore.texts import counted

MARK = ";"
KIND = "several labels"
Choice = Literal["all", "first", "single"]


def joined(labels: Iterable[str]) -> str:
    """Labels of one clip as its cell of the table: each once, in their order. A semicolon inside of a label becomes a comma."""
    tidied = (label.strip().replace(MARK, ",") for label in labels)
    return MARK.join(dict.fromkeys(label for label in tidied if label))


def labels_of(cell: str) -> list[str]:
    """The labels in a cell of a table that may hold several."""
    return cell.split(MARK)


def told(rows: Iterable[tuple[str, str, str, str, float, float]], order: str) -> list[Finding]:
    """What is told of a table whose clips may have several labels; nothing where each has one.

    Args:
        rows: path, label and so on of each clip.
        order: what comes first among the labels of a clip, in words.
    """
    rows = list(rows)
    cells = [row[1] for row in rows]
    files = tuple(row[0] for row in rows if MARK in row[1])
    if not files:
        return []
    labels = Counter(label for cell in cells for label in labels_of(cell))
    return [
        Finding(
            KIND,
            f"{len(files):,} of {counted(len(cells), 'clip')} have several labels, kept as {next(c for c in cells if MARK in c)!r}; "
            f"there are {counted(len(labels), 'label')}, most often {some([name for name, _ in labels.most_common(3)])}. {order}",
            files,
            REMEDY,
            level="note",
        )
    ]


REMEDY = (
    "A training takes one label a clip. Write a list with `labcore datasets table NAME --labels first --output clips.csv` "
    "(the first label of each clip) or `--labels single` (the clips with one label only), and train on that list"
)


def require_one_label(dataset: Dataset) -> None:
    """Refuse to train on clips with several labels, which would make a class of each combination.

    Raises:
        DatasetError: a clip has several.
    """
    if dataset.several_labels and (many := sum(MARK in label for label in dataset.table["label"])):
        raise DatasetError(
            f"{many:,} of {counted(len(dataset), 'clip')} of {dataset.name} have several labels, and a training takes one label a clip",
            REMEDY.partition(". ")[2].replace("NAME", quote(str(dataset.root))),
        )


def with_one_label(dataset: Dataset, choice: Choice) -> Dataset:
    """A data set with the first label of each clip, or with those clips alone that have a single one.

    Raises:
        DatasetError: no clip has a single label.
    """
    if choice == "all" or not dataset.several_labels:
        return dataset
    table = dataset.table
    if choice == "single":
        table = table[~table["label"].str.contains(MARK, regex=False)].reset_index(drop=True)
        if not len(table):
            raise DatasetError(f"no clip of {dataset.name} has a single label", "Take the first one: --labels first")
    table = table.assign(label=[labels_of(label)[0] for label in table["label"]])
    findings = [finding for finding in dataset.findings if finding.kind != KIND]
    return replace(dataset, table=table, findings=findings, several_labels=False)
