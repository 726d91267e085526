"""A learning curve as a job: its runs, its end, and what it refuses."""

import time
from functools import partial

import pytest

from labcore import builtin
from labcore.catalogue import catalogue
from labcore.config import RunConfig
from labcore.curve.events import MEL, CurvePoint
from labcore.curve.job import LearningCurve, clips_by_size, leak_note
from labcore.curve.scoring import Scorer
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.events import TrainingStarted
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.members.driver import drive
from labcore.members.job import ready
from labcore.runs import Run
from labcore.runs.origin import belonging
from labcore.training.job import working
from tests.curving import point

LONG = 1000


@pytest.fixture
def config(tmp_path, tone, write_wav) -> RunConfig:
    """Two classes of eight recordings in two folds."""
    rows = ["path,label,fold,group"]
    for number in range(16):
        label = "hum" if number % 2 else "bark"
        write_wav(tmp_path / "clips" / f"{number}.wav", tone(300 + 400 * (number % 2) + 10 * number, 0.1, 8000), 8000)
        rows.append(f"clips/{number}.wav,{label},{1 + number // 8},{number}")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    changes = {"data.dataset": str(tmp_path / "list.csv"), "data.fold": "1", "optim.epochs": 3, "runtime.device": "cpu"}
    return RunConfig().replace(changes)


def pretend(config, run, workspace, should_stop):
    """A training that begins, and one of many epochs that goes on until it is stopped."""
    while config.optim.epochs == LONG and not should_stop():
        time.sleep(0.002)
    if not should_stop():
        yield TrainingStarted(
            labels=["a", "b"], train_clips=8, val_clips=4, fold="1", device="cpu", device_reason="", precision="fp32",
            memory_format="contiguous", precision_reason="", parameters=1, epochs=1, first_epoch=1,
        )  # fmt: skip


@pytest.fixture
def driven(workspace, monkeypatch):
    """Drives a curve in this process over make-believe training."""
    monkeypatch.setattr("labcore.members.driver.POLL_SECONDS", 0.005)
    monkeypatch.setattr(Scorer, "score", lambda self, name, run, stop: iter([point(name, run.id, 9, 5)]))
    manager = JobManager(workspace, partial(ThreadChild, doing=working(pretend)), 0.01)
    yield lambda curve, stop=lambda: False: work(curve, stop, doing=partial(drive, queue=manager))
    manager.close()


def test_each_run_is_the_recipe_on_a_sample(config, workspace):
    curve = LearningCurve.create(workspace, config, ("3", "1", "all", "7"), 2, by="Ann")
    assert list(curve.members()) == ["1/1", "3/1", "all/1", "1/2", "3/2", "all/2"]  # 7 is more than there are
    told = {name: run.config for name, run in curve.members().items()}
    assert told["all/1"] == config
    assert told["3/2"] == config.replace({"data.train_recordings": 3, "data.sample": 2, "runtime.seed": 1})
    run = curve.members()["3/2"]
    assert belonging(run) == (curve.id, "size 3, sample 2")
    assert (run.status().state, run.owner, run.driver) == ("queued", "Ann", curve.id)
    assert run.asked().title == "list.csv · balanced · 3 recordings per class · sample 2 · fold 1 · 3 epochs · seed 1"
    assert curve.asked().title == "list.csv · balanced · learning curve · 2 samples · fold 1 · 3 epochs"
    row = next(row for row in catalogue(workspace) if row.id == curve.id)
    assert (len(row.children), row.accuracy) == (6, None)
    sizes = clips_by_size(workspace, config, ("1", "3", "all"))
    assert {size: clips.trained for size, clips in sizes.items()} == {"1": 2, "3": 6, "all": 8}


def test_what_cannot_be_measured_is_told_before_anything_is_trained(config, workspace):
    for what, told, kind in (
        ({"sizes": ("some", "2")}, "'some' is no number of recordings", ConfigError),
        ({"sizes": ("0", "2")}, "'0' is no number of recordings", ConfigError),
        ({"sizes": ("9" * 5000, "2")}, "is no number of recordings", ConfigError),
        ({"sizes": ("4", "all")}, "no class has more than 4 training recordings", ConfigError),
        ({"sizes": ("2",)}, "2 alone was given", ConfigError),
        ({"samples": 0}, "0 samples are out of bounds", ConfigError),
        ({"embeddings": "20260101-000000-gone"}, "gone", RunError),
    ):
        with pytest.raises(kind, match=told):
            LearningCurve.create(workspace, config, **{"sizes": ("2", "all"), **what})
    with pytest.raises(ConfigError, match="uses the folds of the data set"):
        LearningCurve.create(workspace, config.replace({"data.split": "random"}))
    with pytest.raises(DatasetError):
        LearningCurve.create(workspace, config.replace({"data.fold": "9"}))
    assert not LearningCurve.every(workspace)


