"""Clips that a run, or a split of a data set, holds out, one after the other in an order shuffled once."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from labcore import builtin
from labcore.config import DataConfig
from labcore.datasets.rows import Row, held_out_rows
from labcore.runs import Run
from ui.app import services
from ui.components.clip import Clip
from ui.components.model_picker import is_builtin
from ui.datasets.opened import version


def of_run(run: Run, number: int) -> Clip:
    """A clip that a run held out; see :func:`of_split`. Those of the built-in network are made on the spot."""
    if is_builtin(run):
        name, content, label = builtin.example(number)
        return Clip(name, content, f"builtin-{number}", label)
    return of_split(run.config.cutting, number, run)


def of_split(data: DataConfig, number: int, run: Run | None = None) -> Clip:
    """The ``number``-th held-out clip of a data set; one that ``run`` held out, where that is given.

    Raises:
        DatasetError: the data set is no longer there, or holds nothing out.
        AudioError: the clip cannot be read.
    """
    rows = _rows(json.dumps(data.model_dump()), str(run.path) if run else "", version(data.dataset))
    row = rows[number % len(rows)]
    return Clip(row.name, row.content(), f"held out {row.key}", row.label)


@st.cache_data(ttl=300, max_entries=8, show_spinner="Reading the data set …")
def _rows(data: str, run: str, changed: object) -> list[Row]:
    config = DataConfig.model_validate(json.loads(data))
    return held_out_rows(services.workspace(), config, Run(Path(run)) if run else None)
