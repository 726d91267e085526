"""Data sets by name or path, and how the rest of the face names them."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakKeyDictionary

import pandas as pd

from labcore.cli.progress import counting
from labcore.datasets import find_dataset
from labcore.datasets.names import places_of
from labcore.datasets.registry import DEMO, place_of
from labcore.datasets.table import Dataset
from labcore.errors import ConfigError
from labcore.face.names import DATASET_NAMES, text_of
from labcore.face.telling import as_output
from labcore.workspace import Workspace

_AS_LOADED: WeakKeyDictionary[Dataset, tuple[int, ...]] = WeakKeyDictionary()
"""What data sets held when they were loaded."""


def load_dataset(name: str | Path | Dataset) -> Dataset:
    """A data set, by its name in the workspace or by the path of a folder or a list (CSV). Nothing is decoded or copied.

    ``"demo"`` is the synthetic set of ten city sounds; it is made in the workspace where it is not there yet, in about 15 s.
    A data set is returned as it is.

    Returns:
        Its clips: ``len(data)``, ``data.labels``, ``data.folds``, ``data.table`` (a DataFrame, a row a clip), ``data.check()``,
        ``data.fold("1")``.

    Raises:
        DatasetError: there is none, or it cannot be read.
        ConfigError: the name is no text.
    """
    if isinstance(name, Dataset):
        return name
    name, workspace = text_of(name, "a data set", DATASET_NAMES), Workspace.default()
    if name == DEMO and DEMO not in places_of(workspace):
        from labcore.datasets.demo import make_demo

        with as_output():
            make_demo(workspace.datasets / DEMO, progress=counting("making the demo set"))
    data = find_dataset(workspace, name)
    _AS_LOADED[data] = _content(data)
    return data


def name_of(data: Dataset | str | Path) -> str:
    """A data set as jobs name it: by its name in the workspace where it has one, else by its whole path.

    Raises:
        ConfigError: it is neither a data set nor the name of one, or its table was changed.
    """
    if not isinstance(data, Dataset):
        return text_of(data, "a data set", DATASET_NAMES)
    if _AS_LOADED.get(data, _content(data)) != _content(data):
        raise _changed(data)
    workspace = Workspace.default()
    known = data.name in places_of(workspace) and place_of(workspace, data.name).absolute() == data.root.absolute()
    return data.name if known else str(data.root.absolute())


def part_and_whole(data: Dataset, fold: str | None = None) -> tuple[str | None, Dataset]:
    """The fold that is meant, and the whole data set, of a data set or of one fold of it.

    Raises:
        ConfigError: two folds are named, or the table of the fold was changed.
    """
    if data.part_of is None:
        return fold, data
    (own,) = data.folds
    if fold not in (None, own):
        raise ConfigError(f"the data are those of fold {own}, and fold {fold} is named", "Name one of the two")
    if not data.table.equals(data.part_of.fold(own).table):
        raise _changed(data)
    return own, data.part_of


def _changed(data: Dataset) -> ConfigError:
    """A job reads the data set from the disk: what was changed in memory would be passed over without a word."""
    remedy = 'Write it to a file, and take that: data.table.to_csv("clips.csv", index=False)'
    return ConfigError(f"the table of {data.name} was changed in memory", remedy)


def _content(data: Dataset) -> tuple[int, ...]:
    """What tells one state of a table from another."""
    return hash(tuple(data.table.columns)), int(pd.util.hash_pandas_object(data.table).sum())
