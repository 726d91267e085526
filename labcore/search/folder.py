"""A search by its folder: what it is to do, how it goes, and what it found.

::

    searches/<id>/
      search.json      what was asked for (labcore.search.settings)
      owner            who asked, where that is known; the runs of its trials are theirs
      journal.jsonl    Optuna's storage: trials with their values, and how the search began and ended
      driver.log       what the driver printed, where it is a process of its own
      lock             held by the driver
      stop             there when it is asked to stop; who asked, where that is known

The runs of the trials lie in ``runs/`` as all runs do, each with a ``search.json`` that names its search and trial.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from labcore.errors import ConfigError, RunError, WorkspaceError
from labcore.listing import Unreadable, folders_with, reason, strays
from labcore.origin import SEARCH
from labcore.people import clean, sign, signer
from labcore.reading import read_object
from labcore.runs import Run, list_runs
from labcore.search.journal import NAME, SearchError, open_journal
from labcore.search.settings import MOST_TRIALS, Settings
from labcore.search.space import base_value
from labcore.workspace import Workspace, is_locked, is_no_file, slug, write_atomically

ENDED = ("finished", "stopped", "failed", "interrupted")
RESUMABLE = ("stopped", "failed", "interrupted")
MARK = SEARCH
"""The mark of a run that belongs to a search: ``{"search": id, "trial": number}``, or ``{"search": id, "final": true}``."""
START_SECONDS = 60.0
"""How long a driver may take until it holds its lock; after that it counts as gone."""
STATES = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Trial:
    """A trial as it stands.

    Attributes:
        state: waiting, running, finished, pruned or failed.
        value: the objective on the validation fold; None unless finished.
        changes: what it turned, path → value.
        run_id: its run; None before there is one.
        curve: the objective after each epoch that was seen, epoch → value.
        note: why it was pruned or failed, or which trial it repeats.
    """

    number: int
    state: str
    value: float | None
    changes: dict[str, Any]
    run_id: str | None
    curve: dict[int, float]
    note: str
    started: float | None
    seconds: float | None


@dataclass(frozen=True)
class Report:
    """A search as it stands. ``state`` is starting, running, stopping, finished, stopped, failed or interrupted."""

    id: str
    settings: Settings
    state: str
    error: str
    remedy: str
    created: float
    trials: tuple[Trial, ...]
    final: str | None
    """The run that trained what was found with the reported fold held out."""
    by: str = ""
    """Who made it; the runs of its trials are theirs. "" where that is not known."""
    stopped_by: str = ""
    """Who asked it to stop, where it does or did and that is known."""

    @property
    def active(self) -> bool:
        return self.state not in ENDED

    @property
    def done(self) -> int:
        """Trials that are over."""
        return sum(trial.state in ("finished", "pruned", "failed") for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        """The best finished trial, the first of several that are equal."""
        sign = 1 if self.settings.objective == "loss" else -1
        finished = [trial for trial in self.trials if trial.value is not None]
        return min(finished, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)


@dataclass(frozen=True)
class Search:
    """A search by its folder. Holds nothing in memory: everything reads the disk."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def by(self) -> str:
        """Who made it; "" where that is not known."""
        return signer(self.path / "owner")

    @property
    def log(self) -> Path:
        return self.path / "driver.log"

    @classmethod
    def create(cls, workspace: Workspace, settings: Settings, *, by: str = "") -> Search:
        """A new search, which appears whole, of ``by``. Its first trial is the recipe as it is, where the ranges hold it.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        stamp, dataset = time.strftime("%Y%m%d-%H%M%S"), slug(Path(settings.config.data.dataset).stem or "data")[:24]
        search = cls(workspace.searches / f"{stamp}-{dataset}-{secrets.token_hex(2)}")
        draft = search.path.with_name(f".{search.id}.draft")
        try:
            draft.mkdir(parents=True)
            cls(draft)._save(settings)
            cls(draft)._begin_journal(settings)
            sign(draft / "owner", by)
            draft.rename(search.path)
        except (OSError, WorkspaceError) as error:
            shutil.rmtree(draft, ignore_errors=True)
            if isinstance(error, WorkspaceError):
                raise
            raise WorkspaceError(f"the search {search.path} cannot be made: {error.strerror or error}") from error
        return search

    @classmethod
    def open(cls, workspace: Workspace, name: str) -> Search:
        """A search by its id, a unique part of it, or the word ``last``.

        Raises:
            SearchError: there is none of that name, or several.
        """
        there = list_searches(workspace)
        if name == "last" and there:
            return there[0]
        found = [each for each in there if each.id == name] or [each for each in there if name and name in each.id]
        if len(found) == 1:
            return found[0]
        problem = f"{len(found)} searches match {name!r}" if found else f"there is no search {name!r}"
        raise SearchError(problem, "`labcore search --list` shows those there are")

    @property
    def settings(self) -> Settings:
        """Raises SearchError where they cannot be read."""
        try:
            return Settings.from_dict(read_object(self.path / "search.json"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, ConfigError) as error:
            raise SearchError(f"the settings of search {self.id} cannot be read: {reason(error)}") from error

    def extend(self, trials: int) -> None:
        """Ask for another number of trials in all; a driver at work takes it up by itself.

        Raises:
            SearchError: a number that is none.
        """
        if not 1 <= trials <= MOST_TRIALS:
            raise SearchError(f"{trials} trials are no search", f"Ask for 1 to {MOST_TRIALS}")
        self._save(replace(self.settings, trials=trials))

    def name_place(self, workspace: Workspace, place: str) -> None:
        """Go on with the data set at another place, by name or path: the trials to come, and those that are open.

        Raises:
            DatasetError: there is no data set, or one of other clips than a trial has begun with.
            SearchError: the search cannot be read.
        """
        from labcore.datasets.registry import find_dataset, with_whole_paths
        from labcore.datasets.resuming import name_place

        find_dataset(workspace, place)
        for run in trial_runs(workspace, self.id).values():
            if run.status().state in (*RESUMABLE, "queued"):
                with run.hold():
                    name_place(run, workspace, place)
        settings = self.settings
        config = with_whole_paths(workspace, settings.config.changed({"data.dataset": place}))
        self._save(replace(settings, config=config))

    def journal(self) -> BaseStorage:
        """Optuna's storage. Whoever looks often keeps it: it reads what is new only.

        Raises:
            SearchError: it cannot be read.
        """
        return open_journal(self.path / "journal.jsonl")

    # --- life

    @contextlib.contextmanager
    def hold(self, timeout: float = 1.0) -> Iterator[None]:
        """Hold the search's lock: who holds it drives the search.

        Raises:
            SearchError: another process or thread holds it, or the search is gone.
        """
        if not (self.path / "search.json").is_file():
            raise SearchError(f"search {self.id} is not there any more")
        lock = FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise SearchError(f"search {self.id} is at work already", "Stop it first") from error
        except OSError as error:
            raise SearchError(f"search {self.id} cannot be locked: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    @property
    def held(self) -> bool:
        return is_locked(self.path / "lock")

    def request_stop(self, by: str = "") -> None:
        """Ask the driver to stop the runs at work and end; they can be gone on with later. ``by`` is who asks."""
        sign(self.path / "stop", by)

    @property
    def stopper(self) -> str:
        """Who asked it to stop; "" where nobody did, or nobody knows who."""
        return signer(self.path / "stop")

    @property
    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    def clear_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    def tell_life(self, state: str, error: str = "", remedy: str = "") -> None:
        """Write how the search stands: starting, started, finished, stopped or failed."""
        life = {"state": state, "time": time.time(), "error": error, "remedy": remedy}
        if state == "stopped":
            life["by"] = self.stopper
        storage = self.journal()
        storage.set_study_user_attr(study_id(storage), "life", life)

    def state(self, storage: BaseStorage | None = None) -> str:
        storage = storage or self.journal()
        life = storage.get_study_user_attrs(study_id(storage)).get("life", {})
        last = life.get("state", "")
        if last in ENDED:
            return str(last)
        if self.held:
            return "stopping" if self.stop_requested else "running"
        return "starting" if last == "starting" and time.time() - life["time"] < START_SECONDS else "interrupted"

    def delete(self, workspace: Workspace, *, with_runs: bool = False) -> None:
        """Remove the search, and on request the runs of its trials with it. What was trained in the end stays.

        Raises:
            SearchError: it is at work.
            WorkspaceError: the workspace cannot be written.
        """
        with contextlib.nullcontext() if is_no_file(self.path / "lock") else self.hold():
            runs = trial_runs(workspace, self.id).values() if with_runs else ()
            for run in runs:
                with contextlib.suppress(RunError):  # at work still, or gone already
                    run.delete()
            trash = self.path.with_name(f".{self.id}.trash")
            try:
                self.path.rename(trash)
            except OSError as error:
                raise WorkspaceError(f"search {self.id} cannot be removed: {error.strerror or error}") from error
        shutil.rmtree(trash, ignore_errors=True)

    # --- what it found

    def load(self, storage: BaseStorage | None = None) -> Report:
        """The search as it stands.

        Raises:
            SearchError: it cannot be read.
        """
        storage = storage or self.journal()
        number, settings = study_id(storage), self.settings
        facts = storage.get_study_user_attrs(number)
        life = facts.get("life", {})
        state = self.state(storage)
        return Report(
            id=self.id,
            settings=settings,
            state=state,
            error=life.get("error", ""),
            remedy=life.get("remedy", ""),
            created=facts.get("created", 0.0),
            trials=tuple(_trial(settings, each) for each in storage.get_all_trials(number, deepcopy=False)),
            final=facts.get("final"),
            by=self.by,
            stopped_by=self.stopper if state == "stopping" else clean(life.get("by")),
        )

    def _save(self, settings: Settings) -> None:
        write_atomically(self.path / "search.json", json.dumps(settings.to_dict(), indent=1, ensure_ascii=False))

    def _begin_journal(self, settings: Settings) -> None:
        import optuna

        study = optuna.create_study(storage=self.journal(), study_name=NAME, direction=settings.direction)
        study.set_user_attr("created", time.time())
        study.set_user_attr("life", {"state": "starting", "time": time.time()})
        recipe = {each.path: base_value(each.path, settings.config) for each in settings.ranges}
        if all(each.holds(recipe[each.path]) for each in settings.ranges):
            study.enqueue_trial(recipe)


def list_searches(workspace: Workspace) -> list[Search]:
    """The searches of a workspace, newest first."""
    return [Search(path) for path in folders_with(workspace.searches, "search.json")]


def unreadable_searches(workspace: Workspace) -> list[Unreadable]:
    """What lies among the searches and cannot be read as one."""
    return strays(workspace.searches, "search.json", "journal.jsonl")


def study_id(storage: BaseStorage) -> int:
    """The one study of a journal.

    Raises:
        SearchError: it holds none.
    """
    try:
        return storage.get_study_id_from_name(NAME)
    except KeyError as error:
        raise SearchError("the search's journal is empty or damaged", "Start a new search") from error


def trial_runs(workspace: Workspace, search_id: str) -> dict[int, Run]:
    """The runs that say that they belong to a search, by the number of the trial."""
    marked = ((run, run.load(MARK, {})) for run in reversed(list_runs(workspace)))
    return {
        mark["trial"]: run
        for run, mark in marked
        if mark.get("search") == search_id and isinstance(mark.get("trial"), int)
    }


def _trial(settings: Settings, frozen: FrozenTrial) -> Trial:
    began, ended = frozen.datetime_start, frozen.datetime_complete
    drawn = frozen.params or frozen.system_attrs.get("fixed_params", {})
    return Trial(
        number=frozen.number,
        state=STATES[frozen.state],
        value=frozen.value if frozen.state == TrialState.COMPLETE else None,
        changes=settings.changes(drawn),
        run_id=frozen.user_attrs.get("run"),
        curve=dict(sorted(frozen.intermediate_values.items())),
        note=frozen.user_attrs.get("note", ""),
        started=began.timestamp() if began else None,
        seconds=(ended - began).total_seconds() if began and ended else None,
    )
