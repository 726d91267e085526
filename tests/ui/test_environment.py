"""The Environment page with reports and GPUs made up at its edges: what it shows at once, while it fills in, and at the end."""

from __future__ import annotations

import contextlib
import threading
import zlib
from urllib.parse import unquote

import pytest

from labcore.doctor import examination
from labcore.doctor.monitor import MachineSample, RunUse
from labcore.doctor.report import Check, DoctorReport, Proof
from labcore.errors import WorkspaceError
from labcore.nvml import GpuProcess, GpuSample
from ui.app.text import sentence
from ui.environment import monitor, view

from .conftest import ROOT, words

PAGE = "pages/environment.py"


def check(name: str = "driver", status: str = "ok", remedy: str = "", group: str = "PyTorch") -> Check:
    return Check(name, group, name.capitalize(), status, f"the {name} was looked at", {"seen": f"{name}-1.2"}, remedy)


def report(verdict: str = "green", *checks: Check, **changes) -> DoctorReport:
    proofs = (Proof("cpu", "A CPU", "matrix product", "ok", 1.25, 3e-7, 1e-4),)
    told = {
        "verdict": verdict,
        "sentence": f"this machine is {verdict}",
        "device": "cpu",
        "checks": checks,
        "proofs": proofs,
    }
    return DoctorReport(**{**told, **changes})


class Doctor:
    """Gives the reports of the test; the last one only when it is let go."""

    def __init__(self) -> None:
        self.reports: list[DoctorReport] = [report("green", check())]
        self.error: Exception | None = None
        self.free, self.begun = threading.Event(), threading.Event()
        self.asked = 0
        self.free.set()

    def examine(self, workspace):
        self.asked += 1
        yield from self.reports[:-1]
        self.begun.set()
        assert self.free.wait(30)
        if self.error:
            raise self.error
        yield self.reports[-1]


@pytest.fixture
def examined(monkeypatch):
    """A doctor of the test's own; waits for what it has begun."""
    stand_in = Doctor()
    monkeypatch.setattr(examination, "examine", stand_in.examine)
    yield stand_in
    stand_in.free.set()


@pytest.fixture
def gpus(monkeypatch) -> list[GpuSample]:
    """The GPUs that the monitor sees."""
    seen: list[GpuSample] = []

    def made(workspace):
        return real(workspace, samples=lambda: list(seen))

    real = monitor.Monitor
    monkeypatch.setattr(monitor, "Monitor", made)
    return seen


@pytest.fixture
def open_environment(open_page, examined, gpus):
    """Opens the page and, unless told otherwise, again when the examination is over."""

    def opened(*, wait: bool = True):
        app = open_page(PAGE)
        if wait:
            view.examination()._thread.join(30)
            app.run()
        assert not app.exception
        return app

    return opened


def gpu(index: int = 0, **changes) -> GpuSample:
    told = {
        "index": index, "name": f"Card {index}", "pci_bus_id": "", "utilisation": 0.37, "memory_used": 3 << 30,
        "memory_total": 24 << 30, "temperature_c": 61.0, "power_w": 120.4, "power_limit_w": 350.0, "sm_clock_mhz": 1395,
        "max_sm_clock_mhz": 2100, "throttle_reasons": (), "processes": (), "energy_j": None,
    }  # fmt: skip
    return GpuSample(**{**told, **changes})


def readings(app) -> str:
    """The tiles of the live panel."""
    return "".join(one.proto.body for one in app.get("html"))


@pytest.mark.parametrize(("verdict", "kind"), [("green", "success"), ("amber", "warning"), ("red", "error")])
def test_the_verdict_stands_on_top_in_its_colour(open_environment, examined, verdict, kind):
    examined.reports = [report(verdict, check())]
    app = open_environment()
    assert [box.value for box in app.get(kind)] == [f"**This machine is {verdict}.**"]


def test_what_is_known_waits_until_all_is_known(open_environment, examined):
    examined.free.clear()
    examined.reports = [
        report("red", check("driver"), complete=False),
        report("red", check("driver", "error", "Do it")),
    ]
    app = open_environment(wait=False)
    assert examined.begun.wait(30)
    shown = words(app.run())
    assert "Checking this machine" in shown
    assert "Checks" not in shown
    assert not app.expander
    examined.free.set()
    view.examination()._thread.join(30)
    shown = words(app.run())
    assert "What to do" in shown
    assert "Checks" in shown


def test_an_examination_that_takes_long_shows_what_it_knows(open_environment, examined, monkeypatch):
    monkeypatch.setattr(view, "PATIENCE", 0.0)
    examined.free.clear()
    unfinished = {"complete": False, "pending": ("log-mel on cpu", "STFT on cpu"), "proofs": ()}
    examined.reports = [report("red", check("driver"), **unfinished), report("green", check("driver"), check("cudnn"))]
    app = open_environment(wait=False)
    assert examined.begun.wait(30)
    shown = words(app.run())
    assert "Checking this machine … Next: log-mel on cpu." in shown
    assert "This machine is" not in shown  # no verdict before all is known
    assert "Processor" in readings(app)
    assert [expander.label for expander in app.expander]
    assert not app.dataframe
    assert app.button(key="examine-again").disabled
    assert not app.get("download_button")
    examined.free.set()
    view.examination()._thread.join(30)
    app.run()
    assert "This machine is green." in app.success[0].value
    assert len(app.expander) == 2
    assert examined.asked == 1


