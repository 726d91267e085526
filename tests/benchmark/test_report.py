import dataclasses
import json

import pytest

from labcore.benchmark.events import BenchmarkFinished, BenchmarkProgress, BenchmarkStarted, CpuTuned, PeakMeasured
from labcore.benchmark.job import Benchmark, active_run
from labcore.benchmark.plan import make_plan
from labcore.benchmark.report import BenchmarkReport, ReportError
from labcore.config import RunConfig
from labcore.runs import Run

PLAN = make_plan(["cpu"], scopes=["network"], batch_sizes=[1, 2])


@pytest.fixture
def full(measured, report_of):
    """A report with something of everything."""
    report = report_of(measured("cpu", 1, 100.0), measured("cuda:0", 8, None, precision="fp16"))
    return dataclasses.replace(
        report,
        peaks=(PeakMeasured(device="cpu", precision="fp32", threads=2, flops_per_second=1e11, size=1024),),
        tunings=(
            CpuTuned(
                model="compact", mode="inference", batch_size=1, precision="bf16", memory_format="channels_last",
                threads=2, reason="it is", tried=[{"precision": "bf16", "memory_format": "channels_last", "threads": 2, "ms": 1.5}],
            ),
        ),
        seconds=12.5,
    )  # fmt: skip


def test_a_report_is_told_as_it_grows(workspace, measured):
    benchmark = Benchmark.create(workspace, PLAN)
    assert benchmark.report().state == "interrupted"
    with benchmark.hold():
        benchmark.append(BenchmarkStarted(pid=1, cases=2, seconds=3.0))
        benchmark.append(BenchmarkProgress(done=1, total=2, what="compact", seconds_left=1.5))
        one = measured("cpu", 1, 100.0)
        benchmark.append(one)
        now = benchmark.report()
        assert (now.state, now.measurements, now.progress.done, now.plan) == ("running", (one,), 1, PLAN)
        assert now.active
        benchmark.request_stop()
        assert benchmark.report().state == "stopping"
    assert benchmark.report().state == "interrupted"
    benchmark.append(BenchmarkFinished(state="stopped", seconds=4.0))
    assert (benchmark.report().state, benchmark.report().seconds) == ("stopped", 4.0)


def test_a_partial_line_and_unknown_events_are_passed_over(workspace, measured):
    benchmark = Benchmark.create(workspace, PLAN)
    one = measured("cpu", 1, 100.0)
    benchmark.append(one)
    with (benchmark.path / "events.jsonl").open("a") as file:
        file.write('{"type": "of another version", "time": 1}\n[3]\n{"type": "measurement", "ca')
    assert benchmark.report().measurements == (one,)
    benchmark.append(one)  # and the part of a line swallows nothing
    assert benchmark.report().measurements == (one, one)


def test_reports_are_listed_opened_and_removed(workspace):
    assert Benchmark.every(workspace) == []
    (workspace.room("reports") / "something else").mkdir()
    benchmark = Benchmark.create(workspace, PLAN)
    assert Benchmark.every(workspace) == [benchmark] == [Benchmark.open(workspace, "last")]
    with benchmark.hold(), pytest.raises(ReportError):
        Benchmark(benchmark.path).delete()
    benchmark.delete()
    assert Benchmark.every(workspace) == []
    with pytest.raises(ReportError, match=r"no benchmark .* `labcore benchmark --list` lists the benchmarks"):
        Benchmark.open(workspace, benchmark.id)


def test_a_report_travels_as_one_file(workspace, full):
    read = BenchmarkReport.from_json(full.to_json())
    assert read == full
    assert BenchmarkReport.from_json(full.to_json().encode()) == full
    benchmark = Benchmark.keep(workspace, read)
    assert benchmark.uploaded
    kept = benchmark.report()
    assert dataclasses.replace(kept, id=full.id) == full
    assert kept.id != full.id


def test_a_running_report_is_handed_out_as_interrupted(full):
    assert BenchmarkReport.from_json(dataclasses.replace(full, state="running").to_json()).state == "interrupted"


def _broken(full, change):
    tree = json.loads(full.to_json())
    change(tree)
    return json.dumps(tree)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.pop("format"),
        lambda tree: tree.update(format="labcore-benchmark-99"),
        lambda tree: tree.pop("plan"),
        lambda tree: tree.update(plan=[]),
        lambda tree: tree.update(state="running"),
        lambda tree: tree.update(created="yesterday"),
        lambda tree: tree.update(events={"a": 1}),
        lambda tree: tree.update(machine=["x"]),
        lambda tree: tree.update(machine={"devices": [{"name": ["nested"]}]}),
        lambda tree: tree.update(machine={"devices": "cpu"}),
        lambda tree: tree["events"].append({"type": "run_started"}),
        lambda tree: tree["events"].append("text"),
        lambda tree: tree["events"][-1].update(median_ms="fast"),
        lambda tree: tree["events"][-1].update(clips_per_second=float("nan")),
        lambda tree: tree["events"][-1].update(median_ms=-1),
        lambda tree: tree["events"][-1].update(repeats=True),
        lambda tree: tree["events"][-1].update(parts_ms={"dreaming": 1.0}),
        lambda tree: tree["events"][-1].update(case={"device": "cpu"}),
        lambda tree: tree["events"][-1]["case"].update(scope="<script>"),
        lambda tree: tree["events"][-1]["case"].update(batch_size="8"),
        lambda tree: tree["events"][-1].update(error="x" * 5000),
        lambda tree: tree["events"][1].update(tried=[1]),
        lambda tree: tree["events"][1].update(tried=[{"ms": "x"}]),
    ],
)
def test_a_file_that_is_no_report_is_refused(full, change):
    with pytest.raises(ReportError, match="not a benchmark report"):
        BenchmarkReport.from_json(_broken(full, change))


@pytest.mark.parametrize("content", ["", "[]", "3", b"\xff\xfe\x00", "{" * 100_000, "null", '{"format": "x"}'])
def test_any_content_at_all_is_refused_in_words(content):
    with pytest.raises(ReportError, match="not a benchmark report"):
        BenchmarkReport.from_json(content)


def test_an_id_of_an_upload_is_no_path(full):
    tree = json.loads(full.to_json()) | {"id": "../../etc/passwd"}
    assert "/" not in BenchmarkReport.from_json(json.dumps(tree)).id


def test_a_run_at_work_is_found(workspace):
    run = Run.create(workspace, RunConfig())
    assert active_run(workspace) is None
    with run.hold():
        assert active_run(workspace) == run
