"""Evaluations and accuracy in noise as jobs: their life."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.cli.reporter import result_line
from labcore.config import RunConfig
from labcore.datasets import keeping
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import find_dataset, register
from labcore.datasets.splits import split_for
from labcore.errors import RunError
from labcore.evaluation import disturbed_clips
from labcore.evaluation.calibration import tempered
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.figures import figures_of_clips
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.evaluation.predictions import read_predictions
from labcore.evaluation.robustness import RobustnessPlan, RobustnessTest
from labcore.events import Evaluated, Log, Preparing, each_of
from labcore.inference.classifier import Classifier
from labcore.inference.temperature import Temperature
from labcore.jobs.folder import SHARED
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.jobs.queue import QueueState
from labcore.runs import Run
from tests.jobs.inline import InlineChild
from tests.small import SMALL


@pytest.fixture
def manager(workspace):
    made = JobManager(workspace, InlineChild, background=False)
    yield made
    made.close()


@pytest.fixture
def run(workspace, class_folders):
    """A run with weights, which has learnt nothing."""
    config = RunConfig().replace({"data.dataset": str(class_folders), "data.fold": "1", **SMALL})
    run = Run.create(workspace, config)
    Classifier(run.config, ["high", "low tones"]).save(run.weights)
    return run


def small(run, **wishes):
    return RobustnessPlan(run=run.id, levels=(20.0, 0.0), device="cpu", **wishes)


KINDS = [
    (Evaluation, lambda run, **wishes: EvaluationPlan(run=run.id, device="cpu", **wishes)),
    (RobustnessTest, small),
]


@pytest.mark.parametrize(("kind", "plan"), KINDS)
def test_from_the_queue_to_the_end(workspace, run, manager, kind, plan):
    job = manager.take(kind.create(workspace, plan(run), queued=True, by="Ada"))
    assert job.status().state == "queued"
    manager.look()
    status = job.status()
    assert (status.state, status.error, status.by) == ("finished", "", "Ada")
    assert job.chosen.clips > 0
    assert "held out from training" in job.chosen.sentence
    assert job.asked().dataset == run.config.data.dataset
    assert kind.open(workspace, "last") == job
    manager.remove(job)
    assert kind.every(workspace) == []


def test_the_figures_of_an_evaluation_are_an_event_and_its_rows_lie_beside(workspace, run):
    job = Evaluation.create(workspace, EvaluationPlan(run=run.id, device="cpu", fold="all", rows="windows"))
    work(job)
    assert job.result == job.last_event(Evaluated)
    assert job.result.clips == job.chosen.clips
    assert job.status().accuracy == job.result.accuracy
    assert (job.result.trained_on, job.result.leaks) == (job.result.clips - held_out(run), True)
    assert (job.status().trained_on, job.status().figure.partition(" (")[2]) == (job.result.trained_on, "trained on)")
    told = f"{job.result.trained_on} of the {job.result.clips} clips were trained on, or used to choose"
    assert any(each.message.startswith(told) for each in each_of(job.events(), Log))
    assert read_predictions([job.predictions])["clip"].nunique() == job.result.clips


def held_out(run):
    return len(split_for(find_dataset(run.workspace, run.config.data.dataset), run.config.data).held_out)


def test_the_same_files_under_another_name_were_trained_on(workspace, run, class_folders):
    """A list in another folder names clips of the run's data set, some by a link: they are known by their files."""
    dataset = find_dataset(workspace, run.config.data.dataset)
    parts = split_for(dataset, run.config.data)
    ClipRecord.of(dataset, dataset.table, parts, dataset.labels).save(run)
    elsewhere = workspace.home.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked").symlink_to(class_folders)
    known = [Path(dataset.table["path"][row]) for row in parts.train]
    new = [Path(dataset.table["path"][row]) for row in parts.held_out]
    rows = [f"{elsewhere / 'linked' / path.relative_to(class_folders)},{path.parent.name}" for path in known[:3] + new]
    (elsewhere / "list.csv").write_text("\n".join(["path,label", *rows]))
    job = Evaluation.create(
        workspace, EvaluationPlan(run=run.id, device="cpu", dataset=str(elsewhere / "list.csv"), fold="all")
    )
    work(job)
    assert (job.result.clips, job.result.trained_on, job.result.leaks) == (3 + len(new), 3, True)
    assert "trained on 3 of them" in job.chosen.sentence


