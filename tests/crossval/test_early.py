"""A cross-validation that is finished early: which folds end when, also those that are made later, and what is told of it."""

from __future__ import annotations

import contextlib
import json

import pytest

from labcore.crossval.early import early_end, finish_early
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import csv_table, summarise
from labcore.errors import ConfigError, RunError
from labcore.events import RunFinished, RunQueued, RunStarted, SettingsChanged, TrainingStarted
from labcore.runs import Run
from tests.made_events import made_epoch, made_result

PLANNED = 20


@pytest.fixture
def config(config):
    return config.replace({"optim.epochs": PLANNED})


def play(run: Run, epochs: int, state: str = "", of: int = PLANNED) -> None:
    """What a training leaves after so many epochs; in no state it is not over."""
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    run.append(
        TrainingStarted(
            labels=["a", "b"], train_clips=8, val_clips=4, fold="1", device="cpu", device_reason="", precision="fp32",
            memory_format="contiguous", precision_reason="", parameters=1, epochs=of, first_epoch=1,
        )
    )  # fmt: skip
    for number in range(1, epochs + 1):
        run.append(made_epoch(number, epochs=of, val_accuracy=0.25, seconds_left=3.0))
    if state == "finished":
        confusion = {"a": {"a": 2}, "b": {"b": 1, "a": 1}}
        run.append(made_result(0.75, accuracy_low=0.0, accuracy_high=1.0, clips=4, confusion=confusion))
    if state:
        run.append(RunFinished(state=state, epochs_done=epochs))


def wishes(run: Run) -> list[int]:
    """The numbers of epochs that were wished for."""
    lines = run.overrides.read_text().splitlines() if run.overrides.exists() else []
    assert all(json.loads(line)["reason"] == "finish early" for line in lines)
    return [json.loads(line)["optim.epochs"] for line in lines]


def test_what_trains_cools_down_and_what_waits_has_as_many_epochs(workspace, config):
    experiment = CrossValidation.create(workspace, config, random=True)
    one, two, three, *random = experiment.runs()
    play(one, PLANNED, "finished")
    with two.hold():
        play(two, 5)
        end = finish_early(experiment, 4, by="page", who="Ada")
        assert [wishes(run) for run in (one, two, three, *random)] == [[], [10], [10], [10], [10], [10]]
        assert json.loads(three.overrides.read_text())["who"] == "Ada"
        assert end.sentence == (
            "Fold 2 ends after epoch 10; folds 3, 1 random, 2 random, 3 random, which have not begun, train 10 epochs"
        )
        summary = summarise(experiment)
    assert [(fold.epochs, fold.planned) for fold in summary.official.folds] == [(20, 20), (10, 20), (10, 20)]
    assert summary.length_note == (
        "Finished early: folds 2, 3, 1 random, 2 random, 3 random after 10 of 20 epochs. The figures are of folds of different length"
    )


@pytest.mark.parametrize("queued", [True, False], ids=["in the queue", "on a Ray cluster"])
def test_folds_side_by_side_each_cool_down_and_the_others_have_the_epochs_of_the_longest(workspace, config, queued):
    experiment = CrossValidation.create(workspace, config, queued=queued)
    one, two, three = experiment.runs()
    with contextlib.ExitStack() as stack:
        for run, epochs in ((one, 3), (two, 5)):
            stack.enter_context(run.hold())
            play(run, epochs)
        finish_early(experiment, 4, by="page")
        assert [wishes(run) for run in (one, two, three)] == [[8], [10], [10]]
        finish_early(experiment, 2, by="page")  # even earlier
        assert [wishes(run)[1:] for run in (one, two, three)] == [[6], [8], [8]]
        assert summarise(experiment).length_note == (
            "Finished early: fold 1 after 6 of 20 epochs, folds 2, 3 after 8 of 20 epochs. The figures are of folds of different length"
        )


def test_one_that_is_about_to_end_by_itself_leaves_the_choice_to_the_other(workspace, config):
    experiment = CrossValidation.create(workspace, config)
    one, two, three = experiment.runs()
    play(one, 18, "stopped")
    play(two, 5, "stopped")
    finish_early(experiment, 4, by="command")
    assert [wishes(run) for run in (one, two, three)] == [[], [9], [9]]


