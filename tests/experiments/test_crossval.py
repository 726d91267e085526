from __future__ import annotations

import pytest

from labcore.datasets.folds import split_for
from labcore.datasets.registry import find_dataset
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.experiments import (
    MARK,
    CrossValidation,
    create,
    delete,
    list_crossvals,
    resume,
    stop,
    summarise,
    train_twins,
)
from labcore.experiments.crossval import make_ready, spread


def ended(experiment):
    return lambda: not summarise(experiment).active


def test_every_fold_becomes_a_run_of_its_own_and_the_figures_are_taken_together(workspace, config, manager, until):
    experiment = create(workspace, config, random=True)
    until(ended(experiment))
    summary = summarise(experiment)
    assert summary.state == "finished", [fold.error for fold in summary.folds]
    assert [(fold.fold, fold.accuracy, fold.epoch) for fold in summary.official.folds] == [
        ("1", 0.5, 3),
        ("2", 0.75, 3),
        ("3", 1.0, 3),
    ]
    official, random = summary.official, summary.random
    assert (official.mean, official.deviation) == (0.75, 0.25)
    assert official.confusion == {"a": {"a": 6}, "b": {"a": 3, "b": 3}}
    assert (official.clips, official.accuracy) == (12, 0.75)
    assert official.low < 0.75 < official.high
    assert official.per_class["a"] == {"precision": 6 / 9, "recall": 1.0, "f1": 0.8, "clips": 6}
    assert official.macro_f1 == pytest.approx((0.8 + 6 / 9) / 2)
    assert not official.leaks
    assert random.mean == 1.0
    assert random.leaks
    assert summary.difference == pytest.approx(0.25)
    assert summary.to_dict()["official"]["mean"] == 0.75


def test_the_runs_say_what_they_belong_to_and_share_all_but_the_fold(workspace, config):
    experiment = create(workspace, config.changed({"data.fold": "2"}), queued=False)
    for fold, run in experiment.members().items():
        assert run.load(MARK) == {"experiment": experiment.id, "kind": "crossval", "fold": fold, "split": "official"}
        assert run.config == config.changed({"data.fold": fold})
    assert list(experiment.members()) == ["1", "2", "3"]
    assert [each.id for each in list_crossvals(workspace)] == [experiment.id]
    assert CrossValidation.open(workspace, "last").config.data.fold is None
    with pytest.raises(RunError, match="no cross-validation 'nothing'"):
        CrossValidation.open(workspace, "nothing")


def test_the_twin_can_be_trained_later_and_holds_out_clips_of_known_recordings(workspace, config):
    experiment = create(workspace, config, folds=["2", "3"], queued=False)
    assert summarise(experiment).random is None
    runs = train_twins(experiment, queued=False)
    assert list(experiment.members("random")) == ["2", "3"]
    assert [run.config.data.split for run in runs] == ["random", "random"]
    assert split_for(find_dataset(workspace, config.data.dataset), runs[0].config.data).leaks
    assert train_twins(experiment) == []


def test_stopped_failed_and_deleted_folds_go_on(workspace, config, manager, until):
    experiment = create(workspace, config.changed({"optim.epochs": 100, "model.name": "2"}))
    until(lambda: summarise(experiment).official.folds[0].epoch > 0)
    stop(experiment, manager)
    until(ended(experiment))
    assert [fold.state for fold in summarise(experiment).folds] == ["stopped"] * 3
    first, second, third = experiment.members().values()
    manager.remove(third.id)
    assert [fold.state for fold in summarise(experiment).folds] == ["stopped", "stopped", "deleted"]
    done = first.status().epoch
    assert {run.id for run in resume(experiment, manager)} >= {first.id, second.id}
    assert experiment.members()["3"].id != third.id
    until(lambda: summarise(experiment).official.folds[0].epoch > done)
    until(lambda: summarise(experiment).official.folds[1].state == "failed", 60)
    assert "clips are gone" in summarise(experiment).official.folds[1].error
    assert resume(experiment, manager)[0].id == second.id
    stop(experiment, manager)
    until(ended(experiment))
    assert summarise(experiment).state in ("stopped", "failed")


def test_deleting_an_experiment(workspace, config, manager, until):
    experiment = create(workspace, config.changed({"optim.epochs": 300}))
    until(lambda: summarise(experiment).folds[0].epoch > 0)
    with pytest.raises(RunError, match="at work"):
        delete(experiment, manager)
    stop(experiment, manager)
    until(ended(experiment))
    delete(experiment, manager)
    assert list_crossvals(workspace) == []
    assert list(workspace.runs.glob("[!.]*")) == []
    with pytest.raises(RunError, match="cannot be read"):
        summarise(experiment)


def test_runs_that_somebody_else_works_on_are_made_ready(workspace, config):
    experiment = create(workspace, config, queued=False)
    run = experiment.members()["1"]
    run.request_stop()
    assert [each.id for each in make_ready(experiment)] == [each.id for each in experiment.runs()]
    assert not run.stop_requested


@pytest.mark.parametrize(
    ("changes", "folds", "kind", "message"),
    [
        ({}, ["9"], DatasetError, "no fold '9'"),
        ({}, ["1", "1"], ConfigError, "one twice"),
        ({}, [], ConfigError, "no fold is asked for"),
        ({"data.split": "random"}, None, ConfigError, "official folds"),
        ({"data.validation_share": 0.5, "data.leave_out": "7"}, None, DatasetError, "no fold '7' to leave out"),
    ],
)
def test_what_cannot_be_validated_leaves_no_runs(workspace, config, changes, folds, kind, message):
    with pytest.raises(kind, match=message):
        create(workspace, config.changed(changes), folds=folds)
    assert list(workspace.runs.glob("[!.]*")) == []


def test_folds_are_spread_over_the_gpus(workspace, config):
    experiment = create(workspace, config.changed({"runtime.device": "auto"}), queued=False, gpus=2)
    assert [run.config.runtime.device for run in experiment.members().values()] == ["cuda:0", "cuda:1", "cuda:0"]
    assert spread("auto", 3, 1) == "auto"
    assert spread("cpu", 3, 4) == "cpu"
    assert spread("cuda:1", 0, 4) == "cuda:1"
