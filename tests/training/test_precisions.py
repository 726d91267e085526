"""In which precisions a device trains, also one that takes up the run of another."""

from types import SimpleNamespace

import pytest
import torch

from labcore.config import RunConfig
from labcore.device import DeviceChoice
from labcore.training import precision_choice as module
from labcore.training.precision import Precision


def card(major):
    return SimpleNamespace(major=major)


def test_precisions_are_those_that_every_gpu_of_the_run_computes(monkeypatch):
    """Not those of the current GPU, which in the thread of the timing is always the first."""
    cards = {0: card(9), 1: card(7)}
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda gpu: cards[getattr(gpu, "index", gpu)])
    first, second = (DeviceChoice(f"cuda:{number}", "a GPU", "") for number in cards)
    assert module._precisions(first, 1) == ["fp32", "bf16"]
    assert module._precisions(second, 1) == ["fp32", "fp16"]
    assert module._precisions(first, 2) == ["fp32", "fp16"]


@pytest.mark.parametrize(
    ("device", "major", "kept", "asked", "goes_on"),
    [
        ("cuda:0", 7, "bf16", "auto", "fp32"),  # from an A100 to a T4
        ("cuda:0", 8, "bf16", "auto", "bf16"),
        ("cuda:0", 8, "fp16", "auto", "fp16"),
        ("cuda:0", 7, "bf16", "bf16", "bf16"),
        ("cpu", 0, "bf16", "auto", "fp32"),
        ("cpu", 0, "fp16", "auto", "fp32"),
        ("cpu", 0, "fp32", "auto", "fp32"),
    ],
)
def test_a_run_goes_on_in_what_its_new_device_computes(monkeypatch, device, major, kept, asked, goes_on):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda gpu: card(major))
    monkeypatch.setattr(module, "_has_kernels_for_bf16", lambda: False)
    runtime = RunConfig().replace({"runtime.precision": asked}).runtime
    before = Precision(kept, "channels_last", "fastest", step_seconds=0.1)
    now, told = module.taken_up(before, runtime, DeviceChoice(device, "the other one", ""))
    assert (now.precision, now.memory_format) == (goes_on, "channels_last")
    assert (now == before) == (told == "")
    if told:
        assert f"begun in {kept}, which the other one does not compute by itself" in told
