"""A search over chosen knobs with Optuna: its trials are ordinary runs in the queue, judged on a validation fold, never on
the fold that is reported.

Optuna and what is built on it are loaded when they are first asked for: a server looks after the folders of searches without them.
"""

from typing import Any

from labcore.search.folder import MARK, Search, SearchError
from labcore.search.settings import Settings, make_settings
from labcore.search.space import Range, default_ranges, range_of, read_ranges

LATER = ("Report", "Trial", "best_config", "final_run", "importance", "train_best")
"""What :mod:`labcore.search.report` has."""

__all__ = [
    *LATER,
    "MARK",
    "Range",
    "Search",
    "SearchError",
    "Settings",
    "default_ranges",
    "make_settings",
    "range_of",
    "read_ranges",
]


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from labcore.search import report

    return getattr(report, name)
