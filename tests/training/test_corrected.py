"""Labels that are corrected while a run is stopped: the run goes on with those that it began with, the next one takes the new ones."""

from __future__ import annotations

import shutil

from labcore.crossval.job import CrossValidation
from labcore.datasets.annotations import annotate, decided
from labcore.datasets.record import ClipRecord
from labcore.events import Evaluated, last_of
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.workspace import Workspace


def correct(workspace, clip, new):
    label = clip.split("/")[0]
    size = (workspace.datasets / "tones" / clip).stat().st_size
    annotate(workspace, "tones", decided((clip, 0.0, label), "other", who="Ann", size=size, new=new))


def settings(tiny):
    return tiny.config.replace(
        {
            "data.dataset": "tones",
            "data.fold": None,
            "optim.batch_size": 4,
            "audio.clip_seconds": 0.25,
            "optim.epochs": 2,
        }
    )


def figures(run):
    assert work(run).state == "finished"
    return [(epoch.train_loss, epoch.val_loss, epoch.val_accuracy) for epoch in run.epochs()]


def test_a_correction_changes_the_next_run_and_no_resumed_one(tmp_path, class_folders, tiny):
    home = Workspace(tmp_path / "here")
    shutil.copytree(class_folders, home.datasets / "tones")
    run = Run.create(home, settings(tiny))
    assert work(run, lambda: len(run.epochs()) >= 1).state == "stopped"
    untouched = Workspace(tmp_path / "there")
    shutil.copytree(home.home, untouched.home)
    held_out = next(clip.path for clip in ClipRecord.load(run).clips if clip.part == "held out")
    other = {"high": "low tones", "low tones": "high"}[held_out.split("/")[0]]
    correct(home, held_out, other)

    assert figures(run) == figures(Run(untouched.runs / run.id))
    result = last_of(run.events(), Evaluated)
    assert result.corrected == 0
    after = Run.create(home, settings(tiny))
    figures(after)
    again = last_of(after.events(), Evaluated)
    assert again.corrected == 1
    assert again.per_class[other]["clips"] == result.per_class[other]["clips"] + 1


def test_runs_of_a_cross_validation_begin_with_the_same_labels(tmp_path, class_folders, tiny):
    home = Workspace(tmp_path / "here")
    shutil.copytree(class_folders, home.datasets / "tones")
    correct(home, "high/0.wav", "low tones")
    experiment = CrossValidation.create(home, settings(tiny), folds=["1", "2"], queued=False)
    correct(home, "high/1.wav", "low tones")
    first, second = experiment.runs()
    shutil.rmtree(second.path)
    experiment.make_missing(queued=False)
    assert [run.load("corrections")["revision"] for run in (first, second)] == [1, 1]
    labels = {clip.path: clip.label for clip in _begun(second).clips}
    assert (labels["high/0.wav"], labels["high/1.wav"]) == ("low tones", "high")


def _begun(run: Run) -> ClipRecord:
    work(run, lambda: len(run.epochs()) >= 1)
    return ClipRecord.load(run)
