"""Thresholds for a wanted rate, the rates and recall that go with them, and what is excluded."""

from __future__ import annotations

import numpy as np
import pytest

from labcore import calibration
from labcore.alarms.background import Background
from labcore.alarms.choice import AlarmFigures, Rate
from labcore.alarms.job import Exclusion, Listening
from labcore.alarms.onsets import Onsets, places_in_all
from labcore.alarms.recall import recall_of
from labcore.errors import RunError
from labcore.evaluation.calibration import tempered
from labcore.evaluation.intervals import wilson_interval
from labcore.inference.temperature import Temperature
from labcore.inference.unknown import Unknown
from tests.alarms.hours import LABELS, heard_by, hour, prediction
from tests.judged import drawn, finished_run, judged

SHARES = np.array([[0.9, 0.05, 0.05], [0.6, 0.2, 0.2], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
TRUTH = ["cat", "cat", "cat", "dog", "cat"]


@pytest.fixture
def run(workspace):
    """Four cats of which three are found, and a dog."""
    return finished_run(workspace, judged(TRUTH, SHARES))


@pytest.fixture
def job(run):
    """Two hours with three alarms for cats and one for dogs."""
    return heard_by(run, {
        "/a.wav": hour(("cat", 0.55), ("cat", 0.65), ("dog", 0.3)),
        "/b.wav": hour(("cat", 0.75)),
        "/bad.wav": {"error": "/bad.wav is no sound"},
    })  # fmt: skip


def test_planted_alarms_an_hour(job):
    figures = AlarmFigures.of(job)
    assert figures.hours == pytest.approx(2)
    assert figures.background.skipped == {"/bad.wav": "/bad.wav is no sound"}
    assert figures.least == pytest.approx(1.5, abs=0.01)
    assert figures.sentence.startswith(
        "Heard 2 h in 2 recordings. A class without any alarm in that time gives fewer than 1.5 an hour"
    )
    choice = figures.at({"cat": 0.6, "dog": 0.0})
    rates = {each.label: (each.rate.alarms, each.rate.value) for each in choice.classes}
    assert rates == {"cat": (2, pytest.approx(1)), "dog": (1, pytest.approx(0.5)), "owl": (0, 0)}
    assert (choice.rate.alarms, choice.rate.value) == (3, pytest.approx(1.5))
    assert choice.classes[2].threshold == 0.5  # the usual one


def test_thresholds_from_a_wanted_rate(job):
    figures = AlarmFigures.of(job)
    for rate, alarms in ((0, [0, 0]), (0.4, [0, 0]), (0.5, [1, 0]), (1, [1, 1]), (1.5, [2, 1]), (9, [3, 1])):
        choice = figures.wanted(rate)
        assert [each.rate.alarms for each in choice.classes] == [*alarms, 0]
        assert choice.rate.alarms / figures.hours <= rate
    each = figures.wanted(1, each=True)
    assert [one.rate.alarms for one in each.classes] == [2, 1, 0]
    assert each.thresholds["cat"] == pytest.approx(0.55, abs=1e-4)
    kept = figures.kept(1, each=True)
    assert (kept.values, kept.rate, kept.each, kept.hours) == (each.thresholds, 1, True, pytest.approx(2))
    assert kept.wanted == "1 false alarm an hour a class"


def test_what_is_to_be_expected_is_more_than_was_heard_where_thresholds_were_chosen(job):
    """Two thresholds lie just above an alarm that they refuse; of the owl nothing was heard that could be refused."""
    figures = AlarmFigures.of(job)
    for choice in (figures.wanted(0), figures.at(figures.kept(0).values)):  # the same when they come out of the weights
        assert [each.rate.value for each in choice.classes] == [0.5, 0.5, 0]
        assert [each.rate.high for each in choice.classes] == pytest.approx([1.5] * 3, abs=0.01)
        assert (choice.rate.alarms, choice.rate.value) == (0, 1)
        assert choice.sentence(figures.hours).startswith("In new recordings 1 alarms an hour are to be expected")
    assert figures.at({"cat": 0.6, "dog": 0.2}).sentence(figures.hours) == ""


@pytest.mark.parametrize(("classes", "hours", "wanted"), [(3, 2, 1), (10, 2, 1), (10, 2, 0), (10, 10, 1)])
def test_the_rate_of_chosen_thresholds_holds_in_new_recordings(classes, hours, wanted):
    """Simulated: scores of each class come as a Poisson process, so that the true rate above any threshold is known."""
    random, often, trials = np.random.default_rng(5), 30, 300
    true, told, counted, covered = 0.0, 0.0, 0, 0
    for _ in range(trials):
        scores = [random.random(random.poisson(often * hours)) for _ in range(classes)]
        heard = [Onsets.of(np.full(len(each), -1.0), each) for each in scores]
        places = places_in_all(heard, wanted * hours)
        thresholds = [each.threshold(place) for each, place in zip(heard, places, strict=True)]
        alarms = sum(each.count(value) for each, value in zip(heard, thresholds, strict=True))
        refused = sum(each.refuses(value) for each, value in zip(heard, thresholds, strict=True))
        rate, there = Rate.of(alarms, hours, refused), often * sum(1 - value for value in thresholds)
        true, told, counted = true + there, told + rate.value, counted + alarms
        covered += rate.low <= there <= rate.high
    assert told == pytest.approx(true, rel=0.04)
    assert 0.92 <= covered / trials <= 0.98
    assert counted / hours < 0.7 * true  # what was counted is too low


def test_a_rate_is_told_with_digits_that_people_read():
    assert Rate(3, 0.0456, 0.0123, 104.2).interval == "0.012 to 104"
    assert Rate(3, 0.0456, 9.96, 99.6).interval == "10 to 100"
    assert [Rate(3, value, 0, 0).expected for value in (0.0456, 18.04, 999.6, 12345.0)] == [
        "0.0456",
        "18",
        "1,000",
        "12,345",
    ]


def test_recall_at_thresholds_is_that_of_the_held_out_clips(job):
    figures = AlarmFigures.of(job)
    assert figures.recall.source == "5 held-out clips of the run"
    for threshold, found in ((0.0, 3), (0.6, 2), (0.61, 1), (0.95, 0)):
        cat, dog, owl = figures.at({"cat": threshold}).classes
        assert (cat.found, cat.clips, cat.recall[0]) == (found, 4, found / 4)
        assert cat.recall[1] < found / 4 + 1e-9 < cat.recall[2] + 2e-9
        assert (dog.recall[0], owl.recall) == (1.0, None)
    assert figures.at({"cat": 0.6}).recall == pytest.approx((0.5 + 1.0) / 2)  # of classes that have clips


def test_clips_of_one_recording_leave_the_recall_less_certain(workspace):
    """Forty clips of four recordings, of which one is found in no clip."""
    shares = np.repeat([[0.9, 0.05, 0.05]] * 3 + [[0.1, 0.8, 0.1]], 10, axis=0)
    listening = Listening(
        labels=LABELS, clip_seconds=1, hop_seconds=1, temperature=1, refusal=0, weights="", recordings=1
    )
    intervals = {}
    for clips in (1, 10):
        said = judged(["cat"] * 40, shares, groups=[str(number // clips) for number in range(40)])
        share, *intervals[clips] = recall_of(finished_run(workspace, said), listening).share("cat", 0.5)
        assert share == 0.75
    assert intervals[1] == pytest.approx(wilson_interval(30, 40))
    assert intervals[10] == pytest.approx(wilson_interval(2.25, 3))


def test_the_curve_rises(job):
    figures = AlarmFigures.of(job)
    points = figures.curve
    assert [each.rate for each in points] == [1, 1.5, 1.5, 2, 2]  # with one more a class whose threshold refuses one
    # above 0.75 a cat of four is left; above 0.65 none more; above 0.55 and above 0.0 one more each
    assert [each.recall for each in points] == pytest.approx([0.625, 0.625, 0.625, 0.75, 0.875])
    cat = figures.curve_of("cat")
    assert [each.rate for each in cat] == [0.5, 1, 1.5, 1.5]
    assert [each.recall for each in cat] == [0.25, 0.25, 0.5, 0.75]
    assert figures.curve_of("owl") == []


def test_what_holds_a_target_is_excluded(job):
    (loudest, *others) = AlarmFigures.of(job).background.alarms({"cat": 0.5, "dog": 0.5, "owl": 0.5})
    assert (loudest.file, loudest.label, loudest.highest, len(others)) == ("/b.wav", "cat", 0.75, 2)
    assert loudest.start_s <= loudest.peak_s <= loudest.end_s
    job.exclude(Exclusion(file="/b.wav", start_s=loudest.start_s, end_s=loudest.end_s))
    job.exclude(Exclusion(file="/b.wav", start_s=0.0, end_s=loudest.end_s + 100, by="Ann"))
    job.exclude(Exclusion(file="/gone.wav", start_s=0.0, end_s=9.0))
    figures = AlarmFigures.of(job)
    assert max(each.highest for each in figures.background.alarms({"cat": 0, "dog": 0, "owl": 0})) == 0.65
    left_out = loudest.end_s + 100  # overlapping stretches count once
    assert figures.hours == pytest.approx(2 - left_out / 3600)
    for _ in range(3):
        job.include(0)
    assert AlarmFigures.of(job).hours == pytest.approx(2)
    for file in ("/a.wav", "/b.wav"):
        job.exclude(Exclusion(file=file, start_s=0.0, end_s=1e6))
    with pytest.raises(RunError, match="heard is excluded"):
        AlarmFigures.of(job)


def test_an_exclusion_ends_an_alarm_that_goes_on(run):
    job = heard_by(run, {"/a.wav": prediction(*[("cat", 0.8)] * 10)})
    assert Background.of(job).onsets()["cat"].count(0.5) == 1
    job.exclude(Exclusion(file="/a.wav", start_s=4.0, end_s=5.0))
    assert Background.of(job).onsets()["cat"].count(0.5) == 2


def test_what_was_cut_short_or_damaged_is_left_out(job):
    with job.windows.open("a") as file:
        file.write('{"file": "/c.wav", "seconds": 36')
    assert AlarmFigures.of(job).background.files == ["/a.wav", "/b.wav"]
    job.windows.write_text('{"file": "/c.wav", "seconds": 36, "start_s": 3}\n')
    with pytest.raises(RunError, match="is damaged"):
        AlarmFigures.of(job)
    job.windows.unlink()
    with pytest.raises(RunError, match="has heard nothing yet"):
        AlarmFigures.of(job)
    job.save("excluded", [{"file": 3}])
    assert job.exclusions == []


def test_clips_are_those_of_all_folds_and_are_tempered(workspace, monkeypatch):
    runs = [finished_run(workspace, drawn(40, seed)) for seed in range(3)]
    runs[0].save("experiment", {"experiment": "x"})
    monkeypatch.setattr(calibration, "other_folds", lambda run: runs[1:])
    for number in (1, 2):
        said = drawn(40, number)
        said.frame["clip"] = [f"{number}-{name}" for name in said.frame["clip"]]
        from tests.judged import write

        write(runs[number], said)
    job = heard_by(runs[0], {"/a.wav": hour()}, temperature=2.0)
    listening = job.listening
    found = recall_of(runs[0], listening)
    assert found.source == "120 out-of-fold clips of 3 folds of its cross-validation"
    assert sum(found.clips.values()) == 120
    said = drawn(40, 1)
    warm = tempered(said.probabilities, 2.0)
    right = (warm.argmax(1) == said.targets) & (said.targets == 0)
    assert set(np.round(warm.max(1)[right], 4)) <= set(np.round(found.scores["cat"], 4))
    assert recall_of(runs[1], listening).source == "40 held-out clips of the run"
    runs[1].predictions.unlink()
    assert "kept no predictions" in recall_of(runs[1], listening).trouble


def test_what_was_refused_counts_as_not_found(make_run):
    """Embeddings of clips are ones: near to a training clip, or as far away as can be."""
    from labcore import keeping
    from tests.judged import write

    run = make_run(labels=("cat", "dog", "owl"))
    write(run, judged(TRUTH, SHARES))
    for training, found in ((np.ones((4, 2)), 3), (np.full((4, 2), 90.0), 0)):
        refused = Unknown.of(training, np.zeros((1, 2))).fitted(np.arange(1.0, 30.0), 0.1, "clips")
        keeping.keep(run, refused)
        job = heard_by(run, {"/a.wav": hour()}, refusal=refused.threshold.value)
        assert AlarmFigures.of(job).trouble == ""
        assert recall_of(run, job.listening).found("cat", 0.0) == (found, 4)


def test_weights_that_changed_since_are_told(make_run):
    from labcore import keeping

    run = make_run(labels=("cat", "dog", "owl"))
    job = heard_by(run, {"/a.wav": hour(("cat", 0.7))})
    assert AlarmFigures.of(job).trouble == ""
    keeping.keep(run, Temperature(value=2.0))
    assert "another temperature" in AlarmFigures.of(job).trouble
    keeping.switch(run, Temperature, False)
    assert AlarmFigures.of(job).trouble == ""
