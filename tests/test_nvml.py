"""NVML behind its binding: a fake module answers as the documented functions do."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from labcore import nvml

GIGA = 10**9


class NVMLError(Exception):
    pass


class FakeBinding:
    """Two GPUs; what a method is missing is what a card does not support."""

    def __init__(self, buses: tuple[str, ...] = ("00000000:17:00.0", "00000000:65:00.0")) -> None:
        self.buses, self.initialised, self.failure = buses, 0, ""
        self.reasons = [0x01, 0x04 | 0x08 | 0x40]

    def nvmlInit(self) -> None:
        self.initialised += 1
        if self.failure:
            raise NVMLError(self.failure)

    def nvmlDeviceGetCount(self) -> int:
        return len(self.buses)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByPciBusId(self, bus: str) -> int:
        if bus not in self.buses:
            raise NVMLError("Not Found")
        return self.buses.index(bus)

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        return ["GPU-aaaa", "GPU-bbbb"].index(uuid)

    def nvmlDeviceGetIndex(self, handle: int) -> int:
        return handle

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return ["NVIDIA H200", b"NVIDIA T4"][handle]

    def nvmlDeviceGetPciInfo(self, handle: int) -> Any:
        return SimpleNamespace(busId=self.buses[handle])

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=16 * GIGA, used=3 * GIGA, free=13 * GIGA)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        if handle == 1:
            raise NVMLError("Not Supported")
        return SimpleNamespace(gpu=40, memory=10)

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return 250_500

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        return 12_500

    def nvmlDeviceGetClockInfo(self, handle: int, kind: int) -> int:
        return {1: 1200}[kind]

    def nvmlDeviceGetMaxClockInfo(self, handle: int, kind: int) -> int:
        return {1: 1980}[kind]

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: int) -> int:
        return self.reasons[handle]

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=11, usedGpuMemory=GIGA), SimpleNamespace(pid=12, usedGpuMemory=None)]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=11, usedGpuMemory=None), SimpleNamespace(pid=13, usedGpuMemory=5)]


@pytest.fixture
def binding(monkeypatch: pytest.MonkeyPatch) -> FakeBinding:
    fake = FakeBinding()
    monkeypatch.setattr(nvml, "_library", None)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


def test_without_a_library_nothing_is_told_and_nothing_raised(binding: FakeBinding) -> None:
    binding.failure = "NVML Shared Library Not Found"
    assert nvml.samples() == []
    assert nvml.sample_of(torch.device("cuda:0")) is None
    assert nvml.opened() == (None, "NVML Shared Library Not Found")


def test_without_the_binding_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "_library", None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert nvml.samples() == []
    assert "not installed" in nvml.opened()[1]


def test_a_driver_that_is_loaded_later_is_found(binding: FakeBinding) -> None:
    binding.failure = "Driver Not Loaded"
    assert nvml.samples() == []
    binding.failure = ""
    assert len(nvml.samples()) == 2


def test_initialises_once_for_all_threads(binding: FakeBinding) -> None:
    threads = [threading.Thread(target=nvml.samples) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert binding.initialised == 1


def test_a_sample_has_the_units_it_says(binding: FakeBinding) -> None:
    sample = nvml.samples()[0]
    assert (sample.index, sample.name, sample.pci_bus_id) == (0, "NVIDIA H200", "00000000:17:00.0")
    assert (sample.utilisation, sample.memory_used, sample.memory_total) == (0.4, 3 * GIGA, 16 * GIGA)
    assert (sample.power_w, sample.energy_j) == (250.5, 12.5)
    assert (sample.sm_clock_mhz, sample.max_sm_clock_mhz) == (1200, 1980)
    assert sample.throttle_reasons == ()  # idle is no throttling
    assert sample.processes == (nvml.GpuProcess(11, GIGA), nvml.GpuProcess(12, None), nvml.GpuProcess(13, 5))


def test_what_a_card_does_not_tell_is_none(binding: FakeBinding) -> None:
    sample = nvml.samples()[1]
    assert sample.name == "NVIDIA T4"
    assert sample.utilisation is None
    assert sample.temperature_c is None  # the fake has no such function, like a binding that is older or newer
    assert sample.power_limit_w is None


def test_throttling_names_the_cause_and_not_the_general_bit_beside_it(binding: FakeBinding) -> None:
    assert nvml.samples()[1].throttle_reasons == ("power limit reached", "too hot, slowed down by the hardware")
    assert nvml.slowing(0x08) == ("slowed down by the hardware",)
    assert nvml.slowing(None) == ()


def test_a_card_that_fell_off_the_bus_is_left_out(binding: FakeBinding, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(index: int) -> int:
        if index == 0:
            raise NVMLError("GPU is lost")
        return index

    monkeypatch.setattr(binding, "nvmlDeviceGetHandleByIndex", lost)
    assert [sample.index for sample in nvml.samples()] == [1]


@pytest.mark.parametrize(
    ("properties", "index"),
    [
        ({"pci_bus_id": 0x65, "pci_device_id": 0, "pci_domain_id": 0, "uuid": "aaaa"}, 1),  # the bus comes first
        ({"pci_bus_id": 0x17, "pci_device_id": 0, "pci_domain_id": 0}, 0),
        ({"uuid": "bbbb"}, 1),  # a torch that does not tell the bus
        ({}, None),
        ({"pci_bus_id": 0x99, "pci_device_id": 0, "pci_domain_id": 0}, None),
    ],
)
def test_a_torch_device_is_matched_by_its_bus_since_torch_counts_otherwise(
    binding: FakeBinding, monkeypatch: pytest.MonkeyPatch, properties: dict[str, Any], index: int | None
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(**properties))
    sample = nvml.sample_of(torch.device("cuda:0"))
    assert (sample.index if sample else None) == index


def test_how_full_a_card_is_goes_by_its_number_in_torch(binding: FakeBinding, monkeypatch: pytest.MonkeyPatch) -> None:
    used = [4 * GIGA, 15 * GIGA]
    memory = lambda handle: SimpleNamespace(total=16 * GIGA, used=used[handle], free=0)  # noqa: E731
    monkeypatch.setattr(binding, "nvmlDeviceGetMemoryInfo", memory)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    assert (nvml.filled(0), nvml.filled(1)) == (0.0, 0.0)  # an H200 and a T4: CUDA's order may be another one
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert (nvml.filled(0), nvml.filled(1), nvml.filled(2)) == (15 / 16, 4 / 16, 0.0)
    monkeypatch.delenv("CUDA_DEVICE_ORDER")
    monkeypatch.setattr(binding, "nvmlDeviceGetName", lambda handle: "NVIDIA T4")
    assert nvml.filled(0) == 15 / 16


def test_a_cpu_has_no_sample(binding: FakeBinding) -> None:
    assert nvml.sample_of(torch.device("cpu")) is None


@pytest.mark.gpu
def test_the_cards_of_torch_and_nvml_are_the_same() -> None:
    sample = nvml.sample_of(torch.device("cuda:0"))
    assert sample is not None
    assert sample.name == torch.cuda.get_device_name(0)
    assert sample.memory_total > 0
