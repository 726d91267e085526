"""Answers of a classifier about many files: kept while they come, joined to segments, written as tables and label tracks."""

from labcore.answers.journal import AnswerJournal
from labcore.answers.segments import segments_of, summary_of, with_events
from labcore.answers.tables import write_table, write_tracks

__all__ = [
    "AnswerJournal",
    "segments_of",
    "summary_of",
    "with_events",
    "write_table",
    "write_tracks",
]
