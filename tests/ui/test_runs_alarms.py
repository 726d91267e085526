"""The tab "False alarms" of a run, and the thresholds that the page Classify follows."""

from __future__ import annotations

import pytest

from labcore import keeping
from labcore.alarms.job import AlarmTest
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import Thresholds
from tests.alarms.hours import heard_by, hour
from tests.judged import drawn, finished_run

PAGE = "pages/runs.py"


def texts(app) -> str:
    told = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(each.value for group in told for each in group)


@pytest.fixture
def run(workspace, make_classifier):
    run = finished_run(workspace, drawn(60))
    make_classifier(labels=("cat", "dog", "owl")).save(run.weights)
    return run


@pytest.fixture
def night(tmp_path, noise, write_wav):
    return write_wav(tmp_path / "night.wav", noise(60.0, 8000), 8000)


def test_a_run_that_heard_nothing_yet_and_one_without_weights(open_page, run):
    app = open_page(PAGE, run=run.id, tab="False alarms")
    assert not app.exception
    assert not app.select_slider
    app.get_by_key("alarms-start").click().run()
    assert "No recordings are named" in texts(app)
    run.weights.unlink()
    assert "no weights yet" in texts(open_page(PAGE, run=run.id, tab="False alarms"))


def test_the_slider_gives_thresholds_which_are_kept(open_page, run, night):
    heard_by(
        run, {str(night): hour(("cat", 0.95), ("cat", 0.9), ("dog", 0.7)), "/bad.wav": {"error": "/bad.wav is a text."}}
    )
    app = open_page(PAGE, run=run.id, tab="False alarms")
    assert not app.exception
    assert "Heard 1 h in 1 recording" in texts(app)
    assert "/bad.wav is a text." in texts(app).replace("\\", "")
    app.get_by_key(f"alarms-rate-{run.id}").set_value(2.0).run()
    assert app.metric[0].value == "3"  # two, and one more since the threshold of the cat refuses one
    (table,) = (frame.value for frame in app.dataframe if "Threshold" in frame.value)
    assert table["Alarms"].tolist() == [1, 1, 0]
    app.get_by_key("alarms-keep").click().run()
    kept = Thresholds.of_file(run.weights)
    assert (kept.rate, kept.each, list(kept.values)) == (2.0, False, ["cat", "dog", "owl"])
    assert kept.values["cat"] == pytest.approx(0.9, abs=1e-4)
    assert "thresholds for **2 false alarms an hour in all**" in texts(app)
    assert app.get_by_key("alarms-keep").disabled
    app.get_by_key(f"alarms-of-{run.id}").set_value("each class").run()
    assert not app.get_by_key("alarms-keep").disabled
    app.get_by_key("alarms-switch").click().run()
    assert not Thresholds.of_file(run.weights).on
    keeping.keep(run, Temperature(value=2.0))
    asked = {f"alarms-rate-{run.id}": "5", f"alarms-of-{run.id}": "each class"}  # as after a reload
    app = open_page(PAGE, run=run.id, tab="False alarms", **asked)
    assert [app.get_by_key(name).value for name in asked] == [5.0, "each class"]
    assert "another temperature" in texts(app)
    assert app.get_by_key("alarms-keep").disabled


def test_an_alarm_that_is_a_target_is_excluded_and_taken_back(open_page, run, night):
    job = heard_by(run, {str(night): hour(("cat", 0.95), ("dog", 0.7))}, clip_seconds=0.5)
    app = open_page(PAGE, run=run.id, tab="False alarms")
    (loudest, _) = [button for button in app.button if button.label == "Exclude"]
    loudest.click().run()
    assert not app.exception
    (excluded,) = job.exclusions
    assert (excluded.file, excluded.start_s) == (str(night), 0.0)
    (table,) = (frame.value for frame in app.dataframe if "Threshold" in frame.value)
    assert table["Alarms"].sum() == 0  # of the dog there is one left, which is above one an hour no more
    assert len([button for button in app.button if button.label == "Exclude"]) == 1
    app.get_by_key(f"alarms-include-{job.id}-0").click().run()
    assert job.exclusions == []


def test_recordings_are_heard_as_a_job_of_the_visitor(open_page, run, night):
    app = open_page(PAGE, run=run.id, tab="False alarms")
    app.get_by_key(f"alarms-sounds-{run.id}").set_value(f'"{night}"\n\n').run()
    app.get_by_key("alarms-start").click().run()
    assert not app.exception
    (job,) = AlarmTest.of_run(run)
    assert job.plan.sounds == (str(night),)
    job.request_stop()


def test_events_of_the_page_classify_follow_the_weights(open_page, trained):
    from labcore.inference.classifier import Classifier
    from tests.ui.test_classify import rows, wav

    labels = Classifier.load(trained.path).labels
    before = trained.weights.read_bytes()
    try:
        keeping.keep(trained, Thresholds(values=dict.fromkeys(labels, 0.0), rate=1.0))
        app = open_page("pages/classify.py")
        app.file_uploader[0].upload("night.wav", wav(6.0)).run()
        assert not app.exception
        assert rows(app)
        assert "The weights carry a threshold for each class, for 1 false alarm an hour in all" in texts(app)
        app.get_by_key("event-threshold-of").set_value("for all classes").run()
        app.get_by_key("event-threshold").set_value(1.0).run()
        assert not rows(app)
        keeping.keep(trained, Thresholds(values=dict.fromkeys(labels, 2.0), rate=1.0))
        app = open_page("pages/classify.py")
        app.file_uploader[0].upload("night.wav", wav(6.0)).run()
        assert not rows(app)
        assert "Nothing above the thresholds" in texts(app)
    finally:
        trained.weights.write_bytes(before)
