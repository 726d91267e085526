"""Features of whole folders of sound files: log-mels, MFCC, or what a run's network knows of them before its last layer."""

from labcore.extract.engine import Counts, extract
from labcore.extract.settings import ExtractSettings

__all__ = ["Counts", "ExtractSettings", "extract"]
