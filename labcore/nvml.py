"""What the NVIDIA driver tells about its GPUs, through NVML. Nothing here raises where there is no NVML, no driver or no GPU.

NVML counts all GPUs of the machine by their place on the PCI bus; CUDA counts those that ``CUDA_VISIBLE_DEVICES`` leaves, in
its own order. So an index here is not an index of torch: :func:`sample_of` finds the one that a torch device is.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SLOWING = {
    0x02: "clocks lowered by a user",
    0x04: "power limit reached",
    0x08: "slowed down by the hardware",
    0x10: "synchronised with the clocks of another GPU",
    0x20: "too warm, slowed down by the driver",
    0x40: "too hot, slowed down by the hardware",
    0x80: "power brake: limited by the power supply",
    0x100: "clocks set by the display",
    0x200: "board limit reached",
    0x400: "voltage limit reached",
}
"""NVML's reasons for lower clocks, by bit. Bit 0x01, an idle GPU, is no reason to worry and left out."""

_HARDWARE, _HARDWARE_TOLD = 0x08, 0x40 | 0x80  # the general bit comes along with those that say which


@dataclass(frozen=True)
class GpuProcess:
    """A process on a GPU. In a container the number may be the host's; ``bytes_used`` is None where the driver does not tell."""

    pid: int
    bytes_used: int | None


@dataclass(frozen=True)
class GpuSample:
    """One look at one GPU; None where the card or its driver does not tell.

    ``utilisation`` is a share of 1, memory is in bytes (0 where it is not told: chips that share the CPU's memory), clocks are of
    the streaming multiprocessors, ``energy_j`` is the total in joules since the driver was loaded. ``throttle_reasons`` names in
    words what slows the card down now.
    """

    index: int
    name: str
    pci_bus_id: str = ""
    utilisation: float | None = None
    memory_used: int = 0
    memory_total: int = 0
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    sm_clock_mhz: int | None = None
    max_sm_clock_mhz: int | None = None
    throttle_reasons: tuple[str, ...] = ()
    processes: tuple[GpuProcess, ...] = ()
    energy_j: float | None = None


_lock = threading.Lock()
_library: Any = None


def opened() -> tuple[Any, str]:
    """The module ``pynvml`` with NVML initialised, and an empty text; else None and NVML's own word why not.

    Initialises once. What failed is tried again at the next call: a driver may be loaded in between.
    """
    global _library
    with _lock:
        if _library is not None:
            return _library, ""
        try:
            import pynvml

            pynvml.nvmlInit()
        except ImportError:
            return None, "nvidia-ml-py is not installed"
        except Exception as error:  # NVMLError has a class a code; a damaged library raises others
            return None, str(error) or type(error).__name__
        _library = pynvml
        return _library, ""


def ask(library: Any, function: str, *arguments: Any) -> Any:
    """What an NVML function answers; None where the card, the driver or the binding has no answer."""
    try:
        return getattr(library, function)(*arguments)
    except Exception:  # not supported, no permission, GPU lost, function unknown: all mean that it is not told
        return None


def handles(library: Any) -> list[tuple[int, Any]]:
    """Index and NVML handle of each GPU that answers."""
    found = [(index, ask(library, "nvmlDeviceGetHandleByIndex", index)) for index in range(count(library))]
    return [(index, handle) for index, handle in found if handle is not None]


def count(library: Any) -> int:
    """GPUs that the driver knows, also those that do not answer."""
    return int(ask(library, "nvmlDeviceGetCount") or 0)


def samples() -> list[GpuSample]:
    """A look at every GPU. Empty without NVML. Cheap (a millisecond or so a GPU), and safe to call from any thread."""
    library, _ = opened()
    if library is None:
        return []
    return [sample(library, index, handle) for index, handle in handles(library)]


def sample_of(torch_device: torch.device) -> GpuSample | None:
    """A look at the GPU that a torch device is, None for a device that NVML does not know.

    They are matched by PCI bus, or by the card's UUID where torch is too old to tell the bus. A MIG slice gives the whole card.
    """
    library, _ = opened()
    if library is None or torch_device.type != "cuda":
        return None
    import torch

    try:
        properties = torch.cuda.get_device_properties(torch_device)
    except (RuntimeError, AssertionError):  # no such device, or a build of torch without CUDA
        return None
    uuid = getattr(properties, "uuid", None)
    if address := pci_address(properties):
        handle = ask(library, "nvmlDeviceGetHandleByPciBusId", address)
    else:
        handle = ask(library, "nvmlDeviceGetHandleByUUID", f"GPU-{uuid}") if uuid else None
    if handle is None:
        return None
    index = ask(library, "nvmlDeviceGetIndex", handle)
    return sample(library, -1 if index is None else int(index), handle)


