"""What follows from the readings at once, for all checks to share; and how checks write sizes and commands."""

from __future__ import annotations

import re

from labcore.doctor.drivers import too_old, wheel_for
from labcore.doctor.readings import Gpu, Readings

GIB = 1024**3


def has_nvidia(readings: Readings) -> bool:
    """Whether anything tells of an NVIDIA GPU, usable or not. A container sees traces of its host's."""
    system, nvml = readings.system, readings.nvml
    return bool(nvml.count or nvml.gpus or system.pci_nvidia or system.kernel_driver or gpu_nodes(readings))


def gpu_nodes(readings: Readings) -> list[str]:
    return [node for node in readings.system.nodes if re.fullmatch(r"/dev/nvidia\d+", node)]


def withheld(readings: Readings) -> bool:
    """Whether this is a container whose host has an NVIDIA GPU that was not handed in."""
    return bool(
        readings.system.container and has_nvidia(readings) and not readings.nvml.gpus and not gpu_nodes(readings)
    )


def seen(readings: Readings) -> int:
    """GPUs that torch counts."""
    return readings.torch.count if readings.torch else 0


def driver_of(readings: Readings) -> str:
    """The driver's version; that of its libraries where the kernel still holds another, until the next restart."""
    updated = readings.system.library_driver if "mismatch" in readings.nvml.error.lower() else ""
    return readings.nvml.driver or updated or readings.system.kernel_driver


def windows(readings: Readings) -> bool:
    """Whether the driver is one for Windows: WSL uses that of the Windows around it."""
    return readings.system.wsl or readings.system.os == "Windows"


def driver_too_old(readings: Readings) -> bool:
    """Whether the driver is older than this torch needs, and CUDA does not start either (a compatibility package can make it)."""
    torch = readings.torch
    return bool(torch and too_old(driver_of(readings), torch.cuda, windows(readings)) and not torch.count)


def hidden_by(readings: Readings) -> str:
    """The environment variable that hides all GPUs from torch; "" where none does."""
    torch, environment = readings.torch, readings.system.environment
    if torch is None or torch.error or torch.count or not readings.nvml.gpus or driver_too_old(readings):
        return ""
    if not (torch.cuda or torch.hip) or no_instances(readings):
        return ""
    value = environment.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return ""
    first = value.split(",")[0].strip()
    shows = first.isdecimal() and int(first) < readings.nvml.count
    return "" if shows or torch.warning else "CUDA_VISIBLE_DEVICES"


def no_instances(readings: Readings) -> bool:
    """Whether MIG is on for every card, and none is divided: CUDA sees nothing then."""
    gpus = readings.nvml.gpus
    return bool(gpus) and all(gpu.mig and not gpu.mig_instances for gpu in gpus)


def names(readings: Readings) -> str:
    """What the GPUs are called: "NVIDIA H200", "2 × NVIDIA H200", "NVIDIA T4 and NVIDIA A10"."""
    found = [gpu.name for gpu in readings.nvml.gpus]
    if readings.torch and not found:
        found = [device.name for device in readings.torch.devices]
    counted = [name if found.count(name) == 1 else f"{found.count(name)} × {name}" for name in dict.fromkeys(found)]
    return " and ".join(filter(None, [", ".join(counted[:-1]), *counted[-1:]])) or "The NVIDIA GPU"


def called(gpu: Gpu) -> str:
    return f"GPU {gpu.index} ({gpu.name})"


def size(count: float | None) -> str:
    """Bytes for people: ``"1.5 GiB"``, ``"640 MiB"``."""
    if count is None:
        return "unknown"
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 1024**2:.0f} MiB"


def install_torch(readings: Readings, wheel: str = "") -> str:
    """The command that installs a torch build with CUDA for the driver that is there."""
    index = wheel or wheel_for(driver_of(readings), windows(readings)) or "cu126"
    version = readings.torch.version.partition("+")[0] if readings.torch else ""
    pinned = "==2.7.1" if index == "cu118" else f"=={version}" if re.fullmatch(r"[\d.]+", version) else ""
    return f"$ pip install --force-reinstall torch{pinned} torchaudio torchvision --index-url https://download.pytorch.org/whl/{index}"