def test_one_stopped_before_its_work_began_stops_what_runs_already(config, workspace, driven, until):
    curve = LearningCurve.create(workspace, config.replace({"optim.epochs": LONG}), ("2", "all"), 1)
    until(lambda: "running" in {run.status().state for run in curve.children()})
    assert driven(curve, lambda: True).state == "stopped"
    assert {run.status().state for run in curve.children()} == {"stopped"}


def test_it_tells_of_each_run_and_can_be_stopped_and_go_on(config, workspace, driven):
    curve = LearningCurve.create(workspace, config.replace({"optim.epochs": LONG}), ("2", "all"), 1)
    assert driven(curve, lambda: "running" in {run.status().state for run in curve.children()}).state == "stopped"
    assert {run.status().state for run in curve.children()} == {"stopped"}
    assert not curve.points
    plan = curve.plan.model_copy(update={"config": config.model_dump(mode="json")})  # of few epochs
    curve.save("curve", plan.model_dump(mode="json"))
    curve.members()["2/1"].save_config(config)
    curve.members()["all/1"].delete()
    with curve.hold():
        ready(curve, None)
    assert driven(curve).state == "finished"
    assert list(curve.points) == ["2/1", "all/1"]
    assert curve.status().fraction == 1.0


def test_a_network_that_heard_the_test_fold_is_told(workspace, config):
    curve = LearningCurve.create(workspace, config, ("2", "all"), 1, builtin.NAME)
    assert curve.plan.embeddings == builtin.NAME
    assert leak_note(curve) == ""
    plan = curve.plan.model_copy(
        update={"config": config.replace({"data.dataset": "demo", "data.fold": "2"}).model_dump()}
    )
    curve.save("curve", plan.model_dump(mode="json"))
    assert "trained on clips of this test fold" in leak_note(curve)


def test_a_network_that_heard_the_test_clips_under_another_name_is_told(workspace, config):
    """A run on a link to the data set, which held out the other fold; both runs have written down their clips."""
    from labcore.datasets.record import ClipRecord
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.splits import split_for

    def begun(run: Run) -> Run:
        dataset = find_dataset(workspace, run.config.data.dataset)
        ClipRecord.of(dataset, dataset.table, split_for(dataset, run.config.data)).save(run)
        run.weights.write_bytes(b"")
        return run

    place = find_dataset(workspace, config.data.dataset).root
    linked = place.with_name("linked.csv")
    linked.symlink_to(place)
    others = sorted(set(find_dataset(workspace, config.data.dataset).folds) - {config.data.fold})
    for fold, told in ((others[0], True), (config.data.fold, False)):
        run = begun(Run.create(workspace, config.replace({"data.dataset": str(linked), "data.fold": fold})))
        curve = LearningCurve.create(workspace, config, ("2", "all"), 1, run.id)
        assert bool(leak_note(curve)) == told  # by the place, before any of its runs has begun
        begun(curve.members()["all/1"])
        assert bool(leak_note(curve)) == told


def test_a_finished_run_is_scored_beside_the_baselines(config, workspace):
    """Without a training: the clips and predictions of a run are written as a training leaves them."""
    import numpy as np

    from labcore.datasets.record import ClipRecord
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.sampling import sampled
    from labcore.datasets.splits import split_for
    from labcore.evaluation.eval_set import PredictionPart
    from labcore.evaluation.predictions import known_of, record

    curve = LearningCurve.create(workspace, config, ("2", "all"), 1)
    run = curve.members()["2/1"]
    dataset = sampled(find_dataset(workspace, config.data.dataset), run.config.data)
    parts = split_for(dataset, run.config.data)
    ClipRecord.of(dataset, dataset.table, parts, ["bark", "hum"]).save(run)
    shares = np.tile(np.float32([0.9, 0.1]), (8, 1))  # all are said to be barks
    bounds = np.tile([0, 800], (8, 1))
    part = PredictionPart(shares, np.arange(8), bounds, shares, np.zeros((8, 2), np.float16))
    known = known_of(dataset.table, parts.held_out, dataset.folder)
    record(run.predictions, known, ["bark", "hum"], 8000, [part])
    *_, told = Scorer(curve).score("2/1", run, lambda: False)
    assert isinstance(told, CurvePoint)
    assert (told.recordings, told.clips, told.groups) == (2.0, 4, [1] * 8)
    assert told.recipe.accuracy == 0.5
    assert told.baselines[MEL].accuracy == 1.0  # tones of two pitches
