"""The Speed page: empty, filled, running; what its buttons do; what it makes of a bad upload."""

from __future__ import annotations

import json

import pytest

from labcore.benchmark.cases import Case
from labcore.benchmark.events import BenchmarkProgress, BenchmarkStarted, Measurement
from labcore.benchmark.job import Benchmark
from labcore.jobs.folder import MACHINE, NOTHING
from labcore.jobs.manager import JobManager
from ui.app import services, text
from ui.benchmark import data, form
from ui.benchmark import report as speed_report

from . import bench_reports
from .conftest import words


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Devices are known at once, and the words are those of this test."""
    monkeypatch.setattr(form, "find_devices", lambda: {"cpu": "Processor of a test, 2 cores"})
    monkeypatch.setattr(services, "settle_memory", lambda: None)


@pytest.fixture
def manager(workspace, monkeypatch):
    """A manager that starts nothing by itself."""
    made = JobManager(workspace, background=False)
    monkeypatch.setattr(services, "manager", lambda: made)
    yield made
    made.close()


@pytest.fixture
def started(workspace):
    """The benchmark that a press of a button made."""

    def only():
        (benchmark,) = Benchmark.every(workspace)
        return benchmark

    return only


@pytest.fixture
def kept(workspace):
    """Puts composed reports into the workspace: ``kept(report, …)`` → ids."""

    def keep(*reports):
        return [Benchmark.keep(workspace, report).id for report in reports]

    return keep


def opened(open_page, **query):
    """The page once the devices are known."""
    app = open_page("pages/benchmark.py", **query)
    form.look_for_devices()._thread.join()
    return app.run()


def button(app, label):
    return next(button for button in app.button if button.label == label)


def test_an_empty_workspace_offers_to_measure(open_page):
    app = opened(open_page)
    assert not app.exception
    assert not app.error
    shown = words(app)
    assert "No report yet" in shown
    assert "measurements on Processor of a test, 2 cores" in shown
    assert button(app, "Start")


def test_start_starts_the_quick_benchmark_and_shows_it(open_page, started):
    app = opened(open_page)
    button(app, "Start").click().run()
    plan = started().plan
    assert (plan.name, plan.devices, started().owner, started().status().state) == ("quick", ("cpu",), "Ada", "queued")
    assert started().needs == MACHINE
    app.run()
    assert "Next in the queue" in words(app)
    button(app, "Stop").click().run()
    assert started().status().state == "stopped"


def test_the_full_one_shows_its_time_before_it_starts(open_page, started):
    app = opened(open_page)
    app.segmented_control(key="speed-kind").set_value("full").run()
    assert "about" in words(app)
    button(app, "Start").click().run()
    assert started().plan.name == "full"
    assert len(started().plan.cases) > 100


def test_ones_own_choice_is_measured(open_page, started):
    app = opened(open_page)
    app.segmented_control(key="speed-kind").set_value("own").run()
    app.multiselect(key="speed-models").set_value(["small_cnn"]).run()
    app.get("button_group")  # the pills keep their defaults
    button(app, "Start").click().run()
    cases = started().plan.cases
    assert {case.model for case in cases} == {"small_cnn"}
    assert {case.scope for case in cases} == {"network", "waveform", "file"}
    again = opened(open_page, measure="true", **app.query_params)
    assert again.segmented_control(key="speed-kind").value == "own"
    assert again.multiselect(key="speed-models").value == ["small_cnn"]


def test_numbers_of_ones_own_choice_are_in_the_address(open_page):
    app = opened(
        open_page,
        **{"speed-kind": "own", "speed-batches": ["4", "16"], "speed-precisions": "none", "speed-compiled": "True"},
    )
    state = app.session_state
    assert (state["speed-batches"], state["speed-precisions"], state["speed-compiled"]) == ([4, 16], [], True)


def test_the_form_of_a_page_with_reports_is_not_there_until_it_is_opened(open_page, kept):
    """Else Ctrl+Enter, which starts what it asks for, would be taken by a form that nobody sees."""
    kept(bench_reports.report("cpu"))
    app = opened(open_page)
    assert not [button for button in app.button if button.label == "Start"]
    assert button(opened(open_page, measure="true"), "Start").proto.shortcut


def test_a_choice_that_leaves_nothing_is_told(open_page, started):
    app = opened(open_page)
    app.segmented_control(key="speed-kind").set_value("own").run()
    app.multiselect(key="speed-models").set_value([]).run()
    assert "There is nothing to measure" in words(app)
    assert button(app, "Start").disabled


def test_beside_a_run_it_says_so_and_offers_to_wait(open_page, started, make_run):
    run = make_run("running")
    with run.hold():
        app = opened(open_page)
        assert f"Run {run.id} is running" in words(app)
        assert not [button for button in app.button if button.label == "Start"]
        button(app, "Queue").click().run()
        assert f"Queued behind {text.job_name(run)}" in words(app.run())
    assert (started().needs, started().status().state) == (MACHINE, "queued")


def test_beside_a_run_only_when_that_is_chosen(open_page, started, make_run):
    with make_run("running").hold():
        app = opened(open_page)
        button(app, "Start anyway").click().run()
    assert (started().needs, started().status().state) == (NOTHING, "queued")


def test_a_benchmark_at_work_is_live_and_can_be_stopped(open_page, workspace):
    folder = Benchmark.create(workspace, bench_reports.report().plan)
    folder.append(BenchmarkStarted(pid=1, cases=40, seconds=12.0))
    folder.append(bench_reports.measurement(Case("cpu", "compact", batch_size=4)))
    folder.append(BenchmarkProgress(done=7, total=40, what="compact from files, batch 16", seconds_left=9.0))
    with folder.hold():
        app = opened(open_page)
        assert "7 of 40 measured, 9 s left · compact from files, batch 16" in words(app)
        button(app, "Stop").click().run()
        assert folder.stop_requested
        assert "Stopping" in words(app.run())
        assert button(app, "Stop now")


def test_a_report_shows_sentences_charts_tables_and_csv(open_page, kept):
    kept(bench_reports.report("cpu", "cuda:0"))
    app = opened(open_page)
    assert not app.exception
    assert not app.error
    heads = [head.value for head in app.header]
    assert heads[:4] == [
        "**Processor of a test, 2 cores · Card of a test**",
        "Throughput by batch size",
        "Speed-up",
        "Time by stage",
    ]
    assert len(app.get("plotly_chart")) == 3
    assert len([one for one in app.get("download_button") if one.label == "CSV"]) == 5


def test_what_is_looked_at_comes_back_from_the_address(open_page, kept):
    kept(bench_reports.report("cpu"))
    app = opened(open_page, scope="From files", mode="None of these", shares="false")
    assert app.segmented_control(key="scope").value == "file"
    assert app.segmented_control(key="mode").value == "inference"
    assert app.toggle(key="shares").value is False


def test_a_machine_without_a_gpu_still_teaches(open_page, kept):
    kept(bench_reports.report("cpu"))
    app = opened(open_page)
    assert not app.exception
    shown = words(app)
    assert "the fastest one compared with PyTorch in fp32" in shown
    assert "Fastest CPU settings" in shown


def test_two_reports_are_laid_beside_each_other(open_page, kept):
    here, there = kept(bench_reports.report("cpu"), bench_reports.report("cpu", "cuda:0"))
    app = opened(open_page, report=f"{here},{there}")
    assert not app.exception
    base = next(one for one in app.get("button_group") if one.label == "Compared with")
    assert [option.content for option in base.proto.options] == ["A · CPU", "B · CPU", "B · GPU 0"]


def test_a_report_without_a_figure_is_told(open_page, kept):
    kept(bench_reports.report("cpu", state="failed", error="the GPU is gone", remedy="Bring it back"))
    app = opened(open_page)
    assert "The GPU is gone." in words(app)
    assert "Bring it back." in words(app)


def test_what_was_left_out_and_disturbed_is_told(open_page, workspace):
    folder = Benchmark.create(workspace, bench_reports.report().plan)
    case = Case("cpu", "compact", batch_size=64)
    folder.append(BenchmarkStarted(pid=1, cases=2, seconds=1.0))
    folder.append(Measurement(case=case, failure="out_of_memory", error="a batch of 64 does not fit"))
    folder.append(
        Measurement(
            case=Case("cpu", "compact"), repeats=3, median_ms=2.0, q1_ms=1.0, q3_ms=9.0, clips_per_second=500.0,
            disturbed="other programs kept the processor busy",
        )
    )  # fmt: skip
    shown = words(opened(open_page))
    assert "other programs kept the processor busy" in shown
    assert "a batch of 64 does not fit" in shown
    assert "Interrupted" in shown


def test_a_report_is_taken_up_and_removed_again(open_page, workspace, kept):
    kept(bench_reports.report())
    app = opened(open_page)
    other = bench_reports.report("cpu", "cuda:0", created=1_800_000_000.0).to_json()
    app.file_uploader[0].upload("../../report.json", other.encode(), "application/json").run()
    assert len(Benchmark.every(workspace)) == 2
    newest = Benchmark.every(workspace)[0]
    assert newest.uploaded
    assert newest.id in app.query_params["report"]
    button(app, "Delete permanently").click().run()
    assert newest.id not in [folder.id for folder in Benchmark.every(workspace)]


def test_an_uploaded_report_stands_beside_the_one_that_is_shown(open_page, workspace, kept):
    (shown,) = kept(bench_reports.report())  # without being named in the address
    app = opened(open_page)
    other = bench_reports.report("cpu", "cuda:0", created=1_700_100_000.0).to_json()
    app.file_uploader[0].upload("report.json", other.encode(), "application/json").run()
    newest = Benchmark.every(workspace)[0]
    assert app.multiselect(key="speed-reports-1").value == [shown, newest.id]


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"format": "labcore-benchmark-99"})])
def test_a_bad_upload_is_told_in_place(open_page, workspace, content):
    app = opened(open_page)
    app.file_uploader[0].upload("report.json", content.encode(), "application/json").run()
    assert "This file is not a benchmark report" in words(app)
    assert Benchmark.every(workspace) == []


def test_a_damaged_report_does_not_take_the_page_along(open_page, workspace, kept):
    (name,) = kept(bench_reports.report())
    (workspace.room("reports") / name / "plan.json").write_text("{")
    app = opened(open_page)
    assert not app.exception
    assert "cannot be read" in words(app)


def test_an_unknown_report_in_the_url_opens_the_newest(open_page, kept):
    kept(bench_reports.report())
    app = opened(open_page, report="../../etc")
    assert not app.exception
    assert "no report '../../etc'" in words(app)
    assert "Throughput by batch size" in [head.value for head in app.header]


# --- the frames


def test_the_best_form_of_each_device_is_drawn():
    rows = data.taken([bench_reports.report("cpu", "cuda:0")])
    shown = data.of(rows, "compact", "inference", "network")
    curve = data.curve(shown, every_form=False)
    assert set(curve["Configuration"]) == {"bf16 channels_last, 2 threads", "fp16 channels_last"}
    assert len(curve) == 2 * len(bench_reports.BATCHES)
    assert (curve["Quartile low"] < curve["Clips/s"]).all()
    assert (curve["Clips/s"] < curve["Quartile high"]).all()
    assert len(data.curve(shown, every_form=True)) == 4 * len(bench_reports.BATCHES)


def test_speed_ups_compare_the_same_work():
    rows = data.of(data.taken([bench_reports.report("cpu", "cuda:0")]), "compact", "inference")
    bars = data.speed_ups(rows, "CPU")
    # One clip: (3 + 0.2) · 0.6 on the CPU, (0.03 + 2) · 0.3 on the GPU.
    assert bars["network alone, batch 1"] == pytest.approx(1.92 / 0.609)
    back = data.speed_ups(rows, "GPU 0")
    assert back["network alone, batch 1"] == pytest.approx(1 / bars["network alone, batch 1"])


def test_parts_are_of_a_clip_and_of_the_widest_scope():
    rows = data.of(data.taken([bench_reports.report("cpu")]), "compact", "inference")
    scope, parts = data.time_parts(rows)
    assert scope == "file"
    assert dict(parts)["CPU, batch 64"]["decode"] == pytest.approx(2.0)


def test_the_table_holds_every_measurement():
    report = bench_reports.report("cpu", "cuda:0")
    assert len(data.full_table([report])) == len(report.measurements)
    assert list(data.full_table([report, report])["Report"].unique()) == ["A", "B"]


def test_reasons_are_told_once():
    assert speed_report._reasons(["a", "b", "b"]) == {"b": 2, "a": 1}
