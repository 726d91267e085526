import os
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from labcore.config import RunConfig
from labcore.device import choose_device
from labcore.jobs.following import Stopped
from labcore.models import build_network, compiling
from labcore.models.dropout import Dropout
from labcore.remembered import Remembered, forget_timings
from labcore.training import precision_choice as module
from labcore.training import step_timing
from labcore.training.precision import Precision
from labcore.training.precision_choice import PrecisionChooser
from labcore.workspace import Workspace

SHAPE = (4, 1, 16, 16)


def decide(config, network, shape, device, workspace, steps=0, report=lambda done, total: None):
    chooser = PrecisionChooser(config.runtime, config.model, network, shape, device, workspace, steps)
    return chooser.compiling(chooser.precision(report), report)


def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def test_what_is_configured_is_taken_without_timing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "time_ways", None)
    config = RunConfig().replace({"runtime.precision": "bf16", "runtime.memory_format": "channels_last"})
    choice = decide(config, network(), SHAPE, choose_device("cpu"), Workspace(tmp_path))
    assert (choice.precision, choice.memory_format, choice.reason) == ("bf16", "channels_last", "as configured")


class Clock:
    """In place of the time: steps of each way take what is planned, and nothing else takes any."""

    def __init__(self, monkeypatch, plan):
        self.now, self.steps, clock = 0.0, [], self

        class Stepper:
            finite = True

            def __init__(self, candidate, network, shape, device, graph):
                self.way = (candidate.precision, candidate.memory_format)

            def seconds(self):
                taken = plan(self.way, len([way for way in clock.steps if way == self.way]))
                clock.steps.append(self.way)
                clock.now += taken
                return taken

        monkeypatch.setattr(step_timing, "_Stepper", Stepper)
        monkeypatch.setattr(step_timing.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
        monkeypatch.setattr(module, "_has_kernels_for_bf16", lambda: True)


WAYS = {
    ("fp32", "contiguous"): 0.4,
    ("fp32", "channels_last"): 0.1,
    ("bf16", "contiguous"): 0.3,
    ("bf16", "channels_last"): 0.2,
}


def choose(workspace, steps=10**6, report=lambda done, total: None):
    config = RunConfig().replace({"runtime.compile": "off"})
    return decide(config, network(), SHAPE, choose_device("cpu"), workspace, steps, report)


def test_the_fastest_is_taken_and_remembered(tmp_path, monkeypatch):
    clock, workspace, told = Clock(monkeypatch, lambda way, count: WAYS[way]), Workspace(tmp_path), []
    first = choose(workspace, report=lambda done, total: told.append((done, total)))
    assert (first.precision, first.memory_format, first.step_seconds) == ("fp32", "channels_last", 0.1)
    assert "fastest of 4 configurations: 100 ms per step, 400 ms in fp32 contiguous" in first.reason
    assert clock.steps[:8] == [
        *(order := [("bf16", "channels_last"), *[way for way in WAYS if way != ("bf16", "channels_last")]]),
        *order,
    ]
    assert told == sorted(told)
    assert told[-1][0] < told[-1][1] == 24
    before = len(clock.steps)
    assert choose(workspace) == first
    assert len(clock.steps) == before
    assert forget_timings(workspace) == 1
    choose(workspace)
    assert len(clock.steps) == 2 * before


def test_a_processor_without_kernels_for_bf16_times_fp32_alone(tmp_path, monkeypatch):
    clock, workspace = (
        Clock(monkeypatch, lambda way, count: WAYS[way] if way[0] == "fp32" else 40.0),
        Workspace(tmp_path),
    )
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(module, "_has_kernels_for_bf16", lambda: False)
    choice = choose(workspace)
    assert "fastest of 2 configurations" in choice.reason
    assert {way for way, _ in clock.steps} == {"fp32"}
    assert choose(workspace) == choice
    config = RunConfig().replace({"runtime.compile": "off", "runtime.precision": "bf16"})  # who insists gets it
    assert decide(config, network(), SHAPE, choose_device("cpu"), workspace, 10**6).precision == "bf16"


def test_a_torch_without_onednn_has_no_kernels_for_bf16(monkeypatch):
    """As that of macOS on ARM."""
    assert module._has_kernels_for_bf16() in (True, False)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    assert not module._has_kernels_for_bf16()


@pytest.mark.parametrize("damage", ["", "[]", '{"precision": "fp64", "memory_format": "contiguous", "reason": ""}'])
def test_what_is_remembered_and_damaged_is_timed_again(tmp_path, monkeypatch, damage):
    clock, workspace = Clock(monkeypatch, lambda way, count: WAYS[way]), Workspace(tmp_path)
    first, before = choose(workspace), len(clock.steps)
    (file,) = (workspace.cache / "precision").iterdir()
    file.write_text(damage)
    assert choose(workspace) == first
    assert len(clock.steps) == 2 * before


@pytest.mark.parametrize("slow", [1, 36, 400])
def test_the_timing_takes_a_small_share_of_the_run_and_never_long(tmp_path, monkeypatch, slow):
    clock = Clock(monkeypatch, lambda way, count: slow * WAYS[way])
    steps = 1000
    choice = choose(Workspace(tmp_path), steps)
    longest = slow * max(WAYS.values())  # the step at hand is not broken off
    assert clock.now <= min(15.0, 0.05 * steps * slow * WAYS["bf16", "channels_last"]) + longest
    if slow == 400:
        assert (choice.precision, choice.memory_format) == ("bf16", "channels_last")
        assert "would take too much of the run" in choice.reason
        assert not list((tmp_path / "cache" / "precision").glob("*.json"))


def test_ways_that_do_not_fit_in_the_memory_are_left_out(tmp_path, monkeypatch):
    def full(way, count):
        if way not in room:
            raise torch.OutOfMemoryError("out of memory")
        return WAYS[way]

    Clock(monkeypatch, full)
    room = [way for way in WAYS if way != ("bf16", "channels_last")]
    choice = choose(Workspace(tmp_path / "one"))
    assert (choice.precision, choice.memory_format) == ("fp32", "channels_last")
    assert "fastest" in choice.reason
    room = []
    choice = choose(Workspace(tmp_path / "none"))  # training divides its batches
    assert (choice.precision, choice.memory_format) == ("bf16", "channels_last")
    assert choice.reason == "default: there is too little memory to time a step"
    assert module.remembered(Workspace(tmp_path / "none")) == {}


def test_a_run_of_few_steps_is_begun_at_once(tmp_path, monkeypatch):
    clock = Clock(monkeypatch, lambda way, count: WAYS[way])
    assert choose(Workspace(tmp_path), steps=20).precision == "bf16"
    assert len(clock.steps) == 1


def test_steps_that_scatter_by_more_than_the_ways_differ_tell_nothing(tmp_path, monkeypatch):
    near = {("fp32", "channels_last"): 0.19}
    busy = lambda way, count: near.get(way, 0.2 if way[0] == "bf16" else 0.5) * (1, 1, 1.4, 1.5, 1.6, 1.7)[count % 6]  # noqa: E731
    workspace = Workspace(tmp_path)
    Clock(monkeypatch, busy)
    choice = choose(workspace)
    assert (choice.precision, choice.memory_format) == ("bf16", "channels_last")
    assert "too busy to compare 4 configurations" in choice.reason
    Clock(monkeypatch, lambda way, count: near.get(way, 0.2 if way[0] == "bf16" else 0.5))
    assert choose(workspace).memory_format == "channels_last"
    assert choose(workspace).precision == "fp32"


def test_the_best_step_counts_and_not_those_that_other_work_held_up(tmp_path, monkeypatch):
    Clock(monkeypatch, lambda way, count: WAYS[way] * (6 if count == 2 else 1))
    assert choose(Workspace(tmp_path)).step_seconds == pytest.approx(0.1)


def test_timing_can_be_given_up_between_steps(tmp_path, monkeypatch):
    clock = Clock(monkeypatch, lambda way, count: WAYS[way])

    def report(done, total):
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        choose(Workspace(tmp_path), report=report)
    assert len(clock.steps) == 3


def test_timing_leaves_the_network_as_it_was(tmp_path):
    net = network()
    before = [parameter.clone() for parameter in net.parameters()]
    choice = decide(RunConfig(), net, SHAPE, choose_device("cpu"), Workspace(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert choice.precision in ("fp32", "bf16")


def test_a_way_that_gives_no_finite_numbers_is_not_taken():
    good, bad = Precision("fp32", "contiguous", ""), Precision("bf16", "contiguous", "")

    class Breaks(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images):
            value = float("nan") if torch.is_autocast_enabled("cpu") else 1.0
            return images.mean((1, 2, 3))[:, None] * self.weight * torch.tensor([value, value])

    timing = module.time_ways([good, bad], Breaks(), SHAPE, torch.device("cpu"), True, 0, lambda done, total: None)
    assert set(timing.seconds) == {good}


def compact_like():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), Dropout(0.5), nn.Linear(4, 3))


def fixed(**changes):
    return RunConfig().replace({"runtime.precision": "fp32", "runtime.memory_format": "contiguous", **changes})


def with_compiler(monkeypatch, function):
    monkeypatch.setattr(compiling, "compiled", function)


def test_compiled_code_with_the_same_gradients_is_taken_and_remembered(tmp_path, monkeypatch):
    made = []  # of a long run, so that a busy machine has the time to compare
    with_compiler(monkeypatch, lambda network: made.append(network) or (lambda images: network(images)))
    config, workspace = fixed(**{"runtime.compile": "on"}), Workspace(tmp_path)
    first = decide(config, compact_like(), SHAPE, choose_device("cpu"), workspace, steps=10**6)
    assert first.compiled
    assert "torch.compile saves" in first.reason
    again = decide(config, compact_like(), SHAPE, choose_device("cpu"), workspace, steps=10**6)
    assert again == first
    assert len(made) == 2  # the second run measures how long the code takes to come from the disk,
    decide(config, compact_like(), SHAPE, choose_device("cpu"), workspace, steps=10**6)
    assert len(made) == 2  # and the third knows


def test_it_is_told_before_code_is_compiled(tmp_path, monkeypatch):
    told, config = [], fixed(**{"runtime.compile": "on"})
    with_compiler(monkeypatch, lambda network: told.append("compiles") or (lambda images: network(images)))
    device, workspace = choose_device("cpu"), Workspace(tmp_path)
    chooser = PrecisionChooser(config.runtime, config.model, compact_like(), SHAPE, device, workspace, 1000)
    chooser.compiling(chooser.precision(), lambda done, total: told.append(done))
    assert told[:2] == [0, "compiles"]


@pytest.mark.parametrize("wrong", [lambda logits: logits * 3.0, lambda logits: logits * float("nan")])
def test_compiled_code_with_other_gradients_is_left(tmp_path, monkeypatch, wrong):
    with_compiler(monkeypatch, lambda network: lambda images: wrong(network(images)))
    choice = decide(
        fixed(**{"runtime.compile": "on"}), compact_like(), SHAPE, choose_device("cpu"), Workspace(tmp_path)
    )
    assert not choice.compiled
    assert "gradients differ" in choice.reason


def test_a_compiler_that_fails_is_told_and_left(tmp_path, monkeypatch):
    def fails(network):
        raise RuntimeError("no C++ compiler\nfound")

    with_compiler(monkeypatch, fails)
    choice = decide(
        fixed(**{"runtime.compile": "on"}), compact_like(), SHAPE, choose_device("cpu"), Workspace(tmp_path)
    )
    assert not choice.compiled
    assert "it failed: no C++ compiler found" in choice.reason


def test_a_step_that_does_not_fit_is_not_compiled_and_is_tried_in_the_next_run(tmp_path, monkeypatch):
    config, workspace, network = fixed(**{"runtime.compile": "on"}), Workspace(tmp_path), compact_like()

    def full(*ignored):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with_compiler(monkeypatch, lambda network: lambda images: network(images))
    with monkeypatch.context() as patch:
        patch.setattr(step_timing._Stepper, "seconds", full)  # not even an uncompiled one: training divides its batches
        choice = decide(config, network, SHAPE, choose_device("cpu"), workspace, steps=1000)
    assert not choice.compiled
    assert "there is too little memory to try torch.compile" in choice.reason
    with monkeypatch.context() as patch:
        patch.setattr(step_timing._Stepper, "gradient", full)  # none beside the other
        assert not decide(config, network, SHAPE, choose_device("cpu"), workspace, steps=1000).compiled
    assert decide(config, network, SHAPE, choose_device("cpu"), workspace, steps=1000).compiled


def test_what_a_killed_compiler_left_is_removed_and_compiled_again(tmp_path, monkeypatch):
    stump = tmp_path / "abc.main.so"
    stump.touch()

    def stumbles(network):
        if stump.exists():
            raise ImportError(f"{stump}: file too short")
        return lambda images: network(images)

    with_compiler(monkeypatch, stumbles)
    choice = decide(
        fixed(**{"runtime.compile": "on"}), compact_like(), SHAPE, choose_device("cpu"), Workspace(tmp_path)
    )
    assert choice.compiled
    assert not stump.exists()
    assert not compiling.mend(ImportError(f"{stump}: file too short"))
    assert not compiling.mend(ImportError("no module named x"))


def test_short_runs_are_not_compiled_and_off_means_off(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "try_compiled", None)
    device, workspace = choose_device("cpu"), Workspace(tmp_path)
    assert not decide(fixed(), compact_like(), SHAPE, device, workspace, steps=1000).compiled  # microseconds
    off = fixed(**{"runtime.compile": "off"})
    assert decide(off, compact_like(), SHAPE, device, workspace, steps=10**9).reason == "as configured"


@pytest.mark.parametrize(
    ("gain", "steps", "taken"), [(0.3, 1000, True), (0.3, 10, False), (-0.1, 10**6, False), (0.001, 1000, False)]
)
def test_compiling_is_taken_where_it_pays_within_the_run(gain, steps, taken):
    trial = compiling.CompileResult(seconds=20.0, gain=gain, trouble="")
    assert trial.taken(steps, step_seconds=0.05, insist=False) is taken


def test_what_loading_the_code_took_decides_and_not_what_it_usually_takes():
    trial = compiling.CompileResult(seconds=20.0, gain=0.3, trouble="", loading=100.0)
    assert not trial.taken(1000, step_seconds=0.05, insist=False)
    assert compiling.CompileResult(20.0, 0.001, "", loading=0.01).taken(1000, step_seconds=0.05, insist=False)


def test_a_machine_that_compiles_slowly_tries_it_in_longer_runs_alone(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(
        module, "try_compiled", lambda *given: tried.append(given) or compiling.CompileResult(30.0, 0.0, "")
    )
    monkeypatch.setattr(compiling, "worth_trying", lambda steps, step_seconds, usual: tried.append(usual) or False)
    workspace = Workspace(tmp_path)
    decide(fixed(), compact_like(), SHAPE, choose_device("cpu"), workspace, steps=1000)
    for number, seconds in enumerate((0.0, 80.0, 90.0, 100.0)):  # 0: the compiler failed
        Remembered(workspace, "precision").keep(f"{number}-compiled", compiling.CompileResult(seconds, 0.1, ""))
    decide(fixed(), compact_like(), SHAPE, choose_device("cpu"), workspace, steps=1000)
    assert tried == [compiling.USUAL_SECONDS, 90.0]


@pytest.mark.parametrize(
    ("second", "known"),
    [
        (compiling.CompileResult(6.0, 0.0, "", unclear=1), compiling.CompileResult(30.0, 0.0, "", 6.0, 2)),
        (compiling.CompileResult(6.0, 0.2, ""), compiling.CompileResult(30.0, 0.2, "", 6.0)),
    ],
)
def test_a_trial_that_was_not_clear_is_made_once_more_and_no_more(tmp_path, monkeypatch, second, known):
    outcomes = [compiling.CompileResult(30.0, 0.0, "", unclear=1), second]
    made = []
    monkeypatch.setattr(module, "try_compiled", lambda *given: made.append(given) or outcomes[len(made) - 1])
    monkeypatch.setattr(compiling, "worth_trying", lambda steps, step_seconds, usual: True)
    workspace = Workspace(tmp_path)
    for _ in range(4):
        decide(fixed(), compact_like(), SHAPE, choose_device("cpu"), workspace, steps=1000)
    assert len(made) == 2
    assert Remembered(workspace, "precision").recall_all("-compiled", compiling.CompileResult) == [known]


def test_compiled_code_lies_in_the_workspace_for_the_next_run(tmp_path, monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    with_compiler(monkeypatch, lambda network: lambda images: network(images))
    places = []
    for _ in range(2):  # the second takes what the first found out, in another process
        decide(fixed(**{"runtime.compile": "on"}), compact_like(), SHAPE, choose_device("cpu"), Workspace(tmp_path))
        places.append(os.environ.pop("TORCHINDUCTOR_CACHE_DIR"))
    assert places == [str(Workspace(tmp_path).cache / "compiled")] * 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, about itself
def test_a_real_compiler_gives_the_gradients_of_the_plain_network(tmp_path):
    config = RunConfig().replace(
        {"runtime.precision": "bf16", "runtime.memory_format": "channels_last", "runtime.compile": "on"}
    )
    net = build_network(config.model, 10)
    choice = decide(config, net, (8, 1, 64, 64), choose_device("cpu"), Workspace(tmp_path), steps=1000)
    assert choice.compiled, choice.reason
