"""Listening as a job: it hears what ``labcore classify`` hears, names what it skips, and goes on where it was stopped."""

from __future__ import annotations

from itertools import count

import pytest

from labcore.alarms.background import lines_of
from labcore.alarms.choice import AlarmFigures
from labcore.alarms.job import AlarmsPlan, AlarmTest, finished_test
from labcore.batch.predicting import predict_files
from labcore.batch.segments import segments_of
from labcore.events import Log, each_of
from labcore.inference.classifier import Classifier
from labcore.jobs.process import work


@pytest.fixture
def background(tmp_path, noise, write_wav):
    """Three recordings, a text that calls itself one, one that is too short, and a link to nowhere."""
    root = tmp_path / "background"
    for number in range(3):
        write_wav(root / f"night{number}.wav", noise(4.0 + number, 8000, seed=number), 8000)
    write_wav(root / "short.wav", noise(0.2, 8000), 8000)
    (root / "broken.wav").write_text("no sound")
    (root / "gone.wav").symlink_to(root / "nowhere.wav")
    return root


def test_it_hears_what_classify_hears(workspace, make_run, background):
    run = make_run(labels=("cat", "dog", "noise"))
    job = AlarmTest.create(workspace, AlarmsPlan(run=run.id, sounds=(str(background),), device="cpu"))
    assert work(job).state == "finished"
    assert (finished_test(run), job.asked().dataset) == (job, None)
    figures = AlarmFigures.of(job)
    assert list(figures.onsets) == ["cat", "dog"]  # noise is no event
    files = [background / f"night{number}.wav" for number in range(3)]
    assert (figures.background.files, figures.background.seconds.sum()) == (
        [str(file) for file in files],
        pytest.approx(15),
    )
    told = list(predict_files(Classifier.load(run.path), files))
    for threshold in (0.0, 0.4, 0.6):
        events = [each for _, said in told for each in segments_of(said, threshold)]
        choice = figures.at({"cat": threshold, "dog": threshold})
        assert choice.rate.alarms == len(events)
    wanted = figures.wanted(3600 / 5).thresholds  # three alarms in 15 s
    assert sum(len(segments_of(said, wanted)) for _, said in told) == figures.at(wanted).rate.alarms <= 3
    skipped = {message.split(" ")[1].rpartition("/")[2] for message in _warnings(job)}
    assert skipped == {"short.wav", "broken.wav", "gone.wav"}
    assert "is too short: 0.2 s, a window has 0.5 s" in figures.background.skipped[str(background / "short.wav")]


def _warnings(job):
    return [each.message for each in each_of(job.events(), Log) if each.level == "warning"]


def test_what_was_stopped_goes_on_with_what_is_missing(workspace, make_run, background):
    run = make_run()
    job = AlarmTest.create(workspace, AlarmsPlan(run=run.id, sounds=(str(background),), device="cpu"))
    asked = count()
    assert work(job, lambda: next(asked) > 3).state == "stopped"
    before = lines_of(job.windows)
    assert 0 < len(before) < 6
    size = len(job.windows.read_bytes())
    assert work(job).state == "finished"
    assert len(AlarmFigures.of(job).background.files) == 3
    good = [file for file, facts in before.items() if "error" not in facts]
    assert all(job.windows.read_text().count(f'"{file}"') == 1 for file in good)
    assert len(job.windows.read_bytes()) > size


def test_what_other_weights_heard_does_not_count(workspace, make_run, make_classifier, background):
    run = make_run()
    plan = AlarmsPlan(run=run.id, sounds=(str(background / "night0.wav"),), device="cpu")
    job = AlarmTest.create(workspace, plan)
    work(job)
    first = lines_of(job.windows)
    make_classifier(seed=5).save(run.weights)
    work(job)
    assert lines_of(job.windows) != first
    assert len(job.windows.read_text().splitlines()) == 1


def test_recordings_that_tell_nothing(workspace, make_run, tmp_path, background):
    run = make_run()
    (tmp_path / "empty").mkdir()
    for sounds, why in (
        (tmp_path / "empty", "there are no sound files in"),
        (background / "short.wav", "none of 1 recording can be listened to"),
        (background / "broken.wav", "none of 1 recording can be listened to"),
        (tmp_path / "nowhere", "none of 1 recording can be listened to"),
    ):
        job = AlarmTest.create(workspace, AlarmsPlan(run=run.id, sounds=(str(sounds),), device="cpu"))
        end = work(job)
        assert (end.state, why in end.error) == ("failed", True)
    silent = make_run(labels=("noise", "Other"))
    job = AlarmTest.create(workspace, AlarmsPlan(run=silent.id, sounds=(str(background),), device="cpu"))
    assert "gives no alarms" in work(job).error
