"""Does this PyTorch fit the hardware: its build, the cards it was compiled for, its libraries, what it sees and what is hidden?"""

from __future__ import annotations

import re
from collections.abc import Callable

from labcore.doctor.drivers import numbers
from labcore.doctor.privacy import scrub
from labcore.doctor.readings import HIDING, Readings, Torch
from labcore.doctor.report import REINSTALL_TORCH, Check, question, size
from labcore.texts import counted

GROUP = "PyTorch"
OLDEST_OF = {"cu126": (5, 0), "cu128": (7, 0), "cu130": (7, 5)}
"""The oldest compute capability in PyTorch's wheels, by index; Blackwell (10.0 and 12.0) is in cu128 and later."""

STRANGERS = {"newer": "is newer than all", "older": "is older than all", "foreign": "is none of those"}
"""How a card and a build do not go together, as :func:`fit` tells it → in words."""


def checks(readings: Readings) -> list[Check]:
    torch = readings.torch
    if torch is None:
        return []
    found = [build(readings, torch)]
    if not torch.version:
        return found
    if torch.cuda:
        found.append(architectures(readings, torch))
    if torch.cuda or torch.hip:
        found.append(libraries(torch))
    return [*found, availability(readings, torch), visible(readings, torch)]


def build(readings: Readings, torch: Torch) -> Check:
    kinds = {f"CUDA {torch.cuda}": torch.cuda, f"ROCm {torch.hip}": torch.hip, "Apple's MPS": torch.mps}
    kind = next((kind for kind, there in kinds.items() if there), "")
    evidence = {"version": torch.version or "not loaded", "built for": kind or "the CPU only"}
    told = question("torch_build", GROUP, "Build", evidence)
    if not torch.version:
        evidence["error"] = torch.error
        return told(
            "error",
            f"PyTorch cannot be loaded: {torch.error}",
            f"Reinstall it with matching packages:\n{REINSTALL_TORCH}",
        )
    if torch.error:
        evidence["error"] = torch.error
        return told(
            "error",
            f"PyTorch crashes when it looks for GPUs: {torch.error}",
            "The driver hangs or crashes: restart the machine. Until then, hide the GPU to work on the CPU:\n"
            "$ sudo reboot\n$ export CUDA_VISIBLE_DEVICES=-1",
        )
    if kind:
        if torch.hip and readings.has_nvidia and not readings.system.pci_amd:
            return told(
                "error", f"This PyTorch is built for AMD's {kind}, but the GPU is NVIDIA's", readings.install_torch()
            )
        return told("ok", f"PyTorch {torch.version} is built for {kind}")
    if readings.nvml.gpus:
        return told(
            "error",
            f"PyTorch {torch.version} is a CPU-only build, but there is a GPU",
            f"Install the build with CUDA for this driver:\n{readings.install_torch()}",
        )
    if readings.system.pci_amd and not readings.has_nvidia:
        return told(
            "info",
            f"PyTorch {torch.version} is a CPU-only build; there is an AMD graphics device",
            "If ROCm supports it, install the ROCm build from https://pytorch.org/get-started/locally/",
        )
    return told("ok", f"PyTorch {torch.version} is a CPU-only build; no GPU was found")


def architectures(readings: Readings, torch: Torch) -> Check:
    cards = {device.device: (device.name, device.capability) for device in torch.devices if device.capability}
    if not cards:
        cards = {f"GPU {gpu.index}": (gpu.name, gpu.capability) for gpu in readings.nvml.gpus if gpu.capability}
    evidence = {where: f"{name}: compute capability {capability}" for where, (name, capability) in cards.items()}
    evidence["compiled for"] = ", ".join(torch.architectures) or "unknown"
    told = question("architectures", GROUP, "Compute capability", evidence)
    if not cards or not torch.architectures:
        return told("info", "No GPU to check")
    fits = {where: fit(capability, torch.architectures) for where, (_, capability) in cards.items()}
    bad = [where for where, how in fits.items() if how in STRANGERS]
    if not bad:
        if late := [where for where, how in fits.items() if how == "translated"]:
            return told(
                "info", f"{', '.join(late)}: newer than the build; the driver compiles its kernels at first use"
            )
        return told("ok", "This PyTorch supports all cards")
    (name, capability), how = cards[bad[0]], fits[bad[0]]
    status = "error" if len(bad) == len(cards) else "warning"
    summary = f"{name} (compute capability {capability}) {STRANGERS[how]} that this PyTorch was compiled for"
    if how == "older":
        able = next((wheel for wheel, oldest in OLDEST_OF.items() if numbers(capability or "") >= oldest), "")
        build = f"Install a build for older cards:\n{readings.install_torch(able)}"
        remedy = build if able else "No current PyTorch supports it: use the CPU."
        if len(bad) < len(cards):
            remedy += "\nOr hide the card: list the others in CUDA_VISIBLE_DEVICES."
        return told(status, summary, remedy)
    newest = readings.wheel if readings.wheel in ("cu128", "cu130") else "cu128"
    update = f"pip install --upgrade torch torchaudio torchvision --index-url https://download.pytorch.org/whl/{newest}"
    return told(
        status,
        summary,
        f"Install a newer build of PyTorch:\n$ {update}\nIf that does not support the card either, use the nightly build.",
    )


