"""GTZAN: ten genres, a folder each. Tzanetakis and Cook, 2002; its faults: Sturm, 2013."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from labcore.datasets.folders import read_folders
from labcore.datasets.published.glimpse import Glimpse, Layout, Parts, Reader
from labcore.datasets.table import Dataset, Finding

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
NAME = re.compile(r"([a-z]+)\.\d{5}\.(?:wav|au|mp3|flac|ogg)", re.IGNORECASE)
TABLES = re.compile(r"features_\d+_sec\.csv", re.IGNORECASE)
"""Lists of figures beside the clips in copies of the data set: they name the clips, and say no more of them than their folders."""
KNOWN_FAULTS = Finding(
    "repeated recordings",
    "GTZAN holds repeated recordings and several excerpts of one artist, which its names do not tell, so that drawn folds are too easy",
    remedy="Put the lists of the fault-filtered split (train_filtered.txt, valid_filtered.txt, test_filtered.txt) beside the folders of "
    "the genres",
    level="note",
)


def recognise(glimpse: Glimpse) -> Reader | None:
    """The reader, where folders of genres hold files that are named so."""
    if not glimpse.all_named(_fits):
        return None
    if any(not TABLES.fullmatch(clips.path.name) for clips, _ in glimpse.lists[0]):
        return None  # somebody wrote a list of the clips
    above = {parts[:-2] for parts in glimpse.found.files if _fits(parts)}
    genres = glimpse.folder.joinpath(*above.pop()) if len(above) == 1 else None
    return (lambda name: _read(genres, name)) if genres else None


def _fits(parts: Parts) -> bool:
    found = NAME.fullmatch(parts[-1].strip())
    genre = found[1].lower() if found and len(parts) > 1 else ""
    return genre in GENRES and parts[-2].casefold() == genre


def _read(genres: Path, name: str) -> Dataset:
    dataset = read_folders(genres, name)
    told = [KNOWN_FAULTS] if "drawn" in dataset.fold_note else []
    return replace(dataset, layout="gtzan", findings=[*dataset.findings, *told])


LAYOUT = Layout("gtzan", "GTZAN", "genres_original/blues/blues.00000.wav", recognise)
