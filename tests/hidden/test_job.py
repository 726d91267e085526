"""A test with hidden classes as a job: its runs, its end, and how it goes on."""

import time
from functools import partial

import numpy as np
import pytest

from labcore.catalogue import catalogue
from labcore.config import RunConfig
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.events import TrainingStarted
from labcore.hidden.events import ClassHidden, mean_auroc, mean_noticed
from labcore.hidden.job import HiddenClasses
from labcore.hidden.recipe import hideable, knows_more, seconds_of
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.members.driver import drive
from labcore.runs import Run
from labcore.runs.origin import belonging
from labcore.training.job import working
from tests.judged import drawn, finished_run
from tests.made_events import made_epoch

LABELS = ("cat", "dog", "owl")
LONG = 1000


def pretend(config, run, workspace, should_stop):
    """A training that fails without "owl", until it is tried again, and one of many epochs that goes on until it is stopped."""
    if config.data.exclude_classes[-1] == "owl" and not run.checkpoint.exists():
        run.checkpoint.write_text("tried")
        raise DatasetError("the clips are gone", "Bring them back")
    while config.optim.epochs == LONG and not should_stop():
        time.sleep(0.002)
    if should_stop():
        return
    yield TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=4, fold="1", device="cpu", device_reason="", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=1, epochs=1, first_epoch=1,
    )  # fmt: skip
    yield made_epoch(1, epochs=1, val_accuracy=0.25)


def scored(run, label, refused, should_stop):
    return ClassHidden(
        label=label, run_id=run.id, auroc=0.5 if label == "cat" else 0.9, low=0.4, high=0.95, known=8, unknown=4, recordings=2,
        refused_known=1, refused_unknown=1 if label == "cat" else 3, predicted_as={"dog": 3},
    )  # fmt: skip


@pytest.fixture
def base(workspace, tmp_path, tone, write_wav, make_classifier) -> Run:
    """A finished run over two folds of three classes."""
    rows = ["path,label,fold,group"]
    for number, label in enumerate(LABELS * 4):
        write_wav(tmp_path / "clips" / f"{number}.wav", tone(200 + 10 * number, 0.1, 8000), 8000)
        rows.append(f"clips/{number}.wav,{label},{1 + number // 6},{number}")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    said = drawn(6)
    said.frame["embedding"] = list(np.zeros((6, 4), np.float16))
    changes = {"data.dataset": str(tmp_path / "list.csv"), "optim.epochs": 3, "runtime.seed": 5, "features.n_fft": 512}
    run = finished_run(workspace, said, changes)
    run.save("asked", {"features.n_fft": None, "optim.epochs": None})
    make_classifier(labels=LABELS).save(run.weights)
    return run


@pytest.fixture
def driven(workspace, monkeypatch):
    """Drives a test in this process over make-believe training."""
    monkeypatch.setattr("labcore.members.driver.POLL_SECONDS", 0.005)
    monkeypatch.setattr("labcore.hidden.scoring.score", scored)
    manager = JobManager(workspace, partial(ThreadChild, doing=working(pretend)), 0.01)
    yield lambda test, stop=lambda: False: work(test, stop, doing=partial(drive, queue=manager))
    manager.close()


def test_each_run_is_the_recipe_without_one_class(base, workspace):
    test = HiddenClasses.create(workspace, base, ["dog", "owl"], 0.1, by="Ann")
    assert list(test.members()) == ["dog", "owl"]
    for label, run in test.members().items():
        assert run.config == base.config.replace({"data.exclude_classes": [label]})
        assert belonging(run) == (test.id, f"without {label}")
        assert (run.status().state, run.owner, run.driver) == ("queued", "Ann", test.id)
        assert run.asked().title == f"list.csv · balanced · without {label} · fold 1 · 3 epochs · seed 5"
    assert (test.plan.run, test.plan.refused, HiddenClasses.of_run(base)) == (base.id, 0.1, [test])
    assert test.asked().title == "list.csv · balanced · 2 hidden classes · fold 1 · 3 epochs · seed 5"
    row = next(row for row in catalogue(workspace) if row.id == test.id)
    assert ([part.part for part in row.children], row.accuracy) == (["without dog", "without owl"], None)
    assert seconds_of(base) == 60.0


