"""What the pages say about a data set before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from labcore.workspace import Workspace
from ui import services

if TYPE_CHECKING:  # pandas: after the head of the page is there
    from labcore.datasets.table import Finding, Problem


@dataclass(frozen=True)
class DataSummary:
    """A data set as split for a run.

    ``counts`` is label → (training clips, held-out clips), ``validation`` label → clips set aside from training (empty without any).
    """

    name: str
    layout: str
    folds: list[str]
    fold: str
    counts: dict[str, tuple[int, int]]
    validation: dict[str, int]
    leaks: bool
    note: str
    problems: list[Problem]
    findings: list[Finding]

    @property
    def training(self) -> int:
        return sum(train for train, _ in self.counts.values())

    @property
    def held_out(self) -> int:
        return sum(held_out for _, held_out in self.counts.values())


def summary(
    name: str, fold: str | None, kind: str = "official", leave_out: str | None = None, validation_share: float = 0.0
) -> DataSummary:
    """Read a data set and split it as :func:`labcore.datasets.split` does, remembered for a minute.

    Raises:
        DatasetError: it is not there, cannot be read, has no such fold.
    """
    return _summary(str(services.workspace().home), name, fold, kind, leave_out, validation_share)


@st.cache_data(ttl=60, max_entries=32, show_spinner="Reading the data set …")
def _summary(
    home: str, name: str, fold: str | None, kind: str, leave_out: str | None, validation_share: float
) -> DataSummary:
    from pathlib import Path

    from labcore.datasets import find_dataset, split

    dataset = find_dataset(Workspace(Path(home)), name)
    parts = split(dataset, fold, kind=kind, leave_out=leave_out, validation_share=validation_share)
    labels = dataset.table["label"]
    train = labels.iloc[parts.train].value_counts().to_dict()
    held_out = labels.iloc[parts.held_out].value_counts().to_dict()
    validation = labels.iloc[parts.validation].value_counts().to_dict()
    notes = [text for text in (dataset.fold_note, parts.note) if text]
    return DataSummary(
        name=dataset.name,
        layout=dataset.layout,
        folds=list(dataset.folds),
        fold=parts.fold,
        counts={label: (int(train.get(label, 0)), int(held_out.get(label, 0))) for label in dataset.labels},
        validation={label: int(validation.get(label, 0)) for label in dataset.labels if len(parts.validation)},
        leaks=parts.leaks,
        note=" · ".join(dict.fromkeys(notes)),
        problems=dataset.problems,
        findings=dataset.findings,
    )


def names() -> list[str]:
    """The data sets of the workspace that can be used, by name."""
    from labcore.datasets import list_datasets

    return [info.name for info in list_datasets(services.workspace()) if not info.error]
