"""Predictions for many files: kept while they come, joined to segments, written as tables and label tracks."""

from labcore.batch.journal import PredictionJournal
from labcore.batch.segments import segments_of, summary_of, with_events
from labcore.batch.tables import write_table, write_tracks

__all__ = [
    "PredictionJournal",
    "segments_of",
    "summary_of",
    "with_events",
    "write_table",
    "write_tracks",
]
