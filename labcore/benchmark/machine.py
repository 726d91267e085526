"""The machine that a benchmark ran on, for its report: no names of users, hosts or folders."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Sequence
from typing import Any

import torch

from labcore import __version__
from labcore.device import choose_device, cpu_name, cudnn_version, usable_cores
from labcore.errors import DeviceError
from labcore.inference.onnx_route import version_of


def describe(devices: Sequence[str]) -> dict[str, Any]:
    """Versions and devices.

    Raises:
        DeviceError: a device that cannot be used.
    """
    return {
        "labcore": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnxruntime": version_of("onnxruntime"),
        "cuda": torch.version.cuda,
        "cudnn": cudnn_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "devices": [_device(device) for device in devices],
    }


def _device(device: str) -> dict[str, Any]:
    choice = choose_device(device)
    if choice.device == "cpu":
        return {"device": "cpu", "name": choice.name}
    facts = torch.cuda.get_device_properties(choice.torch())
    return {
        "device": choice.device,
        "name": choice.name,
        "memory_bytes": facts.total_memory,
        "compute_capability": f"{facts.major}.{facts.minor}",
        "multiprocessors": facts.multi_processor_count,
    }


def usable_devices() -> list[str]:
    """``cpu``, and every GPU that runs a kernel."""
    found = ["cpu"]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        with contextlib.suppress(DeviceError):
            found.append(choose_device(f"cuda:{index}").device)
    return found


def unsupported(device: torch.device, precision: str) -> str:
    """Why a device cannot compute in a precision; empty where it can."""
    if device.type != "cuda" or precision in ("fp32", "fp16"):
        return ""
    major, minor = torch.cuda.get_device_capability(device)
    if major < 8:  # bf16 would run, emulated; TF32 would be fp32 under another name
        return f"a GPU of compute capability {major}.{minor} has no {precision.upper()}: 8.0 or higher is needed"
    return ""