def test_windows_of_one_event_are_no_clips_of_their_own(workspace, run, noise):
    """Labels of 0.4 s are two windows of 0.25 s each, which share 0.1 s."""
    folder = workspace.home.parent / "field"
    folder.mkdir()
    soundfile.write(folder / "a.wav", noise(20, 8000), 8000)
    lines = [f"{n}.0\t{n}.4\t{('high', 'low tones')[n % 2]}" for n in range(1, 19)]
    (folder / "a.txt").write_text("\n".join(lines) + "\n")
    job = Evaluation.create(workspace, EvaluationPlan(run=run.id, device="cpu", dataset=str(folder), fold="all"))
    work(job)
    result = job.result
    assert (result.clips, result.distinct_clips) == (36, pytest.approx(36 * 0.4 / 0.5))
    assert result.recordings == 1  # though it is parted by time
    ends = wilson_interval(round(result.accuracy * 36), 36, result.distinct_clips)
    assert (result.accuracy_low, result.accuracy_high) == pytest.approx(ends)
    assert any("windows of 0.25 s" in each.message for each in each_of(job.events(), Log))
    assert figures_of_clips(ClipPredictions.read([job.predictions])).accuracy.low == pytest.approx(ends[0])
    assert result.effective_clips == result.distinct_clips  # one recording tells nothing of others
    assert "the clips are of one recording: that says little about other recordings" in result_line(result)


def test_without_noise_a_noise_test_is_an_evaluation(workspace, run):
    noisy = RobustnessTest.create(workspace, small(run))
    plain = Evaluation.create(workspace, EvaluationPlan(run=run.id, device="cpu"))
    for job in (noisy, plain):
        work(job)
    clean, *others = noisy.results
    assert [each.snr_db for each in others] == [20.0, 0.0]
    assert (clean.accuracy, clean.low, clean.high, clean.clips) == (
        plain.result.accuracy, plain.result.accuracy_low, plain.result.accuracy_high, plain.result.clips,
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "plan"), KINDS)
@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"fold": "99"}, "there is no fold 99"),
        ({"label": "nothing"}, "no clips of nothing"),
        ({"dataset": "gone"}, "gone"),
    ],
)
def test_what_cannot_be_done_is_told(workspace, run, manager, kind, plan, wishes, told):
    job = manager.take(kind.create(workspace, plan(run, **wishes), queued=True))
    manager.look()
    status = job.status()
    assert status.state == "failed"
    assert told in status.error
    assert status.remedy


def test_weights_that_are_gone_and_a_plan_that_is_damaged(workspace, run):
    run.weights.unlink()
    job = RobustnessTest.create(workspace, small(run))
    assert work(job).details["kind"] == "RunError"
    (job.path / "noise.json").write_text('{"run": 3}')
    assert work(job).details["kind"] == "RunError"
    assert job.asked().error
    with pytest.raises(RunError, match="cannot be read"):
        job.plan  # noqa: B018


def test_a_noise_test_that_goes_on_takes_up_what_is_missing(workspace, run, manager, monkeypatch):
    job = RobustnessTest.create(workspace, small(run))
    end = work(job, lambda: len(job.results) == 2)
    assert end.state == "stopped"
    assert [each.snr_db for each in job.results] == [None, 20.0]
    asked = []
    real = disturbed_clips.DisturbedClips.right
    monkeypatch.setattr(disturbed_clips.DisturbedClips, "right", lambda *a: asked.append(a[3]) or real(*a))
    manager.resume(job, by="Bo")
    manager.look()
    assert asked == [0.0]
    whole = RobustnessTest.create(workspace, small(run))
    work(whole)
    assert job.status().state == "finished"
    assert [each.hits for each in job.results] == [each.hits for each in whole.results]


