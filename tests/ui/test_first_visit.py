"""The first visit: nothing ticks before something runs, and the machine is told once it is known."""

from __future__ import annotations

import threading

import pytest

from labcore.config import RunConfig
from labcore.config.budget import USUAL_SPEED, work_of
from labcore.device import DeviceChoice
from labcore.jobs.manager import JobManager
from labcore.runs import Run
from labcore.runs.times import TrainingSpeed
from labcore.training import machine_speed
from ui.app import live, services, tasks
from ui.charts.confusion import confusion_in_words

from .conftest import words

CPU = DeviceChoice("cpu", "A CPU", "there is no GPU")
TIME_STEPS = services.time_steps
PAGES = ["streamlit_app.py", "pages/train.py", "pages/crossval.py", "pages/tune.py"]


class Looking:
    """The search for the device: nobody knows it before ``free`` is set."""

    def __init__(self, monkeypatch) -> None:
        self.known: DeviceChoice | None = None
        self.asked = 0
        self.free = threading.Event()
        monkeypatch.setattr(services, "known_device", lambda: self.known)
        monkeypatch.setattr(services, "look_for_device", self.look)

    def look(self) -> tasks.Task:
        self.asked += 1
        self.task = tasks.Task(self._find).start()
        return self.task

    def _find(self, _) -> None:
        assert self.free.wait(30)
        self.known = CPU


@pytest.mark.parametrize("page", PAGES)
def test_nothing_ticks_before_something_runs(open_page, ticks, page):
    app = open_page(page)
    assert not app.exception
    assert ticks == []
    assert "Generate demo set" in [button.label for button in app.button]


@pytest.mark.parametrize("page", PAGES)
def test_the_line_looks_for_the_machine_and_the_page_waits_for_nothing(open_page, ticks, page, monkeypatch):
    looking = Looking(monkeypatch)
    app = open_page(page)  # its run is over, so that presses count, while nobody knows the machine yet
    assert looking.asked == len(ticks) == 1
    assert "looking for a GPU" in words(app)
    looking.free.set()
    looking.task._thread.join(30)
    ticks.clear()
    app.run()
    shown = words(app)
    assert ticks == []
    assert "A CPU – there is no GPU" in shown.replace(":gray[", "")
    assert "looking for a GPU" not in shown


@pytest.fixture
def steps(monkeypatch):
    """Steps are timed in the background, as without tests: half as fast as usual, once ``free`` is set."""
    free, asked = threading.Event(), []

    def measure(workspace, report) -> TrainingSpeed:
        asked.append(workspace)
        assert free.wait(30)
        work = work_of(RunConfig(), 5.0)
        return TrainingSpeed("compact", 1.0, "", CPU.name, work, 5.0, 2 / USUAL_SPEED, 0.0, trained=False)

    monkeypatch.setattr(services, "time_steps", TIME_STEPS)
    monkeypatch.setattr(machine_speed, "measure", measure)
    return free, asked


def test_the_processor_is_timed_once_and_the_form_tells_by_that(open_page, dataset, manager, ticks, steps):
    free, asked = steps
    app = open_page("pages/train.py")
    assert "A usual time for a processor like this" in words(app)
    assert len(ticks) == 1
    free.set()
    tasks.held()["steps"]._thread.join(30)
    ticks.clear()
    app.run()
    assert ticks == []
    assert "Time estimated from a few training steps on this machine" in words(app)
    assert "About 8 min on this machine for 320 clips" in words(open_page("pages/train.py", **{"data.dataset": "gone"}))
    assert len(asked) == 1


@pytest.mark.parametrize("where", ["a job", "a GPU", "unknown", "remembered"])
def test_the_processor_is_not_timed(workspace, monkeypatch, steps, where):
    monkeypatch.setattr(services, "manager", lambda: JobManager(workspace, background=False))
    known = {"a GPU": DeviceChoice("cuda:0", "A GPU", "it is there"), "unknown": None}
    monkeypatch.setattr(services, "known_device", lambda: known.get(where, CPU))
    if where == "a job":
        Run.create(workspace, RunConfig(), queued=True)
    speed = TrainingSpeed("compact", 1.0, "", CPU.name, 1.0, 5.0, 0.1, 0.0, trained=False)
    monkeypatch.setattr(machine_speed, "recall", lambda _: speed)
    task = services.time_steps()
    assert (task is None) == (where != "remembered")
    if task is not None:
        task._thread.join(30)
    assert services.speed_of_steps() == (speed if where == "remembered" else None)
    assert steps[1] == []


def test_the_demo_set_ticks_while_it_is_made(open_page, ticks, monkeypatch):
    free = threading.Event()
    task = tasks.Task(lambda _: free.wait(30), done=3, total=400)
    monkeypatch.setattr(live, "make_demo", lambda: tasks.held().setdefault("demo", task.start()))
    app = open_page()
    app.button(key="demo-first").click().run()
    assert len(ticks) == 1
    assert "Generating … 3 of 400 clips" in words(app)
    assert "Upload" in [link.proto.label for link in app.get("page_link")]
    free.set()
    task._thread.join(30)
    ticks.clear()
    app.run()
    assert ticks == []
    assert "Generate demo set" in [button.label for button in app.button]


# --- a result


def test_a_result_loads_neither_plotly_nor_the_highlighter(open_page, trained):
    app = open_page("pages/train.py", run=trained.id)
    assert not app.exception
    assert not app.get("plotly_chart")
    assert not app.code
    assert "Accuracy" in [metric.label for metric in app.metric]


def test_the_confusion_matrix_is_told_in_words_too(open_page, trained):
    app = open_page("pages/train.py", run=trained.id)
    charts_shown = app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
    told = [chart.proto.alt for chart in charts_shown if "onfusion" in chart.proto.alt]
    assert told == [
        "Confusion matrix of the held-out clips: 14 of 16 right. Most frequent confusions: bark predicted as hum (2)."
    ]


def test_a_matrix_without_confusions_says_so():
    assert confusion_in_words({"a": {"a": 3}, "b": {"b": 1}}) == "Confusion matrix of the held-out clips: 4 of 4 right."
