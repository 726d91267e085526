"""Answers of a classifier about many files: kept while they come, joined to segments, written as tables and label tracks."""

from labcore.answers.journal import AnswerJournal
from labcore.answers.segments import Segment, segments_of
from labcore.answers.tables import FORMATS, write_table, write_tracks

__all__ = ["FORMATS", "AnswerJournal", "Segment", "segments_of", "write_table", "write_tracks"]