def fit(capability: str | None, compiled: tuple[str, ...]) -> str:
    """How a card and the architectures of a build go together.

    Binaries run on cards of the same major version and at least their minor one; PTX ("compute_…") is translated by the driver for any
    newer card. Binaries with a letter run on exactly that chip (a) or its family (f).

    Returns:
        compiled, translated, newer (the card is, than all of them), older, or foreign (none of them, in between).
    """
    card = numbers(capability or "")
    if len(card) != 2:
        return "compiled"
    binaries, portable = [], []
    for name in compiled:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", name)
        if match:
            version = (int(match[2]), int(match[3]))
            if match[1] == "compute":
                portable += [] if match[4] else [version]
            elif match[4] != "a" or version == card:
                binaries.append(version)
    if not binaries and not portable:
        return "compiled"  # a build that names its architectures otherwise
    if any(major == card[0] and minor <= card[1] for major, minor in binaries):
        return "compiled"
    if any(version <= card for version in portable):
        return "translated"
    known = binaries + portable
    return "newer" if card > max(known) else "older" if card < min(known) else "foreign"


def libraries(torch: Torch) -> Check:
    evidence = {
        "CUDA runtime": torch.runtime or torch.cuda or torch.hip,
        "cuDNN loaded": torch.cudnn or "none",
        "NCCL": torch.nccl or "none",
    }
    told = question("cuda_libraries", GROUP, "CUDA libraries", evidence)
    if torch.cudnn_error:
        evidence["error"] = torch.cudnn_error
        return told(
            "error",
            "A cuDNN other than the one of this PyTorch is loaded",
            "Remove other CUDA folders from LD_LIBRARY_PATH:\n$ unset LD_LIBRARY_PATH",
        )
    kind = f"CUDA runtime {evidence['CUDA runtime']}" if torch.cuda else f"ROCm {torch.hip}"
    return told("ok", f"{kind}, cuDNN {evidence['cuDNN loaded']}, NCCL {evidence['NCCL']}")


def availability(readings: Readings, torch: Torch) -> Check:
    evidence = {
        "is_available": str(torch.available),
        "devices": str(torch.count),
        "current device": torch.current or "none",
    }
    for device in torch.devices:
        free = "" if device.memory_free is None else f", {size(device.memory_free)} free"
        error = f": {device.error}" if device.error else ""
        evidence[device.device] = f"{device.name}, {size(device.memory_total)}{free}{error}"
    evidence |= {"PyTorch error": torch.warning} if torch.warning else {}
    told = question("availability", GROUP, "GPUs that PyTorch sees", evidence)
    if torch.count:
        return _seen(torch, told)
    if torch.mps:
        return told("info", "PyTorch sees the GPU of this Apple processor (mps), which the lab does not use")
    if readings.hidden:
        return told("info", "PyTorch sees no GPU: all are hidden from it")
    if not readings.nvml.gpus or not torch.cuda:
        return told("info", "PyTorch sees no GPU: everything runs on the CPU")
    useless = "The driver finds a GPU, but PyTorch cannot use it"
    if readings.driver_too_old:
        return told("error", f"{useless}, see the driver's version above")
    if readings.no_instances:
        return told("error", f"{useless}, see MIG below")
    return told(
        "error",
        useless,
        "Load the kernel module that CUDA needs, and see which error PyTorch reports.\n"
        "$ sudo modprobe nvidia-uvm\n$ python -c \"import torch; torch.zeros(1, device='cuda')\"",
    )


def _seen(torch: Torch, told: Callable[..., Check]) -> Check:
    failing = [device.device for device in torch.devices if device.error]
    if failing:
        status = "error" if len(failing) == torch.count else "warning"
        summary = f"No CUDA context can be created on {', '.join(failing)}"
        if all("out of memory" in device.error for device in torch.devices if device.error):
            return told(status, f"{summary}: out of memory", "See GPU memory below.")
        again = "Restart the machine; if it fails again, read the kernel log.\n$ sudo dmesg | grep -iE 'nvrm|xid'"
        return told(status, summary, again)
    return told("ok", f"PyTorch sees {counted(torch.count, 'GPU')}: {', '.join(d.name for d in torch.devices)}")


def visible(readings: Readings, torch: Torch) -> Check:
    told_by = {name: scrub(value) for name, value in readings.system.environment.items() if "DEVICE" in name}
    evidence = {name: value or '""' for name, value in told_by.items()} or {"set": "none"}
    told = question("visible_devices", GROUP, "GPU visibility", evidence)
    if readings.hidden:
        return told(
            "warning",
            f"{HIDING}={evidence[HIDING]} hides {readings.names} from PyTorch",
            f"Unset the variable, or list the GPUs to use, and restart the lab.\n$ unset {HIDING}",
        )
    limits = [name for name in told_by if name.endswith("VISIBLE_DEVICES") and name != "NVIDIA_VISIBLE_DEVICES"]
    if not limits:
        return told("ok", "No environment variable hides a GPU")
    if readings.withheld or not readings.nvml.count:
        return told("info", f"{limits[0]} is set, but there is no GPU")
    return told(
        "info", f"{limits[0]}={told_by[limits[0]]} lets PyTorch see {torch.count} of {readings.nvml.count} GPUs"
    )
