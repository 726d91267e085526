"""The driver of a search, with make-believe training: what it asks, prunes, tells, and goes on with after a SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from labcore.datasets.record import HELD_OUT, Clip, ClipRecord
from labcore.events import Evaluated, RunFinished, SettingsChanged
from labcore.jobs.executors import ProcessChild
from labcore.jobs.glances import glance
from labcore.jobs.manager import JobManager, make_ready
from labcore.runs import Run, list_runs
from labcore.runs.asked import asked_for
from labcore.runs.origin import SEARCH
from labcore.search import driver
from labcore.search.folder import Search, SearchError
from labcore.search.journal import study_id
from labcore.search.report import best_config, final_run, importance, train_best
from labcore.search.space import Range


def starts(run: Run) -> int:
    return sum(event.type == "run_started" for event in run.events())


def lived(search: Search) -> list[tuple[Any, ...]]:
    return [(trial.number, trial.state, trial.value, trial.changes) for trial in search.report().trials]


def test_a_search_finds_what_is_better_than_the_recipe(workspace, make, driven, fake):
    search = Search.create(workspace, make(trials=8, changes={"model.dropout": 0.5}))
    events = driven(search)
    report = search.report()
    assert (report.state, report.done, len(report.trials)) == ("finished", 8, 8)
    first = report.trials[0]
    assert first.changes == {"optim.lr": 0.1, "model.dropout": 0.5}, "the recipe as it is comes first"
    assert report.best is not None
    assert report.best.value > first.value
    assert report.best.value == max(trial.value for trial in report.trials)
    for trial in report.trials:
        run = Run(workspace.runs / trial.run_id)
        assert run.load(SEARCH) == {"search": search.id, "trial": trial.number}
        assert trial.value == pytest.approx(fake.accuracy_of(run.config))
        assert trial.changes == {"optim.lr": run.config.optim.lr, "model.dropout": run.config.model.dropout}
        assert list(trial.curve) == [1, 2, 3, 4, 5, 6]
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-1]) == ("search_started", "search_finished")
    assert kinds.count("trial_ended") == 8
    assert events[-1].best_trial == report.best.number
    shares = importance(search)
    assert set(shares) == {"optim.lr", "model.dropout"}
    assert 0 < sum(shares.values()) <= 1  # what two settings do together is neither one's


def test_no_trial_touches_the_reported_fold_and_one_run_does_once(workspace, make, driven, queue, until):
    search = Search.create(workspace, make(trials=3, changes={"data.fold": "3"}))
    with pytest.raises(SearchError, match="no trial"):
        train_best(search, queue)
    driven(search)
    for run in list_runs(workspace):
        assert (run.config.data.fold, run.config.data.leave_out) == ("1", "3")
        assert run.last_event(Evaluated).fold == "1"
    final = train_best(search, queue)
    assert (final.config.data.fold, final.config.data.leave_out) == ("3", None)
    assert final.config == best_config(search)
    assert final_run(search) == final
    until(lambda: final.status().state == "finished")
    with pytest.raises(SearchError, match="trained only once"):
        train_best(search, queue)
    assert search.trial_runs().keys() == {0, 1, 2}


def test_hopeless_trials_are_pruned(workspace, make, driven):
    ranges = (Range("model.dropout", choices=(0.0, 0.05, 0.1, 0.9)),)
    search = Search.create(workspace, make(ranges, {"optim.epochs": 40, "model.dropout": 0.1}, trials=9, pruning=True))
    driven(search)
    report = search.report()
    states = {trial.changes["model.dropout"]: trial.state for trial in report.trials}
    assert states[0.9] == "pruned"
    assert states[0.1] == "finished"
    lost = next(trial for trial in report.trials if trial.state == "pruned")
    assert 14 <= max(lost.curve) < 40, "not in the first third"
    assert lost.value is None
    assert "median" in lost.note
    assert Run(workspace.runs / lost.run_id).status().state == "stopped"
    # what was trained already is not trained again
    again = [trial for trial in report.trials if trial.note.startswith("the same as")]
    assert again
    assert len(list_runs(workspace)) == 9 - len(again)


def test_a_stopped_search_goes_on_as_if_it_had_not_been_stopped(workspace, make, driven):
    settings = make(trials=6, changes={"optim.clip_norm": 3})
    whole, parts = Search.create(workspace, settings), Search.create(workspace, settings)
    driven(whole)
    looks = iter(range(10_000))
    while driven(parts, lambda: next(looks) % 9 == 8)[-1].state == "stopped":
        assert parts.report().state == "stopped"
    assert parts.report().state == "finished"
    assert lived(parts) == lived(whole)
    assert len(parts.trial_runs()) == 6


@pytest.mark.slow
def test_a_killed_driver_loses_nothing_and_trains_nothing_twice(workspace, make, driver_command, driven, queue, until):
    queue.close()  # the drivers' own managers start the workers
    settings = make(trials=3, changes={"optim.clip_norm": 40})
    search = Search.create(workspace, settings, queued=True)
    process = subprocess.Popen([*driver_command, str(search.path)], stdout=subprocess.DEVNULL)
    until(
        lambda: (
            search.report().done >= 1 and any(trial.curve for trial in search.report().trials if trial.value is None)
        )
    )
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (at_work,) = [trial for trial in search.report().trials if trial.state == "running"]
    run = Run(workspace.runs / at_work.run_id)
    assert search.status().state == "interrupted"
    with (search.path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"op_code": 4, "half a li')  # as a kill in the middle of a write leaves it
    until(lambda: run.status().state == "finished")  # workers outlive their manager
    with closing(JobManager(workspace, partial(ProcessChild, command=driver_command), 0.02)) as manager:
        manager.resume(search)
        until(lambda: search.status().state == "finished")
    trials = search.report().trials
    assert [trial.state for trial in trials] == ["finished"] * 3
    assert len(list_runs(workspace)) == 3
    assert [starts(Run(workspace.runs / trial.run_id)) for trial in trials] == [1] * 3
    for trial in trials:
        assert list(trial.curve) == [1, 2, 3, 4, 5, 6]


def test_a_driver_takes_up_what_the_last_one_left(workspace, make, driven, queue, until):
    search = Search.create(workspace, make(trials=3, changes={"optim.epochs": 40, "optim.clip_norm": 8}))

    def at_epoch(number: int) -> bool:
        return any(run.status().epoch >= number for run in list_runs(workspace))

    driven(search, lambda: at_epoch(3))
    (run,) = list_runs(workspace)
    assert run.status().state == "stopped"
    run.append(RunFinished(state="interrupted"))
    driven(search, lambda: len(search.report().trials) > 1 and search.report().trials[1].run_id is not None)
    assert starts(run) == 2
    assert [event.epoch for event in run.epochs()] == list(range(1, 41))
    assert search.report().trials[0].state == "finished"
    # a trial that was asked for, and its run never made
    lost = Run(workspace.runs / search.report().trials[1].run_id)
    until(lambda: not lost.status().active)
    lost.delete()
    driven(search)
    assert [trial.state for trial in search.report().trials] == ["finished"] * 3


def test_what_goes_wrong_with_all_trials_ends_the_search(workspace, make, driven):
    search = Search.create(workspace, make(trials=20, changes={"model.name": "broken"}))
    end = driven(search)[-1]
    assert end.state == "failed"
    assert "the network cannot be built" in end.error
    report = search.report()
    assert (report.state, len(report.trials), report.best) == ("failed", 3, None)
    assert report.trials[0].note == "the network cannot be built"
    with pytest.raises(SearchError, match="no trial"):
        best_config(search)


def test_a_full_disk_ends_a_search_and_fails_no_more_than_a_trial(workspace, make, driven):
    search, full = Search.create(workspace, make(trials=5)), workspace.home / "full"

    def full_after_the_first() -> bool:
        if search.report().done:
            full.touch()
        return False

    end = driven(search, full_after_the_first)[-1]
    assert (end.state, end.error, end.remedy) == ("failed", "the disk is full", "Free some space")
    states = [trial.state for trial in search.report().trials]
    assert (states[0], states[-1], "failed" in states) == ("finished", "running", False)
    assert driven(search)[-1].state == "failed", "what fails again is the trial's own failure, and the next one waits"
    assert [trial.state for trial in search.report().trials] == [*states[:-1], "failed", "running"]
    full.unlink()
    assert driven(search)[-1].state == "finished"
    assert [trial.state for trial in search.report().trials].count("finished") == 4


def test_a_trial_that_is_judged_on_other_clips_is_refused(workspace, make, driven, monkeypatch):
    search, files = Search.create(workspace, make(trials=3)), ["one.wav"]

    def record(cls, run):
        return cls("", "", (), tuple(Clip(name, 8, "a", 0.0, None, HELD_OUT) for name in files))

    def more_after_the_first() -> bool:
        if search.report().done and len(files) == 1:
            files.append("two.wav")
        return False

    monkeypatch.setattr(ClipRecord, "load", classmethod(record))
    end = driven(search, more_after_the_first)[-1]
    assert end.state == "failed"
    assert "validation fold holds other clips" in end.error
    assert search.report().trials[-1].state == "failed"
    files.pop()
    assert driven(search)[-1].state == "finished"
    assert [trial.state for trial in search.report().trials].count("failed") == 1


def test_a_trial_stopped_or_removed_by_hand_is_left_behind(workspace, make, driven, queue):
    search = Search.create(workspace, make(trials=3, changes={"optim.epochs": 40, "optim.clip_norm": 5}))

    def meddle() -> bool:
        for number, run in search.trial_runs().items():
            if number == 1 and run.status().epoch >= 2:
                queue.stop(run)
        return False

    driven(search, meddle)
    assert [trial.state for trial in search.report().trials] == ["finished", "pruned", "finished"]
    assert search.report().trials[1].note == "stopped by the user"


def test_settings_that_were_changed_while_a_trial_trained_are_told(workspace, make, driven):
    search = Search.create(workspace, make(trials=2, changes={"optim.epochs": 40, "optim.clip_norm": 5}))

    def turn() -> bool:
        run = search.trial_runs().get(0)
        if run is not None and run.status().epoch >= 1 and run.last_event(SettingsChanged) is None:
            run.append(SettingsChanged(epoch=3, number=0, changes={"model.dropout": 0.4}))
        return False

    driven(search, turn)
    notes = [trial.note for trial in search.report().trials]
    assert notes == ["model.dropout changed while it trained", ""]


def test_several_devices_work_at_once(workspace, make, driven):
    search = Search.create(workspace, make(trials=6, changes={"optim.clip_norm": 5}))
    driven(search, devices=["cpu", "cuda:1"])
    devices = [Run(workspace.runs / trial.run_id).config.runtime.device for trial in search.report().trials]
    assert set(devices) == {"cpu", "cuda:1"}
    assert {asked_for(Run(workspace.runs / trial.run_id)).runtime.device for trial in search.report().trials} == {
        "auto"
    }
    assert [trial.state for trial in search.report().trials] == ["finished"] * 6


def test_loss_is_a_goal_too_and_more_trials_can_be_asked_for(workspace, make, driven, fake):
    search = Search.create(workspace, make(trials=2, objective="loss"))
    driven(search)
    with pytest.raises(SearchError, match="finished after 2 trials"):
        search.extend(None)
    with pytest.raises(SearchError, match="finished after 2 trials"):
        search.extend(1)
    search.extend(5)
    assert search.status().state == "stopped", "it can go on"
    driven(search)
    report = search.report()
    assert report.done == 5
    assert report.best.value == min(trial.value for trial in report.trials)
    assert report.best.value == pytest.approx(1 - fake.accuracy_of(Run(workspace.runs / report.best.run_id).config))


def test_a_search_for_the_loss_goes_by_the_weights_that_were_saved(workspace, make, driven, monkeypatch):
    monkeypatch.setattr(driver, "loss_in", lambda path: 7.0)
    search = Search.create(workspace, make(trials=1, objective="loss"))
    driven(search)
    assert search.report().best.value == 7.0
    assert search.report().trials[0].curve[6] < 1, "the curve is that of the epochs"


def test_the_best_settings_are_those_of_the_trial_that_was_trained(workspace, make, driven, queue, until):
    search = Search.create(workspace, make(trials=1, changes={"model.dropout": 0.6}))
    driven(search)
    final = train_best(search, queue)
    until(lambda: final.status().state == "finished")
    assert search.report().final_trial == search.report().best.number == 0
    assert not search.report().outdated
    search.extend(6)
    driven(search)
    report = search.report()
    assert (report.final, report.final_trial) == (final.id, 0)
    assert report.best.number != 0
    assert report.outdated


def test_only_one_driver_at_a_time(workspace, make, driven, queue):
    search = Search.create(workspace, make())
    with search.hold():
        assert search.status().state == "running"
        with pytest.raises(SearchError, match="is running"):
            driven(search)
        with pytest.raises(SearchError, match="is running"):
            queue.remove(search)
    queue.remove(search)
    assert not search.path.exists()


def test_a_search_is_removed_with_the_runs_of_its_trials(workspace, make, driven, queue):
    search = Search.create(workspace, make(trials=2))
    driven(search)
    search.save("split", {"what": "the split that the search began with"})
    final = train_best(search)
    assert final.load("split") == search.load("split")  # whatever becomes of the split
    runs = list(search.trial_runs().values())
    runs[1].append(runs[1].started())
    with runs[1].hold(), pytest.raises(SearchError, match="is running"):
        queue.remove(search, also=runs)
    assert all(run.there for run in runs)
    queue.remove(search, also=runs)
    assert (Search.every(workspace), list_runs(workspace)) == ([], [final])


def test_a_search_that_cannot_be_read_fails_and_says_why(workspace, make, driven):
    search = Search.create(workspace, make())
    (search.path / "journal.jsonl").write_text("")
    end = driven(search)[-1]
    assert (end.type, end.state, end.done) == ("search_finished", "failed", 0)
    assert "journal is empty" in search.status().error


def test_the_queue_of_a_server_loads_no_optuna(workspace, make):
    search = Search.create(workspace, make(), queued=True, by="Bo")
    told = """
