import json
import threading

import pytest

from labcore.benchmark.cases import MODES, SCOPES
from labcore.benchmark.job import Benchmark
from labcore.benchmark.report import BenchmarkReport
from labcore.config import RunConfig
from labcore.events import RunFinished
from labcore.runs import Run

TINY = (
    "--models",
    "compact",
    "--batch-sizes",
    "1,2",
    "--precisions",
    "fp32",
    "--formats",
    "contiguous",
    "--devices",
    "cpu",
)


@pytest.fixture(autouse=True)
def _short(monkeypatch, short_benchmark):
    """The plans of these tests take no longer than they must."""
    from labcore.benchmark import plan

    short = plan.Budget(
        case_seconds=0.01, min_repeats=2, max_repeats=3, tune_seconds=0.01, tune_batches=(1,), peak_seconds=0.01
    )
    monkeypatch.setattr(plan, "FULL", short)


def test_the_help_names_every_scope_and_mode(labcore):
    shown = labcore("benchmark", "--help")
    assert shown.status == 0
    told = " ".join(shown.out.split())
    assert all(f"{word} (" in told for word in (*SCOPES, *MODES))


def test_json_is_a_line_a_measurement_and_nothing_else(labcore, workspace):
    done = labcore("benchmark", *TINY, "--scopes", "network", "file", "--json")
    assert done.status == 0, done.err
    assert [(line["scope"], line["batch_size"]) for line in done.lines] == [
        ("network", 1), ("network", 2), ("file", 1), ("file", 2),
    ]  # fmt: skip
    for line in done.lines:
        assert line["device"] == "cpu"
        assert line["q1_ms"] <= line["median_ms"] <= line["q3_ms"]
        assert line["clips_per_second"] == pytest.approx(1000 * line["batch_size"] / line["median_ms"])
        assert line["warm_up"] >= 1
        assert line["repeats"] >= 2
    assert done.lines[-1]["decode_ms"] > 0


def test_the_report_is_kept_written_listed_and_shown(labcore, workspace, tmp_path):
    file = tmp_path / "report.json"
    done = labcore("benchmark", *TINY, "--scopes", "network", "--output", file)
    assert done.status == 0, done.err
    assert "clips/s" in done.out
    (benchmark,) = Benchmark.every(workspace)
    assert benchmark.id in done.err
    report = BenchmarkReport.from_json(file.read_text())
    assert report.measurements == benchmark.report().measurements
    assert report.state == "finished"
    assert benchmark.id in labcore("benchmark", "--list").out
    assert labcore("benchmark", "--list", "--json").lines[0]["figures"] == 2
    for name in ("last", benchmark.id, file):
        assert labcore("benchmark", "--show", name).out == done.out
    assert len(labcore("benchmark", "--show", "last", "--json").lines) == 2


def test_it_refuses_beside_a_training_run_unless_told_so(labcore, workspace):
    run = Run.create(workspace, RunConfig())
    with run.hold():
        refused = labcore("benchmark", *TINY)
        assert refused.status == 2
        assert run.id in refused.err
        assert "--beside-training" in refused.err
        assert "--wait" in refused.err
        assert Benchmark.every(workspace) == []
        done = labcore("benchmark", *TINY, "--scopes", "network", "--beside-training", "--json")
    assert done.status == 0
    assert all("was training at the same time" in line["disturbed"] for line in done.lines)


def test_it_waits_for_a_run_where_that_is_asked_for(labcore, workspace):
    run = Run.create(workspace, RunConfig())
    with run.hold():
        threading.Timer(0.5, lambda: run.append(RunFinished(state="stopped"))).start()
        done = labcore("benchmark", *TINY, "--scopes", "network", "--wait")
    assert done.status == 0
    assert f"waiting: run {run.id} is running" in done.err


@pytest.mark.parametrize("size", [("--quick",), ("--full",), ()])
def test_the_estimate_is_told_without_measuring(labcore, workspace, size):
    told = labcore("benchmark", *size, "--devices", "cpu", "--estimate")
    assert told.status == 0
    assert "cases on cpu, about " in told.err
    assert Benchmark.every(workspace) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--scopes", "everything"), "network, transfer, waveform, file"),
        (("--modes", "dream"), "inference, training"),
        (("--precisions", "fp8"), "fp32"),
        (("--precisions", "tf32", "--devices", "cpu"), "nothing to measure"),
        (("--batch-sizes", "many"), "whole numbers"),
        (("--batch-sizes", "0"), "1 to 1024"),
        (("--models", "no-such", "--batch-sizes", "1", "--devices", "cpu"), "no-such"),
        (("--devices", "cuda:99"), "cuda:99"),
        (("--devices", "toaster"), "auto, cpu"),
        (("--quick", "--models", "compact"), "cannot be combined"),
        (("--quick", "--full"), "not allowed"),
        (("--show", "nothing"), "there is no benchmark 'nothing'"),
        (("--scope", "network"), "did you mean --scopes"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(labcore, workspace, words, told):
    answer = labcore("benchmark", *words)
    assert answer.status == 2
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_an_output_that_cannot_be_written_is_said_before_the_work(labcore, workspace):
    told = labcore("benchmark", *TINY, "--output", "/dev/null/r.json")
    assert told.status == 1
    assert "There is no folder /dev/null: choose another place" in told.err


def test_a_file_that_is_no_report_is_refused(labcore, workspace, tmp_path):
    file = tmp_path / "x.json"
    file.write_text(json.dumps({"a": 1}))
    answer = labcore("benchmark", "--show", file)
    assert answer.status == 2
    assert "not a benchmark report" in answer.err