def test_folds_that_all_have_as_many_epochs_are_of_one_length(workspace, config):
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"])
    for run in experiment.runs():
        play(run, 5, "stopped")
    finish_early(experiment, 4, by="command")
    for run in experiment.runs():
        run.append(SettingsChanged(epoch=6, number=0, changes={"optim.epochs": 9}))
        play(run, 9, "finished", of=9)
    summary = summarise(experiment)
    assert summary.length_note == "Finished early: folds 1, 2 after 9 of 20 epochs"
    assert csv_table(summary).splitlines()[1].split(",")[3::7] == ["9", "20"]
    assert summary.to_dict()["official"]["folds"][0]["planned"] == 20


def test_folds_that_are_made_later_have_as_many_epochs(workspace, config):
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"])
    one, two = experiment.runs()
    play(one, 5, "stopped")
    two.delete()
    finish_early(experiment, 4, by="command", who="Bo")
    experiment.make_missing()
    random = experiment.add_random_split()
    assert [wishes(run) for run in (two, *random)] == [[9], [9], [9]]
    assert json.loads(two.overrides.read_text())["who"] == "Bo"
    assert two.status().state == "queued"


def test_an_automatic_number_of_epochs_is_known_from_the_fold_that_trains(workspace, config):
    experiment = CrossValidation.create(workspace, config.replace({"optim.epochs": None}))
    with pytest.raises(RunError, match=r"no fold of .* has begun"):
        finish_early(experiment, 4, by="command")
    one, two, _ = experiment.runs()
    one.save_config(one.config.replace({"optim.epochs": PLANNED}))  # as its training works it out
    play(one, 5, "stopped")
    finish_early(experiment, 4, by="command")
    assert wishes(two) == [9]
    assert [fold.shortened for fold in summarise(experiment).folds] == [True] * 3
    assert "fold 1 after 9 of 20 epochs, folds 2, 3 after 9 epochs" in summarise(experiment).length_note


def test_a_fold_of_which_nobody_knows_the_plan_was_not_finished_early(workspace, config):
    """As one whose settings an older version left automatic."""
    experiment = CrossValidation.create(workspace, config.replace({"optim.epochs": None}))
    for run in experiment.runs():
        play(run, 5, "finished", of=5)
    assert [(fold.epochs, fold.planned) for fold in summarise(experiment).folds] == [(5, 5)] * 3
    assert summarise(experiment).length_note == ""


def test_before_a_fold_has_begun_the_epochs_are_all_that_it_trains(workspace, config):
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"])
    finish_early(experiment, 4, by="command")
    assert [wishes(run) for run in experiment.runs()] == [[4], [4]]


def test_what_ends_nothing_early_is_refused_and_changes_nothing(workspace, config):
    experiment = CrossValidation.create(workspace, config)
    one, *others = experiment.runs()
    play(one, 18, "stopped")
    before = experiment.facts
    for more in (2, 200):
        with pytest.raises(ConfigError, match=r"fold 1 would not end before its time\. Ask for fewer"):
            finish_early(experiment, more, by="command")
    with pytest.raises(ConfigError, match="Give one at least"):
        finish_early(experiment, 0, by="command")
    for run in (one, *others):
        play(run, PLANNED, "finished")
    with pytest.raises(RunError, match=r"no fold of .* is left"):
        early_end(summarise(experiment), 1)
    assert (experiment.facts, [wishes(run) for run in experiment.runs()]) == (before, [[], [], []])
    assert summarise(experiment).length_note == ""


def test_a_fold_that_ends_meanwhile_stays_as_it_is(workspace, config, monkeypatch):
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"])
    one, two = experiment.runs()
    play(one, 5, "stopped")
    save = CrossValidation.save

    def ends(self, name, content):
        save(self, name, content)
        one.append(RunQueued())
        play(one, PLANNED, "finished")

    monkeypatch.setattr(CrossValidation, "save", ends)
    finish_early(experiment, 4, by="command")
    assert [wishes(run) for run in (one, two)] == [[], [9]]


def test_a_damaged_number_of_epochs_is_told(workspace, config):
    experiment = CrossValidation.create(workspace, config)
    for early in (3, {"epochs": "many"}, {"epochs": 0}):
        experiment.save("experiment", json.loads((experiment.path / "experiment.json").read_text()) | {"early": early})
        with pytest.raises(RunError, match="does not say after how many epochs its folds end"):
            summarise(experiment)
