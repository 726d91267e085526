"""A search over chosen knobs with Optuna: its trials are ordinary runs in the queue, judged on a validation fold, never on
the fold that is reported."""

from labcore.search.folder import ENDED, MARK, RESUMABLE, Report, Search, Trial, list_searches, unreadable_searches
from labcore.search.journal import SearchError
from labcore.search.report import best_config, final_run, importance, train_best
from labcore.search.settings import Settings, make_settings
from labcore.search.space import Range, default_ranges, range_of, read_ranges

__all__ = [
    "ENDED",
    "MARK",
    "RESUMABLE",
    "Range",
    "Report",
    "Search",
    "SearchError",
    "Settings",
    "Trial",
    "best_config",
    "default_ranges",
    "final_run",
    "importance",
    "list_searches",
    "make_settings",
    "range_of",
    "read_ranges",
    "train_best",
    "unreadable_searches",
]
