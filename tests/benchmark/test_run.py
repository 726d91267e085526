import json
from unittest.mock import Mock

import pytest
import torch

from labcore.benchmark import group, tuning
from labcore.benchmark import run as module
from labcore.benchmark.cases import Case
from labcore.benchmark.events import (
    BenchmarkFinished,
    BenchmarkProgress,
    BenchmarkStarted,
    CpuTuned,
    Measurement,
    PeakMeasured,
)
from labcore.benchmark.group import failed
from labcore.benchmark.job import Benchmark
from labcore.benchmark.machine import describe
from labcore.benchmark.plan import BenchmarkPlan, Budget, make_plan
from labcore.benchmark.run import run_plan
from labcore.config import RunConfig
from labcore.device import tf32_settings
from labcore.errors import ConfigError, DeviceError
from labcore.jobs.process import work as job_work
from labcore.runs import Run

BUDGET = Budget(
    case_seconds=0.01, min_repeats=2, max_repeats=4, tune_seconds=0.01, tune_batches=(1,), peak_seconds=0.01
)


class Fake:
    """Brings cases to life that take a millisecond a clip by their own word; some do not fit, some fail."""

    def __init__(self, largest=10**9, slow=0.0, on_block=lambda case: None):
        self.largest, self.slow, self.on_block, self.made = largest, slow, on_block, []

    def __call__(self, case, inputs):
        self.made.append(case)
        if case.batch_size > self.largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB")
        fake = self

        class Work:
            def seconds(self, calls):
                fake.on_block(case)
                return fake.slow or 0.001 * case.batch_size

            def parts(self):
                return {"transfer": 0.0001, "network": 0.001}

            def close(self):
                pass

        return Work()


def plan_of(batch_sizes=(1, 2, 4), **rest):
    rest = {"scopes": ["network"], "precisions": ["fp32"], "formats": ["contiguous"], "budget": BUDGET, **rest}
    return make_plan(["cpu"], batch_sizes=batch_sizes, **rest)


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def measured(plan, fake, stop=lambda: False):
    """The events of a plan whose cases come to life by a fake."""
    with pytest.MonkeyPatch.context() as patch:
        for place in (group, tuning):
            patch.setattr(place, "Stepper", fake)
        yield from run_plan(plan, stop)


def done(benchmark, fake):
    """Measures as a job does; the events of it."""
    job_work(benchmark, doing=lambda job, stop: measured(job.plan, fake, stop))
    return benchmark.events()


def test_a_plan_is_measured_and_kept(workspace):
    benchmark = Benchmark.create(workspace, plan_of(scopes=["network", "transfer"]))
    events = done(benchmark, Fake())
    assert isinstance(events[0], BenchmarkStarted)
    assert isinstance(events[-1], BenchmarkFinished)
    report = benchmark.report()
    assert report.state == "finished"
    assert report.measurements == tuple(of(events, Measurement))
    one = report.measurements[2]
    assert (one.case.batch_size, one.median_ms, one.clips_per_second) == (4, pytest.approx(4), pytest.approx(1000))
    assert (one.warm_up, one.repeats, one.parts_ms) == (2, 3, {"network": pytest.approx(4)})
    assert one.flops_per_clip > 1e6
    assert one.case.threads == one.threads >= 1
    assert report.measurements[-1].parts_ms == {"transfer": pytest.approx(0.1), "network": pytest.approx(1)}
    assert [event.done for event in of(events, BenchmarkProgress)] == list(range(6))
    assert len(of(events, PeakMeasured)) == len(report.peaks) == 1


def test_a_job_describes_its_machine_without_names_of_people_and_folders(workspace, monkeypatch):
    monkeypatch.setenv("USER", "mallory")
    benchmark = Benchmark.create(workspace, plan_of(batch_sizes=(1,)))
    assert job_work(benchmark, by="mallory").state == "finished"
    report = benchmark.report()
    text = json.dumps(report.machine) + report.to_json()
    assert len(report.measurements) == 1
    assert report.machine == json.loads(json.dumps(describe(["cpu"])))
    for secret in ("mallory", str(workspace.home), "/home/", "/root"):
        assert secret not in text


def test_a_machine_with_another_cudnn_in_the_way_is_described(monkeypatch):
    monkeypatch.setattr(
        torch.backends.cudnn, "version", Mock(side_effect=RuntimeError("cuDNN version incompatibility"))
    )
    assert describe(["cpu"])["cudnn"] is None


def test_a_batch_that_does_not_fit_ends_its_row_and_not_the_run():
    plan = plan_of(batch_sizes=(1, 4, 8, 16), models=["compact", "small_cnn"])
    fake = Fake(largest=4)
    told = of(measured(plan, fake), Measurement)
    assert [(one.case.batch_size, one.failure) for one in told] == 2 * [
        (1, ""), (4, ""), (8, "out_of_memory"), (16, "out_of_memory"),
    ]  # fmt: skip
    assert "a batch of 8 does not fit" in told[2].error
    assert told[3].error == "a batch of 8 already did not fit"
    assert 16 not in {case.batch_size for case in fake.made}


def test_memory_that_runs_out_while_timing_counts_as_well():
    blocks = []

    def out_of_memory(case):
        blocks.append(case)
        if case.batch_size == 2 and len(blocks) > 8:
            raise RuntimeError("CUDA out of memory")

    told = of(measured(plan_of(batch_sizes=(1, 2)), Fake(on_block=out_of_memory)), Measurement)
    assert [one.failure for one in told] == ["", "out_of_memory"]
    assert told[1].median_ms is None


