import torch
from torch import nn

from labcore.config import RunConfig
from labcore.device import choose_device
from labcore.training import precision as module
from labcore.training.precision import Precision, choose_precision
from labcore.workspace import Workspace

SHAPE = (4, 1, 16, 16)


def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def test_what_is_configured_is_taken_without_timing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_time", None)
    config = RunConfig().changed({"runtime.precision": "bf16", "runtime.memory_format": "channels_last"})
    choice = choose_precision(config, network(), SHAPE, choose_device("cpu"), Workspace(tmp_path))
    assert (choice.precision, choice.memory_format, choice.reason) == ("bf16", "channels_last", "as configured")


def test_the_fastest_is_taken_and_remembered(tmp_path, monkeypatch):
    calls = []

    def fake(candidates, network, shape, device):
        calls.append(candidates)
        return {
            candidate: 0.5 if candidate.precision == "fp32" else 0.1 + index
            for index, candidate in enumerate(candidates)
        }

    monkeypatch.setattr(module, "_time", fake)
    config, workspace = RunConfig(), Workspace(tmp_path)
    first = choose_precision(config, network(), SHAPE, choose_device("cpu"), workspace)
    assert (first.precision, first.memory_format) == ("fp32", "contiguous")
    assert "4 ways" in first.reason
    assert choose_precision(config, network(), SHAPE, choose_device("cpu"), workspace) == first
    assert len(calls) == 1
    choose_precision(config, network(), (8, 1, 16, 16), choose_device("cpu"), workspace)
    assert len(calls) == 2


def test_timing_leaves_the_network_as_it_was(tmp_path):
    net = network()
    before = [parameter.clone() for parameter in net.parameters()]
    choice = choose_precision(RunConfig(), net, SHAPE, choose_device("cpu"), Workspace(tmp_path))
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

    assert set(module._time([good, bad], Breaks(), SHAPE, torch.device("cpu"))) == {good}
