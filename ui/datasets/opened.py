"""A data set with what is known of its clips, read once and kept for all visitors until it changes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.annotations import file_of
from labcore.datasets.glance import memory_of
from labcore.datasets.names import places_of
from labcore.datasets.registry import find_dataset
from labcore.workspace import stamp_of
from ui.app import services

Stamp = tuple[int, int]
"""Bytes and time of a file, by which what is kept of it is known."""
KEPT_SECONDS = 12 * 3600
"""It is read anew once half a day, where nothing tells that it changed: one of 100,000 clips takes seconds."""
UNKNOWN_SECONDS = 300
if TYPE_CHECKING:
    import pandas as pd

    from labcore.datasets.table import Dataset
    from labcore.explore.clips.table import SetFacts


@dataclass(frozen=True)
class Opened:
    """A data set to be looked through. ``frame`` is a :func:`labcore.explore.clips.table.clip_table`; none of it is to be changed.

    Attributes:
        version: changes whenever it was read anew.
    """

    dataset: Dataset
    frame: pd.DataFrame
    facts: SetFacts
    version: str


def opened(name: str) -> Opened:
    """The data set of a name, with its labels as they are corrected by now.

    Raises:
        DatasetError: it is gone or cannot be read.
    """
    from labcore.explore.clips.facts import facts_file

    workspace = services.workspace()
    glance = memory_of(
        workspace, name, places_of(workspace).get(name) or Path()
    )  # written anew by the list of data sets when one changes
    seen = stamp_of(glance)
    if not seen[0]:  # the cache cannot be written: nothing tells when it changes
        seen = 0, int(time.time() // UNKNOWN_SECONDS)
    dataset = _dataset(name, seen, stamp_of(file_of(workspace, name)))
    return _opened(name, id(dataset), stamp_of(facts_file(workspace, dataset)), dataset)


@st.cache_resource(max_entries=4, ttl=KEPT_SECONDS, show_spinner="Reading the data set …")
def _dataset(name: str, changed: Stamp, annotated: Stamp) -> Dataset:
    return find_dataset(services.workspace(), name)


@st.cache_resource(max_entries=4, ttl=KEPT_SECONDS, show_spinner="Reading the data set …")
def _opened(name: str, read: int, measured: Stamp, _dataset: Dataset) -> Opened:
    from labcore.explore.clips.facts import known_facts
    from labcore.explore.clips.table import SetFacts, clip_table

    frame = clip_table(_dataset, known_facts(services.workspace(), _dataset))
    return Opened(_dataset, frame, SetFacts.of(frame), f"{read}-{measured}")
