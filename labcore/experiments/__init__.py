"""Several runs that answer one question together. So far: cross-validation, a run for every fold of a data set."""

from labcore.experiments.crossval import MARK, CrossValidation
from labcore.experiments.summary import FoldResult, Pool, Summary, csv_table, summarise

__all__ = ["MARK", "CrossValidation", "FoldResult", "Pool", "Summary", "csv_table", "summarise"]