def test_where_the_clips_have_changed_it_begins_anew(workspace, run, class_folders):
    job = RobustnessTest.create(workspace, small(run))
    work(job, lambda: len(job.results) == 2)
    before = job.chosen
    (held_out, *_) = sorted(class_folders.rglob("*.wav"))
    for number in range(8):
        soundfile.write(held_out.with_name(f"new{number}.wav"), np.zeros(2000) + 0.1 * number, 8000)
    work(job)
    assert job.chosen != before
    assert len(job.results) == 3
    assert {each.clips for each in job.results} == {job.chosen.clips}


def test_an_evaluation_that_was_stopped_goes_on_to_the_end(workspace, run, manager):
    job = Evaluation.create(workspace, EvaluationPlan(run=run.id, device="cpu"))
    assert work(job, lambda: bool(each_of(job.events(), Preparing))).state == "stopped"
    assert not job.predictions.exists()
    manager.resume(job)
    manager.look()
    assert job.status().state == "finished"
    assert job.predictions.is_file()


def test_beside_a_training_on_the_same_device(workspace, run):
    busy = Run.create(workspace, run.config.replace({"runtime.device": "cpu"}), queued=True)
    RobustnessTest.create(workspace, small(run), queued=True)
    Evaluation.create(workspace, EvaluationPlan(run=run.id), queued=True)
    with busy.hold():
        busy.append(busy.started())
        waiting, working = QueueState(workspace).look()
        assert [on for _, on in working] == ["cpu"]
        assert [job.needs for job in waiting] == [SHARED, SHARED]
        assert QueueState(workspace).ahead_of(waiting) == {job.path: [] for job in waiting}


def test_a_data_set_is_kept_while_a_noise_test_works_on_it(workspace, run, class_folders):
    register(workspace, str(class_folders), "mine")
    job = RobustnessTest.create(workspace, small(run))
    with job.hold():
        job.append(job.started())
        with pytest.raises(RunError, match=f"robustness test {job.id} works on it"):
            keeping.remove(workspace, "mine")
    work(job)
    keeping.remove(workspace, "mine")


def test_those_of_a_run(workspace, run):
    other = Run.create(workspace, run.config)
    mine, _ = RobustnessTest.create(workspace, small(run)), RobustnessTest.create(workspace, small(other))
    (workspace.room("noise") / "damaged").mkdir()
    (workspace.room("noise") / "damaged" / "noise.json").write_text("[")
    assert RobustnessTest.of_run(run) == [mine]
    assert {job.id: job.asked().error for job in RobustnessTest.every(workspace)}["damaged"]


def test_validation_clips_are_evaluated_without_the_temperature_that_is_fitted_on_them(workspace, run):
    run.save_config(run.config.replace({"data.validation_share": 0.3}))
    plain, warm = Classifier(run.config, ["high", "low tones"]), Temperature(value=5.0)
    plain.save(run.weights)
    shares = {}
    for part, temperature in (("validation", None), ("validation", warm), ("test", None), ("test", warm)):
        plain.temperature = temperature
        plain.save(run.weights)
        job = Evaluation.create(workspace, EvaluationPlan(run=run.id, device="cpu", part=part))
        work(job)
        shares[part, temperature] = ClipPredictions.read([job.predictions])
    held_out = set(shares["test", None].frame["clip"])
    raw, again = shares["validation", None], shares["validation", warm]
    assert not set(raw.frame["clip"]) & held_out
    assert raw.probabilities == pytest.approx(again.probabilities)
    cool = tempered(shares["test", None].probabilities, 5.0)
    assert shares["test", warm].probabilities == pytest.approx(cool, abs=1e-5)  # a window a clip