def filled(number: int) -> float:
    """The share of a GPU's memory that is in use, without a trace on it. ``number`` is torch's, N of ``cuda:N``.

    0.0 where nobody tells, and with cards of several kinds: CUDA counts those in an order of its own, unless ``CUDA_DEVICE_ORDER`` is
    ``PCI_BUS_ID``.
    """
    library, _ = opened()
    cards = dict(handles(library))
    kinds = {_text(ask(library, "nvmlDeviceGetName", handle)) for handle in cards.values()}
    if len(kinds) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        return 0.0
    import torch

    handle = cards.get(ask(torch.cuda, "_get_nvml_device_index", number))
    memory = None if handle is None else ask(library, "nvmlDeviceGetMemoryInfo", handle)
    return memory.used / memory.total if memory is not None and memory.total else 0.0


def pci_address(properties: Any) -> str:
    """Where a card sits on the PCI bus, off what torch tells of it; "" where torch is too old to tell."""
    bus = getattr(properties, "pci_bus_id", None)
    if not isinstance(bus, int):
        return ""
    return f"{properties.pci_domain_id:08X}:{bus:02X}:{properties.pci_device_id:02X}.0"


def slowing(bits: int | None) -> tuple[str, ...]:
    """NVML's bits of throttle reasons in words."""
    bits = bits or 0
    if bits & _HARDWARE_TOLD:
        bits &= ~_HARDWARE
    return tuple(words for bit, words in SLOWING.items() if bits & bit)


def throttle_bits(library: Any, handle: Any) -> int | None:
    """The bits for :func:`slowing`, under the function's new name or, on older drivers, its old one."""
    bits = ask(library, "nvmlDeviceGetCurrentClocksEventReasons", handle)
    return ask(library, "nvmlDeviceGetCurrentClocksThrottleReasons", handle) if bits is None else bits


def sample(library: Any, index: int, handle: Any) -> GpuSample:
    """A look at the GPU behind an NVML handle."""

    def told(function: str, *arguments: Any) -> Any:
        return ask(library, function, handle, *arguments)

    def scaled(value: Any, divisor: float) -> float | None:
        return None if value is None else value / divisor

    memory, rates = told("nvmlDeviceGetMemoryInfo"), told("nvmlDeviceGetUtilizationRates")
    bus = told("nvmlDeviceGetPciInfo")
    return GpuSample(
        index=index,
        name=_text(told("nvmlDeviceGetName")) or "NVIDIA GPU",
        pci_bus_id=_text(getattr(bus, "busId", "")),
        utilisation=None if rates is None else rates.gpu / 100,
        memory_used=0 if memory is None else int(memory.used),
        memory_total=0 if memory is None else int(memory.total),
        temperature_c=scaled(told("nvmlDeviceGetTemperature", 0), 1),  # 0: the sensor on the chip
        power_w=scaled(told("nvmlDeviceGetPowerUsage"), 1000),
        power_limit_w=scaled(told("nvmlDeviceGetEnforcedPowerLimit"), 1000),
        sm_clock_mhz=told("nvmlDeviceGetClockInfo", 1),  # 1: the streaming multiprocessors
        max_sm_clock_mhz=told("nvmlDeviceGetMaxClockInfo", 1),
        throttle_reasons=slowing(throttle_bits(library, handle)),
        processes=_processes(library, handle),
        energy_j=scaled(told("nvmlDeviceGetTotalEnergyConsumption"), 1000),
    )


def _processes(library: Any, handle: Any) -> tuple[GpuProcess, ...]:
    """Those that compute and those that draw, each once."""
    found: dict[int, int | None] = {}
    for kind in ("Compute", "Graphics"):
        for process in ask(library, f"nvmlDeviceGet{kind}RunningProcesses", handle) or ():
            used = process.usedGpuMemory
            found[int(process.pid)] = max(filter(None, (found.get(process.pid), used)), default=used)
    return tuple(GpuProcess(pid, used) for pid, used in found.items())


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
