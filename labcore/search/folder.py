"""A search by its folder: a job that looks after its trials.

Beside what every job has (:mod:`labcore.jobs.folder`)::

    searches/<id>/
      search.json      what was asked for (labcore.search.settings)
      journal.jsonl    Optuna's storage: the trials with their values
      driver.log       what the driver printed
      owner            who asked, in searches of earlier versions, whose journal also tells how they began and ended

The runs of the trials lie in ``runs/`` as all runs do, each with a ``search.json`` that names its search and trial:
``{"search": id, "trial": number}``, or ``{"search": id, "final": true}``.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from labcore.errors import ConfigError, LabError
from labcore.jobs.event_log import log_of
from labcore.jobs.folder import NOTHING, JobFolder, this_process
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.status import ENDED, JobRequest, JobStatus, Story
from labcore.members.job import about
from labcore.owners import clean, signer
from labcore.reading import DamagedError, open_file, parse_json, read_object
from labcore.runs import Run, list_runs
from labcore.runs.origin import SEARCH
from labcore.runs.title import title_of
from labcore.search.events import EVENTS, SearchFinished, SearchStarted, TrialEnded
from labcore.search.settings import MOST_TRIALS, Settings
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from labcore.search.report import SearchReport


class SearchError(LabError):
    """A search that is not there, cannot be read, or is in the wrong state for what was asked."""


@dataclass(frozen=True)
class Search(JobFolder):
    """A search by its folder. What its trials came to is in its :meth:`report`, for which Optuna is loaded."""

    kind: ClassVar[Kind] = Kind(
        "search",
        "searches",
        listed="labcore search --list",
        file="search.json",
        traces=("journal.jsonl",),
        log="driver.log",
        events=EVENTS,
        error=SearchError,
        work="labcore.search.driver:work",
        ready="labcore.search.folder:ready",
    )

    @classmethod
    def create(cls, workspace: Workspace, settings: Settings, *, queued: bool = False, by: str = "") -> Search:
        """A new search, which appears whole. Its first trial is the recipe as it is, where the ranges hold it.

        Args:
            queued: it waits for a job manager, as a search of ``by``. Otherwise who makes it also drives it.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.datasets.corrections import FILE
        from labcore.datasets.in_split import pin_split
        from labcore.datasets.resuming import corrections_by_now
        from labcore.search.journal import begin_journal

        labels = corrections_by_now(workspace, settings.config.data.dataset, settings.config.cutting)
        search = cls.new(workspace, about(settings.config))
        with search.draft(queued=queued, by=by) as draft:
            draft.save("search", settings.to_dict())
            draft.save(FILE, labels.to_dict())  # its trials begin at different times, and shall have the same ones
            pin_split(draft, workspace, settings.config.cutting)
            begin_journal(draft.path / "journal.jsonl", settings)
        return search

    @property
    def needs(self) -> str:
        return NOTHING

    def request(self) -> JobRequest:
        settings = self.settings
        config = settings.config
        title = title_of(
            config, more=[f"search of {counted(settings.trials, 'trial')}" if settings.trials else "search"]
        )
        return JobRequest(config.data.dataset, config.model.name, config.optim.epochs or 0, title=title)

    @property
    def settings(self) -> Settings:
        """Raises SearchError where they cannot be read."""
        try:
            return Settings.from_dict(read_object(self.path / "search.json"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, ConfigError) as error:
            raise SearchError(f"the settings of search {self.id} cannot be read: {reason(error)}") from error

    def extend(self, trials: int | None) -> None:
        """Ask for another number of trials in all: a driver running takes it up by itself, and a finished search can go on then.

        Raises:
            SearchError: a number that is none, or the search is finished and nothing is left to do.
        """
        if trials is not None and not 1 <= trials <= MOST_TRIALS:
            raise SearchError(f"{trials} trials are out of range", f"Ask for 1 to {MOST_TRIALS}")
        finished = self.status().state == "finished"
        if finished and (trials or self.settings.trials) <= (done := self.report().done):
            raise SearchError(
                f"search {self.id} is finished after {counted(done, 'trial')}", "Ask for more trials to continue it"
            )
        if trials is not None:
            self.save("search", replace(self.settings, trials=trials).to_dict())
        if finished:
            with self.hold():
                self.append(self.finished("stopped"))

    def trial_runs(self) -> dict[int, Run]:
        """The runs that say that they belong to it, by the number of the trial."""
        marked = ((run, run.load(SEARCH, {})) for run in reversed(list_runs(self.workspace)))
        return {
            mark["trial"]: run
            for run, mark in marked
            if mark.get("search") == self.id and isinstance(mark.get("trial"), int)
        }

    # --- life

    def status(self, story: Story | None = None) -> JobStatus:
        story = log_of(self).story() if story is None else story
        status = super().status(story)
        if status.active and story.last:
            return replace(status, fraction=self._fraction())
        life = {} if story.last or self.held else former_life(self)
        if life.get("state") not in ENDED:
            return status
        error, remedy = life["error"], life["remedy"]
        return replace(status, state=life["state"], error=error, remedy=remedy, stopped_by=clean(life["by"]))

    def _fraction(self) -> float:
        """The share of its trials that are over, as its events tell."""
        done, trials = 0, 1
        for event in self.events():
            if isinstance(event, SearchStarted):
                done, trials = event.done, event.trials
            done += isinstance(event, TrialEnded)
        return min(1.0, done / max(1, trials))

    def started(self, by: str = "") -> SearchStarted:
        report = self.report()
        return SearchStarted(
            search_id=self.id,
            search_dir=str(self.path),
            trials=report.settings.trials,
            done=report.done,
            varied=[each.words() for each in report.settings.ranges],
            test_fold=report.settings.test_fold,
            validation=report.settings.validation,
            **this_process(),
            by=clean(by),
        )

    def finished(self, state: str, **facts: Any) -> SearchFinished:
        found: dict[str, Any] = {"done": 0, "changes": {}}
        with contextlib.suppress(Exception):  # one that cannot be read comes to an end too
            report = self.report()
            found["done"] = report.done
            if best := report.best:
                found |= {"best_trial": best.number, "best_value": best.value, "best_run": best.run_id}
                found["changes"] = best.changes
        return SearchFinished(state=state, **found, **facts)

    # --- what it found

    def journal(self) -> BaseStorage:
        """Optuna's storage. Whoever looks often keeps it: it reads what is new only.

        Raises:
            SearchError: it cannot be read.
        """
        from labcore.search.journal import open_journal

        return open_journal(self.path / "journal.jsonl")

    def report(self, storage: BaseStorage | None = None) -> SearchReport:
        """The search as it stands, with its trials.

        Args:
            storage: its journal, where that is open already.

        Raises:
            SearchError: it cannot be read.
        """
        from labcore.search.report import report_of

        return report_of(self, storage or self.journal())


def ready(search: Search, place: str | None) -> None:
    """Prepare a search that is to go on, with its data set at another place where one is named. Called with its lock held.

    Raises:
        DatasetError: there is no data set, or one of other clips than a trial has begun with.
        SearchError: the search cannot be read.
    """
    if place is not None:
        from labcore.datasets.resuming import move

        settings = search.settings
        config = move(search.trial_runs().values(), search.workspace, settings.config, place)
        search.save("search", replace(settings, config=config).to_dict())
    if log_of(search).story().owner is None and former_life(search):  # from here on its events tell whose it is
        search.append(search.queued(signer(search.path / "owner")))
        search.append(search.finished("stopped"))


def former_life(search: Search) -> dict[str, str]:
    """How a search of an earlier version stands, as its journal tells: state, error, remedy and by. Empty for one of this version."""
    life: Any = None
    with contextlib.suppress(OSError, DamagedError), open_file(search.path / "journal.jsonl") as file:
        for line in file:
            if b'"life"' in line:
                with contextlib.suppress(DamagedError):  # a line that a killed writer left unfinished
                    told = parse_json(line)
                    facts = told.get("user_attr") if isinstance(told, dict) else None
                    life = facts.get("life", life) if isinstance(facts, dict) else life
    if life is None:
        return {}
    life = life if isinstance(life, dict) else {}
    return {name: str(life.get(name, "")) for name in ("state", "error", "remedy", "by")}