def test_what_cannot_be_hidden_is_told_before_anything_is_trained(base, workspace):
    assert hideable(base) == dict.fromkeys(LABELS, "")
    for wrong, told, kind in (
        ({"classes": ["wolf"]}, "wolf cannot be hidden: it is none of the run's classes", DatasetError),
        ({"refused": 0.6}, "no share", ConfigError),
    ):
        with pytest.raises(kind, match=told):
            HiddenClasses.create(workspace, base, **wrong)
    base.save_config(base.config.replace({"data.exclude_classes": ["dog"]}))
    assert hideable(base)["cat"] == "fewer than two other classes are left to train on"
    base.save_config(base.config.replace({"model.pretrained": "20260101-000000-other"}))
    assert "20260101-000000-other, which may have been trained on the hidden classes" in knows_more(base)
    base.weights.unlink()
    with pytest.raises(RunError, match="no weights"):
        HiddenClasses.create(workspace, base)
    base.save("ensemble", {"members": [{"run": "a"}, {"run": "b"}]})
    with pytest.raises(RunError, match="an ensemble is not trained"):
        HiddenClasses.create(workspace, base)
    assert not HiddenClasses.every(workspace)


def test_it_tells_of_each_class_and_goes_on_after_a_failure(base, workspace, driven):
    test = HiddenClasses.create(workspace, base)
    end = driven(test)
    assert end.state == "failed"
    assert "1 run of 3 failed: the one without owl failed (the clips are gone)" in end.error
    assert list(test.results) == ["cat", "dog"]
    workspace_run = test.members()["cat"]
    workspace_run.delete()  # one that was looked at already is made again, and not asked for its result
    manager = JobManager(workspace, background=False, starts=False)
    manager.resume(test, by="Ann")
    manager.close()
    assert test.status().state == "queued"
    end = driven(test)
    assert (end.state, list(test.results)) == ("finished", ["cat", "dog", "owl"])
    results = test.results.values()
    assert mean_auroc(results) == pytest.approx((0.5 + 0.9 + 0.9) / 3)
    assert mean_noticed(results) == pytest.approx((1 + 3 + 3) / 12)
    assert test.status().fraction == 1.0


def test_a_stop_stops_its_runs(base, workspace, driven):
    base.save_config(base.config.replace({"optim.epochs": LONG}))
    test = HiddenClasses.create(workspace, base, ["cat", "dog"])
    assert driven(test, lambda: "running" in {run.status().state for run in test.children()}).state == "stopped"
    assert {run.status().state for run in test.children()} == {"stopped"}
    assert not test.results


def test_a_run_that_is_gone_keeps_it_from_being_finished(base, workspace, driven):
    test = HiddenClasses.create(workspace, base, ["cat", "dog"])
    test.members()["dog"].delete()
    assert driven(test).state == "stopped"
    assert list(test.results) == ["cat"]
    assert mean_auroc([]) is None


def test_one_that_is_damaged_can_be_deleted(base, workspace):
    test = HiddenClasses.create(workspace, base, ["cat"])
    (test.path / "hidden.json").write_text('{"run": "../elsewhere", "members": [["cat", "../../x"]]}')
    with pytest.raises(RunError, match="names no run of this workspace"):
        test.members()
    assert test.children() == []
    assert "names no run" in test.asked().error
    manager = JobManager(workspace, background=False, starts=False)
    manager.remove(test)
    manager.close()
    assert not test.there


def test_settings_of_before_have_no_excluded_classes():
    tree = RunConfig().model_dump()
    del tree["data"]["exclude_classes"]
    assert RunConfig.model_validate(tree) == RunConfig()
