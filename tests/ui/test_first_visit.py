"""The first visit: nothing ticks before something runs, and the machine is told once it is known."""

from __future__ import annotations

import threading

import pytest

from labcore.device import DeviceChoice
from ui import live, services

from .conftest import words

CPU = DeviceChoice("cpu", "A CPU", "there is no GPU")
PAGES = ["streamlit_app.py", "pages/train.py", "pages/crossval.py", "pages/search.py"]


@pytest.fixture
def ticks(monkeypatch) -> list[str]:
    """The fragments that were asked to run by themselves, as the browser is told of them."""
    from streamlit.runtime.scriptrunner_utils import script_run_context

    seen: list[str] = []
    real = script_run_context.ScriptRunContext.enqueue

    def enqueue(context, message):
        if message.WhichOneof("type") == "auto_rerun":
            seen.append(message.auto_rerun.fragment_id)
        return real(context, message)

    monkeypatch.setattr(script_run_context.ScriptRunContext, "enqueue", enqueue)
    return seen


class Looking:
    """The search for the device: nobody knows it before ``free`` is set."""

    def __init__(self, monkeypatch) -> None:
        self.known: DeviceChoice | None = None
        self.asked = 0
        self.free = threading.Event()
        monkeypatch.setattr(services, "known_device", lambda: self.known)
        monkeypatch.setattr(services, "look_for_device", self.look)

    def look(self) -> services.Task:
        self.asked += 1
        return services.Task(self._find).start()

    def _find(self, _) -> None:
        assert self.free.wait(30)
        self.known = CPU


@pytest.mark.parametrize("page", PAGES)
def test_nothing_ticks_before_something_runs(open_page, ticks, page):
    app = open_page(page)
    assert not app.exception
    assert ticks == []
    assert "Make the demo set" in [button.label for button in app.button]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_ticks_while_the_machine_is_looked_at(open_page, ticks, page, monkeypatch):
    looking = Looking(monkeypatch)
    monkeypatch.setattr(live, "DEVICE_SECONDS", 0.0)
    app = open_page(page)
    assert looking.asked == 1
    assert ticks == []
    assert "looking at what it can do" in words(app)
    looking.free.set()


@pytest.mark.parametrize("page", PAGES)
def test_the_line_says_what_was_found(open_page, page, monkeypatch):
    looking = Looking(monkeypatch)
    looking.free.set()
    shown = words(open_page(page))
    assert "A CPU – there is no GPU" in shown.replace(":gray[", "")
    assert "looking at what it can do" not in shown


def test_the_demo_set_ticks_while_it_is_made(open_page, ticks, monkeypatch):
    free = threading.Event()
    task = services.Task(lambda _: free.wait(30), done=3, total=400)
    held: dict[str, services.Task] = {}
    monkeypatch.setattr(services, "demo_task", lambda: held.get("demo"))
    monkeypatch.setattr(services, "start_demo", lambda: held.setdefault("demo", task.start()))
    app = open_page()
    app.button(key="demo-first").click().run()
    assert len(ticks) == 1
    assert "Making sounds … 3 of 400" in words(app)
    assert "Use clips of my own" in [link.proto.label for link in app.get("page_link")]
    free.set()
    task._thread.join(30)
    ticks.clear()
    app.run()
    assert ticks == []
    assert "Make the demo set" in [button.label for button in app.button]