import sys
from labcore.jobs.glances import glances
from labcore.jobs.queue import QueueState
from labcore.search.folder import Search
from labcore.workspace import Workspace
(waiting,), _ = QueueState(Workspace.default()).look()
((search, status),) = glances(Workspace.default(), Search)
print(waiting.id, status.state, status.by, {"optuna", "pandas", "torch"} & set(sys.modules))
"""
    environment = os.environ | {"LABCORE_HOME": str(workspace.home)}
    done = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [search.id, "queued", "Bo", "set()"]


@pytest.mark.parametrize(
    ("life", "state", "error"),
    [
        ({"state": "stopped", "by": "Cy"}, "stopped", ""),
        ({"state": "failed", "error": "the clips are gone"}, "failed", "the clips are gone"),
        ({"state": "started"}, "interrupted", ""),
        ({"state": 7, "error": ["x"]}, "interrupted", ""),
        ("nonsense", "interrupted", ""),
    ],
)
def test_a_search_of_an_earlier_version_goes_on(workspace, make, driven, life, state, error):
    search = Search.create(workspace, make(trials=1))
    search.journal().set_study_user_attr(study_id(search.journal()), "life", life)
    (search.path / "owner").write_text("Bo")
    status = search.status()
    assert (status.state, status.error, search.owner) == (state, error, "Bo")
    assert glance(search).state == state
    with search.hold():
        make_ready(search)
    assert (search.status().state, search.status().by) == ("stopped", "Bo")
    driven(search)
    assert (search.status().state, search.owner) == ("finished", "Bo")
