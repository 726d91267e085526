"""The workspace in one file, and back: consistent while runs go on, checksummed, encrypted where that is asked for."""

from labcore.backup.restoring import restore
from labcore.backup.writing import back_up

__all__ = ["back_up", "restore"]
