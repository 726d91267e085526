"""Which runs stand by themselves, and which is meant by "last"."""

from __future__ import annotations

from typing import Any

import pytest

from labcore.catalogue.trash import open_deleted, open_listed
from labcore.config import RunConfig
from labcore.jobs.trash import throw_away
from labcore.runs import Run
from labcore.runs.origin import ENSEMBLE, EXPERIMENT, SEARCH, parts, remembered, usual
from labcore.workspace import Workspace


@pytest.fixture
def made(tmp_path):
    def make(**marks: Any) -> Run:
        return Run.create(Workspace(tmp_path / "home"), RunConfig(), marks=marks)

    return make


def test_parts_are_told_from_what_stands_by_itself(made) -> None:
    trial = made(**{SEARCH: {"search": "s", "trial": 3}})
    final = made(**{SEARCH: {"search": "s", "final": True, "taken": 3}})
    fold = made(**{EXPERIMENT: {"experiment": "e", "fold": "2", "split": "official"}})
    random = made(**{EXPERIMENT: {"experiment": "e", "fold": "2", "split": "random"}})
    own = made()
    member = made()
    ensemble = made(**{ENSEMBLE: {"members": [{"run": member.id}, {"run": "gone"}, "odd"]}})
    damaged = made(**{SEARCH: ["no", "mark"], ENSEMBLE: {"members": 3}})
    assert parts([trial, final, fold, random, own, member, ensemble, damaged]) == {
        trial.id: "trial 3",
        fold.id: "fold 2",
        random.id: "random fold 2",
        member.id: "ensemble member",
    }
    assert parts([member, own]) == {}, "its ensemble is gone"


def test_the_newest_that_stands_by_itself_is_meant_else_the_best(made) -> None:
    trials = [made(**{SEARCH: {"search": "s", "trial": number}}) for number in range(3)]
    own = [made(), made()]
    assert usual([trials[0], own[1], trials[1], own[0]], lambda run: pytest.fail("not asked for")) == own[1]
    figures = {trials[0].id: 0.3, trials[1].id: 0.9, trials[2].id: None}
    assert usual(trials, lambda run: figures[run.id]) == trials[1]
    assert usual(trials[2:], lambda run: None) == trials[2]
    assert usual([], lambda run: None) is None


def test_last_is_no_part_of_something_unless_there_is_nothing_else(made) -> None:
    trial = made(**{SEARCH: {"search": "s", "trial": 3}})
    workspace = trial.workspace
    assert Run.open(workspace, "last") == open_listed(workspace, "last") == trial
    own = made()
    fold = made(**{EXPERIMENT: {"experiment": "e", "fold": "2"}})
    fold = Run(fold.path.rename(fold.path.with_name(f"2099-{fold.id}")))  # newer, also within the same second
    assert Run.every(workspace)[0] == fold
    assert Run.open(workspace, "last") == open_listed(workspace, "last") == own, "neither the trial nor the fold"
    (own.path / "config.json").write_text("{")
    assert Run.open(workspace, "last") == own, "whatever it is, it is the last one"
    throw_away(fold)
    assert open_deleted(workspace, "last").job.id == fold.id, "what was deleted last, part or not"


def test_runs_that_were_seen_are_not_opened_again(made, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [made(**{EXPERIMENT: {"experiment": "e", "fold": "2"}}), made(**{ENSEMBLE: {"members": [{"run": "x"}]}})]
    found = parts(runs)
    assert found == {runs[0].id: "fold 2"}
    monkeypatch.setattr(Run, "load", lambda *_: pytest.fail("opened"))
    assert parts(runs) == found
    assert remembered(runs[1]).members == ("x",)
