"""What a search found: how much each knob mattered, and the one run that trains the best with the reported fold held out."""

from __future__ import annotations

import math
import warnings

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from labcore.config import RunConfig
from labcore.runs import Run, list_runs
from labcore.search.driver import Queue
from labcore.search.folder import MARK, Search, study_id
from labcore.search.journal import NAME, SearchError
from labcore.status import RESUMABLE
from labcore.workspace import Workspace

FEWEST = 6
"""So many finished trials it takes at least to say anything about importance."""


def importance(search: Search, storage: BaseStorage | None = None) -> dict[str, float]:
    """How much of the differences between the finished trials each knob explains: path → share, the largest first.

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
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {path: float(share) for path, share in shares.items() if math.isfinite(share)}


def best_config(search: Search) -> RunConfig:
    """The settings of the best trial, with the reported fold held out and nothing left out.

    Raises:
        SearchError: no trial has finished yet.
    """
    report = search.load()
    if report.best is None:
        raise SearchError(f"no trial of search {search.id} has finished yet", "Let it go on")
    return report.settings.final_config(report.best.changes)


def final_run(workspace: Workspace, search: Search) -> Run | None:
    """The run that trained what was found, where there is one still."""
    named = search.load().final
    if named and (workspace.runs / named / "config.json").is_file():
        return Run(workspace.runs / named)
    marked = ((run, run.load(MARK, {})) for run in list_runs(workspace))
    return next(
        (run for run, mark in marked if mark.get("search") == search.id and mark.get("final")),
        None,
    )


def train_best(workspace: Workspace, search: Search, queue: Queue, *, by: str = "") -> Run:
    """Train the best settings on all but the reported fold, once: there, and only there, that fold is looked at.

    A final run that was stopped or failed is gone on with. The run is of ``by``, of whom made the search where that is not given.

    Raises:
        SearchError: the search is at work, nothing has finished, or it was done already.
    """
    report = search.load()
    if report.active:
        raise SearchError(f"search {search.id} is {report.state}", "Wait for its end, or stop it")
    run = final_run(workspace, search)
    if run is None:
        taken = report.best.number if report.best else None
        marks = {MARK: {"search": search.id, "final": True, "taken": taken}}
        run = queue.submit(best_config(search), marks=marks, by=by or search.by)
        storage = search.journal()
        storage.set_study_user_attr(study_id(storage), "final", run.id)
        return run
    state = run.status().state
    if state not in RESUMABLE:
        raise SearchError(
            f"the best of search {search.id} is trained once: run {run.id} is {state}",
            "To look at the reported fold again and again would be to choose by it",
        )
    return queue.resume(run.id, by=by)
