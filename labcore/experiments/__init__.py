"""Several runs that answer one question together. So far: cross-validation, a run for every fold of a data set."""

from labcore.experiments.crossval import (
    MARK,
    CrossValidation,
    create,
    delete,
    list_crossvals,
    make_ready,
    resume,
    stop,
    train_twins,
)
from labcore.experiments.summary import FoldResult, Pool, Summary, summarise

__all__ = [
    "MARK",
    "CrossValidation",
    "FoldResult",
    "Pool",
    "Summary",
    "create",
    "delete",
    "list_crossvals",
    "make_ready",
    "resume",
    "stop",
    "summarise",
    "train_twins",
]
