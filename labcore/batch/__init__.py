"""Predictions for many files: kept while they come, joined to segments, written as tables and label tracks."""

from labcore.batch.segments import with_events  # by this name the scripts of exported zips import it

__all__ = ["with_events"]
