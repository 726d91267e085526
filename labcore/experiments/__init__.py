"""Several runs that answer one question together. So far: cross-validation, a run for every fold of a data set."""

from labcore.experiments.crossval import (
    MARK,
    CrossValidation,
    create,
    delete,
    list_crossvals,
    make_ready,
    name_place,
    resume,
    stop,
    train_twins,
    unreadable_crossvals,
)
from labcore.experiments.summary import FoldResult, Pool, Summary, csv_table, summarise

__all__ = [
    "MARK",
    "CrossValidation",
    "FoldResult",
    "Pool",
    "Summary",
    "create",
    "csv_table",
    "delete",
    "list_crossvals",
    "make_ready",
    "name_place",
    "resume",
    "stop",
    "summarise",
    "train_twins",
    "unreadable_crossvals",
]