def test_a_case_that_fails_says_why_and_the_others_go_on():
    def fail(case):
        if case.batch_size == 2:
            raise RuntimeError("\ncuDNN error: CUDNN_STATUS_NOT_SUPPORTED\nmore")

    told = of(measured(plan_of(), Fake(on_block=fail)), Measurement)
    assert [one.failure for one in told] == ["", "failed", ""]
    assert told[1].error == "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"


def test_an_error_does_not_tell_paths():
    assert "/home/mallory" not in failed(RuntimeError("cannot open /home/mallory/x.so"), Case("cpu", "compact"))[1]


def test_what_would_take_too_long_is_left_out_and_says_so():
    budget = Budget(case_seconds=0.01, min_repeats=2, max_repeats=4, max_call_seconds=0.003, peak_seconds=0.01)
    told = of(measured(plan_of(budget=budget), Fake()), Measurement)
    assert [one.failure for one in told] == ["", "", "skipped"]
    assert told[2].error == "a batch would take about 0.004 s, and the limit is 0.003 s"


def test_a_plan_that_runs_out_of_time_says_what_it_left_out():
    budget = Budget(case_seconds=0.01, min_repeats=2, max_repeats=2, peak_seconds=0.01, total_seconds=0.0)
    told = of(measured(plan_of(budget=budget), Fake()), Measurement)
    assert {one.failure for one in told} == {"skipped"}
    assert "time limit of" in told[0].error


def test_the_cpu_is_tuned_before_its_best_form_is_measured(monkeypatch):
    calls = []

    def tuned(model, mode, batch, seconds, stop):
        calls.append((model, mode, batch))
        return CpuTuned(
            model=model,
            mode=mode,
            batch_size=batch,
            precision="bf16",
            memory_format="channels_last",
            threads=1,
            reason="so",
        )

    monkeypatch.setattr(module, "tune_cpu", tuned)
    plan = plan_of(precisions=["best", "bf16"], formats=["channels_last"], threads=[1])
    told = of(measured(plan, Fake()), Measurement)
    assert calls == [("compact", "inference", 1)]  # once for all near batch sizes
    best = [one for one in told if one.best]
    assert {(one.case.precision, one.case.memory_format, one.case.threads) for one in best} == {
        ("bf16", "channels_last", 1)
    }
    assert len(best) == 3
    assert len(told) == len({one.case for one in told})  # what is best and was asked for by name is measured once


def test_a_stop_ends_it_after_the_case_at_hand():
    told = []
    for event in measured(plan_of(), Fake(), lambda: bool(of(told, Measurement))):
        told.append(event)
    assert [one.case.batch_size for one in of(told, Measurement)] == [1]


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (Case("cuda:7", "compact"), DeviceError),
        (Case("cpu", "no-such-network"), ConfigError),
    ],
)
def test_what_cannot_be_measured_at_all_fails_in_words(workspace, case, error):
    benchmark = Benchmark.create(workspace, BenchmarkPlan("custom", (case,), BUDGET))
    end = job_work(benchmark)
    assert (end.state, end.details["kind"], benchmark.held) == ("failed", error.__name__, False)
    assert end.error
    assert end.remedy


def test_a_fault_of_the_lab_is_told(workspace):
    def break_down(case):
        raise KeyError("unforeseen")

    benchmark = Benchmark.create(workspace, plan_of())
    assert done(benchmark, Fake(on_block=break_down))[-1].state == "failed"


def test_a_run_that_trains_beside_is_a_disturbance(workspace):
    benchmark = Benchmark.create(workspace, plan_of(batch_sizes=(1,)), beside=True)
    run = Run.create(workspace, RunConfig())
    with run.hold():
        job_work(benchmark)
    assert f"run {run.id} was training at the same time" in benchmark.report().measurements[0].disturbed


def test_threads_and_tf32_are_put_back():
    before = torch.get_num_threads(), tf32_settings()
    plan = plan_of(models=["compact"], modes=["inference"], batch_sizes=(1,), threads=[1, 2])
    list(run_plan(plan))
    assert (torch.get_num_threads(), tf32_settings()) == before


def test_the_real_thing_measures():
    plan = make_plan(["cpu"], ["compact"], ["inference"], ["network", "file"], [1, 2], ["best"], budget=BUDGET)
    events = list(run_plan(plan))
    told = of(events, Measurement)
    assert len(told) == 4
    assert all(one.ok and one.best and one.q1_ms <= one.median_ms <= one.q3_ms for one in told)
    assert set(told[-1].parts_ms) == {"decode", "transfer", "mel", "network"}
    assert len(of(events, CpuTuned)) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates
def test_a_compiled_network_tells_its_compile_time_apart():
    case = Case("cpu", "small_cnn", batch_size=2, compiled=True, threads=1)
    (told,) = of(run_plan(BenchmarkPlan("custom", (case,), BUDGET)), Measurement)
    assert told.ok, told.error
    assert told.compile_seconds * 1000 > 5 * told.median_ms


@pytest.mark.gpu
def test_a_gpu_is_measured_beside_the_cpu():
    plan = make_plan(["cpu", "cuda:0"], ["compact"], batch_sizes=[4], budget=BUDGET)
    told = of(run_plan(plan), Measurement)
    assert {one.case.device for one in told if one.ok} == {"cpu", "cuda:0"}
    assert not [one.error for one in told if one.failure == "failed"]


@pytest.mark.gpu
def test_a_batch_beyond_the_gpus_memory_ends_its_row():
    torch.cuda.set_per_process_memory_fraction(0.002)
    try:
        plan = make_plan(
            ["cuda:0"], ["resnet18"], ["training"], ["network"], [1, 512, 1024], ["fp32"], ["contiguous"], budget=BUDGET
        )
        told = of(run_plan(plan), Measurement)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert [one.failure for one in told][-1] == "out_of_memory"
