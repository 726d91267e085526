"""Finished runs told in events, alone and as folds."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.events import RunFinished, RunStarted
from labcore.runs import Run
from tests.judged import crossval_of
from tests.made_events import made_result


def play(run: Run, accuracy: float, clips: int = 40, by: str = "") -> Run:
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here", by=by))
    run.append(made_result(
        accuracy, accuracy_low=accuracy - 0.1, accuracy_high=accuracy + 0.1, macro_f1=accuracy, clips=clips,
        fold=run.config.data.fold or "1",
    ))  # fmt: skip
    run.append(RunFinished(state="finished", epochs_done=3, seconds=61.0))
    return run


@pytest.fixture
def make(workspace) -> Callable[..., Run]:
    def made(accuracy: float = 0.5, by: str = "", **changes: object) -> Run:
        return play(Run.create(workspace, RunConfig().replace(changes)), accuracy, by=by)

    return made


@pytest.fixture
def crossval(workspace) -> CrossValidation:
    """Two folds, one of 0.5 on 40 clips and one of 1.0 on 10."""
    folds = (("1", 0.5, 40), ("2", 1.0, 10))
    runs = [
        play(Run.create(workspace, RunConfig().replace({"data.fold": fold})), accuracy, clips)
        for fold, accuracy, clips in folds
    ]
    return crossval_of(runs, "demo", time.time())