def test_one_examination_serves_all_visitors_until_somebody_asks_anew(open_environment, examined, open_page):
    app = open_environment()
    open_page(PAGE)
    assert examined.asked == 1
    examined.reports = [report("amber", check())]
    app.button(key="examine-again").click().run()
    view.examination()._thread.join(30)
    assert examined.asked == 2
    assert "amber" in app.run().warning[0].value


def test_two_who_ask_anew_at_once_share_one_examination(workspace, examined):
    examined.free.clear()
    assert view.examine_again() is view.examine_again()
    examined.free.set()
    view.examination()._thread.join(30)
    assert examined.asked == 1


def test_remedies_stand_below_the_verdict_with_commands_to_copy(open_environment, examined):
    trouble = "Install a newer driver.\n$ sudo apt install it\n$ sudo reboot\nThen look again."
    examined.reports = [
        report("red", check("shm", "warning", "More of it"), check("driver", "error", trouble), check("os"))
    ]
    app = open_environment()
    shown = words(app)
    assert shown.index("**Driver**") < shown.index("**Shm**")
    assert "sudo apt install it\nsudo reboot" in [code.value for code in app.code]
    assert "Then look again." in shown


def test_without_a_fault_an_amber_machine_is_told_how_to_get_a_gpu(examined):
    ways = [
        check("container", "info", "$ docker run --gpus all"),
        check("gpu", "info", "$ docker run --gpus all"),
        check(),
    ]
    assert [one.id for one in report("amber", *ways).to_do()] == ["container"]
    assert report("green", *ways).to_do() == []


def test_evidence_is_there_on_demand(open_environment, examined):
    examined.reports = [report("green", check("driver"), Check("bare", "Machine", "Bare", "info", "nothing to add"))]
    app = open_environment()
    (expander,) = app.expander
    assert "The driver was looked at." in expander.label.replace("\\", "")
    assert "driver-1.2" in str(expander.table[0].value).replace("\\", "")
    assert "Nothing to add." in words(app)


def test_a_device_that_computes_wrongly_is_told_once(open_environment, examined):
    dead = [
        Proof("cuda:0", "Card", work, "error", tolerance=1e-4, error="no kernel image") for work in ("STFT", "log-mel")
    ]
    examined.reports = [report("red", check(), proofs=tuple(dead))]
    app = open_environment()
    assert list(app.dataframe[0].value["Result"]) == ["✗ fails", "✗ fails"]
    assert list(app.dataframe[0].value["Time"]) == ["–", "–"]
    assert len([text for text in app.markdown if "no kernel image" in text.value]) == 1
    assert "cuda:0, STFT, log-mel" in words(app)


def test_the_report_can_be_downloaded_and_copied(open_environment, examined):
    app = open_environment()
    assert [button.proto.label for button in app.get("download_button")] == ["Markdown", "JSON"]
    assert examined.reports[-1].to_markdown().strip() in [code.value.strip() for code in app.code]


def test_an_examination_that_fails_is_told_without_a_traceback(open_environment, examined):
    examined.error = ZeroDivisionError("a secret of the inside")
    app = open_environment()
    assert "server log" in words(app)
    assert "secret" not in words(app)
    assert not app.button(key="examine-again").disabled


def test_an_error_for_people_is_told_in_place(open_environment, examined):
    examined.error = WorkspaceError("the workspace is gone", "Make it again")
    assert "The workspace is gone. Make it again." in " ".join(words(open_environment()).split())


def test_the_panel_shows_each_gpu(open_environment, gpus):
    gpus[:] = [
        gpu(0, throttle_reasons=("power limit reached",)),
        gpu(1, processes=(GpuProcess(9, 1 << 30), GpuProcess(8, None))),
    ]
    app = open_environment()
    shown = words(app) + readings(app)
    for text in (
        "Card 0",
        "<b>37 %</b>",
        "<b>3.0 GiB</b>",
        "of 24.0 GiB",
        "<b>61 °C</b>",
        "<b>120 W</b>",
        "of 350",
        "MHz",
    ):
        assert text in shown
    assert "Slowed down: power limit reached" in shown
    assert "2 processes of no known run, 1.0 GiB" in shown


def test_what_a_card_does_not_tell_is_left_out(open_environment, gpus):
    untold = dict.fromkeys(
        ("utilisation", "temperature_c", "power_w", "power_limit_w", "sm_clock_mhz", "max_sm_clock_mhz")
    )
    gpus[:] = [gpu(0, memory_used=0, memory_total=0, **untold)]
    app = open_environment()
    assert "Card 0" in words(app)
    shown = readings(app)
    assert "Utilisation" in shown
    assert "Temperature" not in shown
    assert "Power" not in shown


