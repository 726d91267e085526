"""Data sets: from a folder or a list of clips to a clip table with folds, and to a store of decoded clips."""

from labcore.datasets.folds import assign_folds
from labcore.datasets.glance import list_datasets
from labcore.datasets.health import check_dataset
from labcore.datasets.layouts import read_dataset
from labcore.datasets.registry import find_dataset, register
from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import cannot_be_held_out, split
from labcore.datasets.store import open_store
from labcore.datasets.table import Dataset

__all__ = [
    "Dataset",
    "assign_folds",
    "cannot_be_held_out",
    "check_dataset",
    "dataset_of",
    "find_dataset",
    "list_datasets",
    "open_store",
    "read_dataset",
    "register",
    "split",
]
