"""A search as it stands: its trials, how much each setting mattered, and the run of the best with the test fold held out."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from labcore.config import RunConfig
from labcore.config.former import path_now
from labcore.datasets.corrections import marks_of
from labcore.jobs.manager import JobManager, make_ready
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run, list_runs
from labcore.runs.origin import SEARCH
from labcore.search.folder import Search, SearchError
from labcore.search.journal import NAME, study_id
from labcore.search.settings import Settings
from labcore.texts import counted

FEWEST = 6
"""So many finished trials it takes at least to say anything about importance."""
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
    seconds: float | None


@dataclass(frozen=True)
class SearchReport:
    """A search as it stands.

    ``final`` is the run that trained what was found with the test fold held out, None before. ``final_trial`` is the number of the trial
    whose settings it has; with more trials another one may have become the best. None where that is not known.
    """

    id: str
    settings: Settings
    status: JobStatus
    trials: tuple[Trial, ...]
    final: str | None
    final_trial: int | None = None

    @property
    def state(self) -> str:
        return self.status.state

    @property
    def by(self) -> str:
        """Whose it is; the runs of its trials are theirs. "" where that is not known."""
        return self.status.by

    @property
    def active(self) -> bool:
        return self.status.active

    @property
    def done(self) -> int:
        """Trials that are over."""
        return sum(trial.state in ("finished", "pruned", "failed") for trial in self.trials)

    @property
    def flatters(self) -> str:
        """Words on the figure of the best trial, without the final stop; "" where nothing was chosen."""
        if self.done < 2:
            return ""
        return f"Best of {counted(self.done, 'trial')} on the same clips, so it is optimistic"

    @property
    def outdated(self) -> bool:
        """Whether another trial has become the best one since the final run was made."""
        return self.best is not None and self.final_trial not in (None, self.best.number)

    @property
    def recipe(self) -> Trial | None:
        """The trial that is the recipe as it is; None where the ranges do not hold it."""
        wanted = self.settings.recipe
        unchanged = None if wanted is None else self.settings.changes(wanted)
        return next((trial for trial in self.trials if trial.changes == unchanged), None)

    @property
    def best(self) -> Trial | None:
        """The best finished trial, the first of several that are equal."""
        sign = -1 if self.settings.goal.larger else 1
        finished = [trial for trial in self.trials if trial.value is not None]
        return min(finished, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)


def report_of(search: Search, storage: BaseStorage) -> SearchReport:
    """What :meth:`labcore.search.folder.Search.report` gives."""
    number, settings = study_id(storage), search.settings
    final = storage.get_study_user_attrs(number).get("final")
    taken = Run(search.workspace.runs / final).load(SEARCH, {}).get("taken") if final else None
    return SearchReport(
        id=search.id,
        settings=settings,
        status=search.status(),
        trials=tuple(_trial(settings, each) for each in storage.get_all_trials(number, deepcopy=False)),
        final=final,
        final_trial=taken if isinstance(taken, int) else None,
    )


def _trial(settings: Settings, frozen: FrozenTrial) -> Trial:
    began, ended = frozen.datetime_start, frozen.datetime_complete
    sampled = frozen.params or frozen.system_attrs.get("fixed_params", {})
    return Trial(
        number=frozen.number,
        state=STATES[frozen.state],
        value=frozen.value if frozen.state == TrialState.COMPLETE else None,
        changes=settings.changes(sampled),
        run_id=frozen.user_attrs.get("run"),
        curve=dict(sorted(frozen.intermediate_values.items())),
        note=frozen.user_attrs.get("note", ""),
        seconds=(ended - began).total_seconds() if began and ended else None,
    )


def importance(search: Search, storage: BaseStorage | None = None) -> dict[str, float]:
    """How much of the differences between the finished trials each setting explains by itself: path → share, the largest first.

    Empty where there are too few trials, or all are equal. Method: functional ANOVA on a random forest, as Optuna does it (Hutter,
    Hoos and Leyton-Brown 2014).
    """
    storage = storage or search.journal()
    trials = storage.get_all_trials(study_id(storage), deepcopy=False, states=(TrialState.COMPLETE,))
    if len(trials) < FEWEST or len({trial.value for trial in trials}) < 2:
        return {}
    study = optuna.load_study(study_name=NAME, storage=storage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator, normalize=False)
    return {path_now(path): float(share) for path, share in shares.items() if math.isfinite(share)}


def best_config(search: Search) -> RunConfig:
    """The settings of the best trial, with the test fold held out and nothing left out.

    Raises:
        SearchError: no trial has finished yet.
    """
    report = search.report()
    if report.best is None:
        raise SearchError(f"no trial of search {search.id} has finished yet", "Wait for a trial to finish")
    return report.settings.final_config(report.best.changes)


def final_run(search: Search, report: SearchReport | None = None) -> Run | None:
    """The run that trained what was found, where there is one still."""
    named = (report or search.report()).final
    runs = search.workspace.runs
    if named and Run(runs / named).there:
        return Run(runs / named)
    marked = ((run, run.load(SEARCH, {})) for run in list_runs(search.workspace))
    return next((run for run, mark in marked if mark.get("search") == search.id and mark.get("final")), None)


def train_best(search: Search, manager: JobManager | None = None, *, by: str = "") -> Run:
    """Train the best settings with the test fold held out, once: there, and only there, that fold is looked at.

    A final run that was stopped or failed is gone on with.

    Args:
        manager: takes the run up. Where there is none, who calls works on it.
        by: whose the run is; of whom made the search where that is not given.

    Raises:
        SearchError: the search is running, nothing has finished, or it was done already.
    """
    report = search.report()
    if report.active:
        raise SearchError(f"search {search.id} is {report.state}", "Wait until it has finished, or stop it")
    run = final_run(search, report)
    if run is None:
        final = {"search": search.id, "final": True, "taken": report.best.number if report.best else None}
        marks = {SEARCH: final, **marks_of(search)}
        queued = manager is not None
        run = Run.create(search.workspace, best_config(search), queued=queued, marks=marks, by=by or search.owner)
        storage = search.journal()
        storage.set_study_user_attr(study_id(storage), "final", run.id)
        return run if manager is None else manager.take(run)
    state = run.status().state
    if state not in RESUMABLE:
        raise SearchError(
            f"the best settings of search {search.id} are trained only once: run {run.id} is {state}",
            "Repeated looks at the test fold would amount to selecting on it",
        )
    if manager is not None:
        return manager.resume(run, by=by)
    with run.hold():
        make_ready(run)
    return run
