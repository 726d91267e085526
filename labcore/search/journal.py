"""Optuna's storage of a search: a journal file, and what keeps it whole.

The journal suits a lab on one machine, or on several with one file system, better than sqlite: an operation is a line of JSON,
appended and fsynced, so that readers (pages, command line) need no lock and never keep a writer waiting, and a person can read
it. Optuna's own locks for it are files that outlive a killed writer for half a minute; the lock here is the kernel's, which lets
go when its holder dies, however it dies. A line that a killed writer left unfinished is cut off by the next one.
"""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from labcore.jobs.listing import reason
from labcore.reading import open_file
from labcore.search.folder import SearchError
from labcore.search.settings import Settings
from labcore.workspace import drop_partial_line

NAME = "search"
"""Every journal holds one study, of this name."""


class _KernelLock(JournalFileOpenLock):
    """Held while a line is appended. Of Optuna's lock only the interface is left."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal, self._lock = journal, FileLock(journal.with_name("journal.lock"))

    def acquire(self) -> bool:
        self._lock.acquire(timeout=60)
        drop_partial_line(self._journal)
        return True

    def release(self) -> None:
        self._lock.release()


def open_journal(path: Path) -> JournalStorage:
    """The storage in a journal file, which is made where it is not there yet.

    Raises:
        SearchError: it cannot be read.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with contextlib.suppress(FileNotFoundError):
            open_file(path).close()  # nothing but a file: Optuna would wait for a pipe, and read a device for ever
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return JournalStorage(JournalFileBackend(str(path), _KernelLock(path)))
    except Exception as error:  # whatever Optuna makes of a damaged one
        raise SearchError(f"the journal {path} cannot be read: {reason(error)}") from error


def begin_journal(path: Path, settings: Settings) -> None:
    """Make the journal of a new search, with the recipe as its first trial where the ranges hold it."""
    study = optuna.create_study(storage=open_journal(path), study_name=NAME, direction=settings.direction)
    if (recipe := settings.recipe) is not None:
        study.enqueue_trial(recipe)


def study_id(storage: BaseStorage) -> int:
    """The one study of a journal.

    Raises:
        SearchError: it holds none.
    """
    try:
        return storage.get_study_id_from_name(NAME)
    except KeyError as error:
        raise SearchError("the search's journal is empty or damaged", "Start a new search") from error
