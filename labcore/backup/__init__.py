"""The workspace in one file, and back: consistent while runs are at work, checksummed, encrypted where that is asked for."""

from labcore.backup.encryption import Key, Lock
from labcore.backup.restoring import Restored, restore
from labcore.backup.writing import Written, back_up

__all__ = ["Key", "Lock", "Restored", "Written", "back_up", "restore"]