def test_of_many_gpus_those_chosen_are_drawn(open_environment, gpus):
    gpus[:] = [gpu(index) for index in range(4)]
    app = open_environment()
    assert "Card 1" in words(app)
    assert "Card 3" not in words(app)
    app.pills(key="gpus-shown").set_value([3]).run()
    assert "Card 3" in words(app)
    assert "Card 1" not in words(app)


def test_a_run_at_work_stands_with_what_it_uses(open_environment, make_run):
    run = make_run("running")
    with run.hold():
        app = open_environment()
        links = [link.proto.label.replace("\\", "") for link in app.get("page_link")]
    assert any("its process is not visible from here" in label for label in links)  # it names another host


@pytest.mark.parametrize(
    ("use", "line"),
    [
        (RunUse("r", "cuda:0", 5, 1.04, 3 << 30, ((0, 2 << 30),)), "cuda:0 · GPU 0: 2.0 GiB · 1.0 cores · 3.0 GiB of memory"),
        (RunUse("r", "", 5, None, 200 << 20, ()), "200 MiB of memory"),
        (RunUse("r", "cpu", None, None, None, ()), "cpu · its process is not visible from here"),
        (RunUse("r", "cuda:1", 5, 0.0, 1 << 30, ((1, None),)), "cuda:1 · GPU 1 · 0.0 cores · 1.0 GiB of memory"),
    ],
)  # fmt: skip
def test_a_runs_use_in_words(use, line):
    assert monitor.run_use(use) == line


def test_processes_of_runs_are_not_counted_as_others():
    card = gpu(0, processes=(GpuProcess(5, 100), GpuProcess(6, 50)))
    use = RunUse("r", "cuda:0", 5, None, None, ((0, 100),), frozenset({5}))
    assert MachineSample(0.0, None, 1, 2, (card,), (use,)).others(card) == (1, 50)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("no GPU is there", "No GPU is there."), ("cuDNN 9 is there", "cuDNN 9 is there."), ("Done!", "Done!"), ("", "")],
)
def test_sentences(text, shown):
    assert sentence(text) == shown


# --- the curves of the panel


def test_a_curve_is_whole_numbers_told_from_point_to_point():
    drawn = monitor.curve([(-2.04, 0.0), (-0.98, 1.0), (0.0, 0.5)], 120.0, 1.0, colour="#000", title="Processor <1>")
    assert "d='M118 48l1 -46l1 23'" in unquote(drawn)
    assert 'alt="Processor &lt;1&gt; over the last 120 seconds"' in drawn
    assert "<svg" not in drawn  # the browser is not let see it
    assert "#" not in drawn


def test_a_curve_breaks_where_nothing_was_seen_and_stays_in_its_box():
    drawn = monitor.curve(
        [(-130.0, 9.0), (-60.0, None), (-1.0, -3.0), (0.0, 0.5)], 120.0, 1.0, colour="#000", title="x"
    )
    assert "d='M0 2h1M119 48l1 -23'" in unquote(drawn)


def test_a_curve_of_nothing_is_drawn_empty():
    assert "<path d='' " in unquote(monitor.curve([], 120.0, None, colour="#000", title="x"))


def test_from_tick_to_tick_little_of_a_curve_is_new():
    looks = [(float(second), (second * 7919 % 101) / 100) for second in range(200)]

    def at(now: int) -> str:
        points = [(time - now, value) for time, value in looks if now - 120 <= time <= now]
        return monitor.curve(points, 120.0, 1.0, colour="#0B7A75", title="Processor")

    wire = zlib.compressobj(wbits=-12)  # the window of a WebSocket's compression
    sizes = [len(wire.compress(at(now).encode()) + wire.flush(zlib.Z_SYNC_FLUSH)) for now in range(150, 155)]
    assert max(sizes[1:]) < 150 < sizes[0]


def test_a_tick_sends_no_charts_with_tables(open_environment, gpus):
    gpus[:] = [gpu(0)]
    app = open_environment()
    assert not app.get("vega_lite_chart")
    assert not app.get("arrow_vega_lite_chart")
    assert "".join(one.proto.body for one in app.get("html")).count("<img alt=") == 7


def test_what_is_said_again_is_compressed():
    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["enableWebsocketCompression"] is True
    assert settings["client"]["toolbarMode"] == "minimal"  # the lab forbids recording the screen


@pytest.mark.parametrize(("state", "seconds"), [("running", 1.0), ("finished", monitor.IDLE)])
def test_the_panel_ticks_faster_while_a_run_is_at_work(open_environment, make_run, ticks, state, seconds):
    run = make_run(state)
    with run.hold() if state == "running" else contextlib.nullcontext():
        open_environment()
    assert ticks[-1].interval == seconds
