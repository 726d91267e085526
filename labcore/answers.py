"""The name of :mod:`labcore.batch` in scripts of zips that earlier versions exported; it goes with the next version."""

from labcore.batch import with_events

__all__ = ["with_events"]
