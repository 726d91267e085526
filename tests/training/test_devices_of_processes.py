"""Which device each of the processes of a run takes."""

import pytest
import torch

from labcore.errors import DeviceError
from labcore.training.distributed import SINGLE_PROCESS, DistributedContext


def test_one_gpu_cannot_be_named_for_several_processes():
    with pytest.raises(DeviceError, match="one each"):
        DistributedContext(0, 2, 0, 2).device("cuda:1")


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for wanted in ("auto", "all"):
        with pytest.raises(DeviceError, match="2 processes of this machine need a GPU each, and it has 1 GPU") as told:
            DistributedContext(1, 2, 1, 2).device(wanted)
        assert "--nproc-per-node 1" in told.value.remedy


@pytest.mark.parametrize("wanted", ["auto", "all"])
def test_a_gpu_of_several_that_cannot_be_used_is_named(monkeypatch, wanted):
    """And does not leave its process on the CPU, which the others took for another data set."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("labcore.device._trouble", lambda device: "it is too old")
    with pytest.raises(DeviceError, match="cuda:1 cannot be used: it is too old") as told:
        DistributedContext(1, 2, 1, 2).device(wanted)
    assert "CUDA_VISIBLE_DEVICES" in told.value.remedy


def test_the_gpu_of_a_run_is_the_current_one(monkeypatch):
    from labcore.device import DeviceChoice
    from labcore.training import distributed

    current = []
    monkeypatch.setattr(distributed, "choose_device", lambda wanted: DeviceChoice(wanted, wanted, ""))
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: current.append(str(device)))
    assert SINGLE_PROCESS.device("cuda:1").device == "cuda:1"
    assert SINGLE_PROCESS.device("cpu").device == "cpu"
    assert current == ["cuda:1"]
