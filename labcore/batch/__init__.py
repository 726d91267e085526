"""Predictions for many files: kept while they come, joined to segments, written as tables and label tracks."""

from labcore.batch.segments import (
    threshold_in_use,
    with_events,
)  # by these names the scripts of exported zips import it

__all__ = ["threshold_in_use", "with_events"]
