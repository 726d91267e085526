"""A data set with what is known of its clips, read once and kept for all visitors until it changes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from labcore.config import DataConfig
from labcore.datasets.annotations import CLASSES, EVENTS, SPLITS, SUFFIX
from labcore.datasets.caches import memory_of
from labcore.datasets.names import called_now, entries_of, place_named
from labcore.datasets.registry import find_dataset, name_at, place_of
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


def version(name: str) -> tuple[Stamp, ...]:
    """Changes with a data set of that name or path: when it is read anew or by other folders, corrected, mended, split or
    checked. Looks at no clip."""
    from labcore.datasets.checks.kept import kept_of

    workspace = services.workspace()
    entries = entries_of(workspace)
    name = called_now(workspace, name, entries)
    if name not in entries:  # by its path, perhaps
        name = name_at(workspace, place_of(workspace, name))
    place, kept = place_named(workspace, name), kept_of(workspace, name)
    # written anew by the list of data sets when one changes
    glance = stamp_of(memory_of(workspace, name, place)) if place is not None else (0, 0)
    if not glance[0]:  # the cache cannot be written: nothing tells when it changes
        glance = 0, int(time.time() // UNKNOWN_SECONDS)
    folder, suffixes = workspace.datasets, (SUFFIX, EVENTS, CLASSES, SPLITS)
    beside = (stamp_of(folder / f"{name}{suffix}") for suffix in suffixes)
    return glance, *beside, stamp_of(kept) if kept is not None else (0, 0)


def opened(name: str, cut: str = "") -> Opened:
    """The data set of a name, with its labels as they are corrected by now.

    Args:
        cut: how clips are cut by annotations, see :func:`ui.datasets.summary.cut_by`.

    Raises:
        DatasetError: it is gone or cannot be read.
    """
    from labcore.explore.clips.facts import facts_file

    workspace = services.workspace()
    dataset = _dataset(name, cut, version(name)[:4])
    return _opened(name, id(dataset), stamp_of(facts_file(workspace, dataset)), dataset)


@st.cache_resource(max_entries=4, ttl=KEPT_SECONDS, show_spinner="Reading the data set …")
def _dataset(name: str, cut: str, changed: tuple[Stamp, ...]) -> Dataset:
    return find_dataset(services.workspace(), name, DataConfig.model_validate_json(cut) if cut else None)


@st.cache_resource(max_entries=4, ttl=KEPT_SECONDS, show_spinner="Reading the data set …")
def _opened(name: str, read: int, measured: Stamp, _dataset: Dataset) -> Opened:
    from labcore.explore.clips.facts import known_facts
    from labcore.explore.clips.table import SetFacts, clip_table

    frame = clip_table(_dataset, known_facts(services.workspace(), _dataset))
    return Opened(_dataset, frame, SetFacts.of(frame), f"{read}-{measured}")
