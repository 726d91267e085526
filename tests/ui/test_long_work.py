"""Long recordings on the Classify page: answered beside it, stopped, and given up when nobody waits for them."""

from __future__ import annotations

import threading

import pytest

from labcore.audio import blocks
from labcore.inference.classifier import Classifier
from ui.app import long_work, uploaded_files

from .conftest import words
from .test_classify import wav


@pytest.fixture
def held_up(monkeypatch):
    """The network waits for ``go``; ``begun`` is set when it is asked."""
    probabilities = Classifier.rows_of
    go, begun = threading.Event(), threading.Event()

    def slow(self, *arguments):
        begun.set()
        assert go.wait(30)
        return probabilities(self, *arguments)

    monkeypatch.setattr(Classifier, "rows_of", slow)
    monkeypatch.setattr("ui.app.tasks.SOON", 0.01)
    yield go, begun
    go.set()


def upload(app, *files):
    app.file_uploader[0].upload(*files[0])
    return app.run()


def the_work(app) -> long_work.LongWork:
    (work,) = app.session_state["long-work"].values()
    return work


def ended(work: long_work.LongWork) -> None:
    work.task._thread.join(30)
    assert not work.running


@pytest.mark.usefixtures("long_from_a_second")
def test_a_long_recording_is_answered_as_a_whole_one_is(open_page, trained, monkeypatch):
    content = wav(45.0)
    monkeypatch.setattr("ui.app.tasks.SOON", 30)
    app = upload(open_page("pages/classify.py"), ("night.wav", content))
    monkeypatch.setattr(blocks, "ONE_GO", 1 << 23)
    whole = Classifier.load(trained.path).classify(content)
    sure = f"{100 * whole.probability:.1f} %"
    assert f"mean over {len(whole.windows)} windows: {whole.label}, {sure}" in words(app)


@pytest.mark.usefixtures("long_from_a_second")
def test_it_can_be_stopped_and_begun_again(open_page, trained, held_up):
    go, begun = held_up
    app = upload(open_page("pages/classify.py"), ("night.wav", wav(45.0)))
    assert begun.wait(30)
    work = the_work(app)
    assert work.running
    assert "Classifying night" in work.line()
    next(button for button in app.button if button.key.startswith("stop-")).click().run()
    go.set()
    ended(work)
    app.run()
    assert "stopped at" in words(app)
    next(button for button in app.button if button.key.startswith("again-")).click().run()
    ended(the_work(app))
    app.run()
    assert "mean over" in words(app)
    assert not app.exception


@pytest.mark.usefixtures("long_from_a_second")
def test_another_clip_or_another_page_lets_go_of_it(open_page, trained, held_up):
    go, begun = held_up
    app = upload(open_page("pages/classify.py"), ("night.wav", wav(45.0)))
    assert begun.wait(30)
    first = the_work(app)
    app = upload(app, ("day.wav", wav(30.0, seed=1)))
    assert first.stopped
    second = the_work(app)
    assert second is not first
    app.switch_page("pages/explore.py").run()
    assert second.stopped
    assert second.key not in app.session_state["long-work"]
    go.set()
    ended(first)
    ended(second)
    assert first.task.result is None


@pytest.mark.usefixtures("long_from_a_second")
def test_what_cannot_be_read_is_told_and_others_are_answered(open_page, trained, monkeypatch):
    monkeypatch.setattr("ui.app.tasks.SOON", 30)
    app = open_page("pages/classify.py")
    for name, content in [("bad.wav", wav(45.0)[:-400_000]), ("good.wav", wav(45.0))]:
        app.file_uploader[0].upload(name, content)
    app.run()
    assert "bad" in app.error[0].value
    assert "mean over" in words(app)


def test_who_is_gone_is_not_worked_for(workspace, monkeypatch):
    there = True
    monkeypatch.setattr(long_work, "is_there", lambda session: there)
    monkeypatch.setattr(long_work, "GONE_SECONDS", 0.0)
    monkeypatch.setattr(long_work, "held", dict)
    monkeypatch.setattr("ui.app.tasks.SOON", 0.01)
    steps, seen = threading.Semaphore(0), []

    def work(progress):
        for step in range(3):
            assert steps.acquire(timeout=30)
            progress(step / 3)
            seen.append(step)

    made = long_work.start("key", "night.wav", "clips", "Classifying", work)
    steps.release()
    while not seen:
        pass
    there = False
    steps.release(2)
    ended(made)
    assert made.stopped
    assert seen == [0]


def test_a_large_upload_is_read_from_a_file_that_goes_with_it(open_page, trained, workspace, monkeypatch):
    monkeypatch.setattr(uploaded_files, "LARGE_BYTES", 10_000)
    app = upload(open_page("pages/classify.py"), ("../../etc/night.wav", wav(3.0)))
    (file,) = (workspace.cache / "uploads").iterdir()
    assert "night" not in file.name
    assert "mean over" in words(app)
    upload(app, ("day.wav", wav(0.5)))
    assert not app.exception
    assert not file.exists()
