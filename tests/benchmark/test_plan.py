import dataclasses
import json

import pytest

from labcore.benchmark import plan as module
from labcore.benchmark.cases import ARTICLE, BEST, MODES, SCOPES, Case
from labcore.benchmark.plan import FULL, BenchmarkPlan, Budget, full_plan, make_plan, quick_plan
from labcore.errors import ConfigError


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "dreaming"},
        {"scope": "all"},
        {"precision": "fp8"},
        {"memory_format": "rows"},
        {"batch_size": 0},
        {"batch_size": 1025},
        {"batch_size": 2.5},
        {"threads": 0},
        {"precision": "tf32"},
        {"onnx": True, "mode": "training"},
        {"onnx": True, "device": "cuda:0"},
        {"onnx": True, "precision": "bf16"},
        {"onnx": "yes"},
        {"model": ""},
    ],
)
def test_a_case_that_cannot_be_is_refused(change):
    with pytest.raises(ConfigError):
        Case(**{"device": "cpu", "model": "compact", **change})


def test_a_form_says_how_the_device_computes():
    assert Case("cpu", "compact", precision="bf16", memory_format="channels_last", threads=1).form == (
        "bf16 channels_last, 1 thread"
    )
    assert Case("cuda:0", "compact", precision="tf32", compiled=True).form == "tf32 contiguous, compiled"
    assert Case("cpu", "compact", precision=BEST, memory_format=BEST).form == "best"


def test_best_is_one_case_for_the_cpu_and_every_precision_for_a_gpu():
    plan = make_plan(["cpu", "cuda:0"], scopes=["network"], batch_sizes=[8], formats=["channels_last"])
    assert [(c.device, c.precision) for c in plan.cases] == [
        ("cpu", "best"), ("cuda:0", "fp32"), ("cuda:0", "tf32"), ("cuda:0", "bf16"), ("cuda:0", "fp16"),
    ]  # fmt: skip


def test_the_cpu_is_not_asked_for_tf32():
    plan = make_plan(["cpu", "cuda:0"], scopes=["network"], batch_sizes=[1], precisions=["tf32", "fp32"])
    assert {(c.device, c.precision) for c in plan.cases} == {("cpu", "fp32"), ("cuda:0", "tf32"), ("cuda:0", "fp32")}


def test_devices_stand_together_for_each_work():
    groups = make_plan(["cpu", "cuda:0"], batch_sizes=[1, 2], precisions=["fp32"], formats=["contiguous"]).groups
    assert len(groups) == 2 * len(SCOPES)
    assert all({case.device for case in group} == {"cpu", "cuda:0"} for group in groups)
    assert all(len({case.work for case in group}) == 1 for group in groups)


def test_the_quick_plan_ends_within_its_time_and_is_honest_to_the_cpu(monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    for devices in (["cpu"], ["cpu", "cuda:0"], ["cpu", "cuda:0", "cuda:1"]):
        plan = quick_plan(devices)
        assert plan.budget.total_seconds < 20
        assert plan.seconds <= plan.budget.total_seconds
        assert set(plan.devices) == set(devices)
        for case in plan.cases:  # wherever a GPU works, the CPU in its best form did too, up to where it is overtaken
            if not case.on_cpu and case.batch_size <= 64:
                works = {c.work for c in plan.cases if c.on_cpu and c.precision in (BEST, "fp32")}
                assert case.work in works


def test_the_quick_plan_of_a_gpu_has_the_most_telling_first(monkeypatch):
    """Where its time is up, what lies around the network is left out, and not training."""
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    works = [group[0].work for group in quick_plan(["cpu", "cuda:0"]).groups]
    around = works.index(("compact", "inference", "waveform", 1))
    assert works.index(("compact", "training", "network", 32)) < around
    assert works.index(("resnet18", "inference", "network", 16)) < around


def test_the_quick_plan_of_a_machine_without_a_gpu_fits_without_being_cut(monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    plan = quick_plan(["cpu"])
    assert dataclasses.replace(plan, budget=dataclasses.replace(plan.budget, total_seconds=None)).seconds < 17
    assert {case.mode for case in plan.cases} == set(MODES)
    assert {case.scope for case in plan.cases} == {"network", "waveform", "file"}
    assert ARTICLE in {case.model for case in plan.cases}


def test_the_full_plan_holds_everything():
    plan = full_plan(["cpu", "cuda:0"])
    gpu = [case for case in plan.cases if not case.on_cpu and case.model != ARTICLE]
    assert {case.batch_size for case in gpu} == {2**power for power in range(11)}
    assert {case.precision for case in gpu} == {"fp32", "tf32", "bf16", "fp16"}
    assert {case.memory_format for case in gpu} == {"contiguous", "channels_last"}
    assert {(case.mode, case.scope) for case in gpu} == {(mode, scope) for mode in MODES for scope in SCOPES}
    assert len(plan.cases) == len(set(plan.cases))


def test_the_estimate_grows_with_the_work_and_leaves_out_what_takes_too_long():
    def seconds(batch_sizes, **budget):
        return make_plan(["cpu"], ["resnet18"], batch_sizes=batch_sizes, budget=Budget(**budget)).seconds

    assert seconds([1, 64]) > seconds([1])
    assert seconds([1, 1024], max_call_seconds=0.2) < seconds([1, 1024], max_call_seconds=100)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["everything"]},
        {"modes": ["inferring"]},
        {"precisions": ["int8"]},
        {"batch_sizes": [0]},
        {"batch_sizes": []},
        {"devices": []},
        {"precisions": ["tf32"]},  # nothing is left for a CPU
        {"batch_sizes": range(1, 1100), "threads": [1, 2, 3]},
    ],
)
def test_a_plan_that_makes_no_sense_says_so(wrong):
    with pytest.raises(ConfigError):
        make_plan(**{"devices": ["cpu"], **wrong})


def test_a_plan_survives_json():
    plan = quick_plan(["cpu", "cuda:0"])
    assert BenchmarkPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


@pytest.mark.parametrize(
    "tree", [None, [], {}, {"name": "x", "cases": [{"device": "cpu"}], "budget": {}}, {"cases": 3}]
)
def test_what_is_no_plan_is_refused(tree):
    with pytest.raises(ConfigError):
        BenchmarkPlan.from_dict(tree)


def test_the_cpu_is_tuned_once_for_near_batch_sizes():
    plan = make_plan(["cpu"], scopes=["network", "file"], batch_sizes=[1, 2, 4, 64, 128], budget=FULL)
    assert plan.tunings == [("compact", "inference", 1), ("compact", "inference", 8), ("compact", "inference", 64)]
    assert make_plan(["cpu"], precisions=["fp32"]).tunings == []
