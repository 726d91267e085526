from __future__ import annotations

import pytest

from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import summarise
from labcore.datasets.registry import find_dataset
from labcore.datasets.splits import split_for
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.events import RunFinished
from labcore.jobs.glances import glance
from labcore.jobs.manager import JobManager
from labcore.members.job import spread
from labcore.runs import Run, list_runs
from labcore.runs.origin import EXPERIMENT
from labcore.workspace import write_atomically


def ended(experiment):
    return lambda: not summarise(experiment).active


def test_every_fold_becomes_a_run_of_its_own_and_the_figures_are_taken_together(workspace, config, manager, until):
    experiment = CrossValidation.create(workspace, config, random=True)
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
    assert (official.corrected, official.corrected_since) == (1, 0)
    assert official.label_note == "1 of the 12 held-out labels was corrected before this evaluation"
    assert not official.leaks
    assert random.mean == 1.0
    assert random.leaks
    assert summary.difference == pytest.approx(0.25)
    assert summary.to_dict()["official"]["mean"] == 0.75


def test_the_runs_say_what_they_belong_to_and_share_all_but_the_fold(workspace, config):
    experiment = CrossValidation.create(workspace, config.replace({"data.fold": "2"}), queued=False)
    for fold, run in experiment.members().items():
        assert run.load(EXPERIMENT) == {
            "experiment": experiment.id,
            "kind": "crossval",
            "fold": fold,
            "split": "official",
        }
        assert run.config == config.replace({"data.fold": fold})
    assert list(experiment.members()) == ["1", "2", "3"]
    assert [each.id for each in CrossValidation.every(workspace)] == [experiment.id]
    assert CrossValidation.open(workspace, "last").config.data.fold is None
    with pytest.raises(RunError, match="no cross-validation 'nothing'"):
        CrossValidation.open(workspace, "nothing")


def test_the_random_split_can_be_trained_later_and_holds_out_clips_of_known_recordings(workspace, config):
    experiment = CrossValidation.create(workspace, config, folds=["2", "3"], queued=False)
    assert summarise(experiment).random is None
    runs = experiment.add_random_split(queued=False)
    assert list(experiment.members("random")) == ["2", "3"]
    assert [run.config.data.split for run in runs] == ["random", "random"]
    assert split_for(find_dataset(workspace, config.data.dataset), runs[0].config.data).leaks
    assert experiment.add_random_split() == []


def test_stopped_failed_and_deleted_folds_go_on(workspace, config, manager, until):
    experiment = CrossValidation.create(workspace, config.replace({"optim.epochs": 100, "model.name": "2"}))
    until(lambda: summarise(experiment).official.folds[0].epoch > 0)
    manager.stop(experiment)
    until(ended(experiment))
    assert [fold.state for fold in summarise(experiment).folds] == ["stopped"] * 3
    first, second, third = experiment.members().values()
    manager.remove(third)
    assert [fold.state for fold in summarise(experiment).folds] == ["stopped", "stopped", "deleted"]
    done = first.status().epoch
    manager.resume(experiment)
    assert third.status().state in ("queued", "running")
    until(lambda: summarise(experiment).official.folds[0].epoch > done)
    until(lambda: summarise(experiment).official.folds[1].state == "failed", 60)
    assert "clips are gone" in summarise(experiment).official.folds[1].error
    manager.resume(experiment)
    assert second.status().active
    manager.stop(experiment)
    until(ended(experiment))
    assert summarise(experiment).state in ("stopped", "failed")


def test_deleting_an_experiment(workspace, config, manager, until):
    experiment = CrossValidation.create(workspace, config.replace({"optim.epochs": 300}))
    until(lambda: summarise(experiment).folds[0].epoch > 0)
    with pytest.raises(RunError, match="is running"):
        manager.remove(experiment, also=experiment.children())
    manager.stop(experiment)
    until(ended(experiment))
    manager.remove(experiment, also=experiment.children())
    assert CrossValidation.every(workspace) == []
    assert list(workspace.runs.glob("[!.]*")) == []
    with pytest.raises(RunError, match="cannot be read"):
        summarise(experiment)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(6))
def test_a_kill_between_the_steps_of_making_one_leaves_no_orphan(workspace, config, monkeypatch, step):
    steps = iter(range(step))

    def or_die(act):
        def acted(*args, **options):
            if next(steps, None) is None:
                raise Killed
            return act(*args, **options)

        return acted

    monkeypatch.setattr(CrossValidation, "save", or_die(CrossValidation.save))
    monkeypatch.setattr(CrossValidation, "draft", or_die(CrossValidation.draft))
    monkeypatch.setattr(Run, "draft", or_die(Run.draft))
    with pytest.raises(Killed):
        CrossValidation.create(workspace, config, random=True, by="Bo")
    monkeypatch.undo()
    there = CrossValidation.every(workspace)
    assert len(there) == (step >= 2)
    assert len(list_runs(workspace)) == max(0, step - 2)
    if not there:
        return
    (experiment,) = there
    assert {run.id for run in list_runs(workspace)} <= {run.id for run in experiment.runs()}
    assert experiment.status().state == ("stopped" if step == 2 else "running")
    manager = JobManager(workspace, background=False)
    manager.resume(experiment)
    manager.close()
    assert {run.id for run in list_runs(workspace)} == {run.id for run in experiment.runs()}
    assert len(experiment.runs()) == 6
    assert experiment.status().state == "queued"
    assert {run.status().by for run in experiment.runs()} == {"Bo"}


def test_it_stands_as_its_runs_do(workspace, config):
    experiment = CrossValidation.create(workspace, config, by="Bo")
    assert (glance(experiment).state, glance(experiment).by, experiment.owner) == ("queued", "Bo", "Bo")
    one, two, three = experiment.runs()
    one.append(RunFinished(state="finished"))
    assert (experiment.status().state, experiment.status().fraction) == ("running", pytest.approx(1 / 3))
    two.append(RunFinished(state="stopped"))
    three.append(RunFinished(state="finished"))
    assert experiment.status().state == "stopped"
    two.append(RunFinished(state="failed"))
    assert experiment.status().state == "failed"
    two.append(RunFinished(state="finished"))
    assert experiment.status().state == "finished"
    three.delete()
    assert experiment.status().state == "stopped", "a fold is missing"
    write_atomically(experiment.path / "experiment.json", "{")
    assert glance(experiment).state == "unreadable"


@pytest.mark.parametrize(
    ("changes", "folds", "kind", "message"),
    [
        ({}, ["9"], DatasetError, "no fold '9'"),
        ({}, ["1", "1"], ConfigError, "one twice"),
        ({}, [], ConfigError, "no fold is given"),
        ({"data.split": "random"}, None, ConfigError, "official folds"),
        ({"data.validation_share": 0.5, "data.leave_out": "7"}, None, DatasetError, "no fold '7' to exclude"),
    ],
)
def test_what_cannot_be_validated_leaves_no_runs(workspace, config, changes, folds, kind, message):
    with pytest.raises(kind, match=message):
        CrossValidation.create(workspace, config.replace(changes), folds=folds)
    assert list(workspace.runs.glob("[!.]*")) == []


def test_folds_are_spread_over_the_gpus(workspace, config):
    experiment = CrossValidation.create(workspace, config.replace({"runtime.device": "auto"}), queued=False, gpus=2)
    assert [run.config.runtime.device for run in experiment.members().values()] == ["cuda:0", "cuda:1", "cuda:0"]
    assert spread("auto", 3, 1) == "auto"
    assert spread("cpu", 3, 4) == "cpu"
    assert spread("cuda:1", 0, 4) == "cuda:1"
