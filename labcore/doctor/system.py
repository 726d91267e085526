"""Reads the machine: container, driver files, environment, processor, memory, disk, versions. Needs no torch and no GPU."""

from __future__ import annotations

import os
import platform
import re
import shutil
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from labcore import builtin
from labcore.cgroup import Cgroup
from labcore.device import cpu_name
from labcore.doctor.readings import System
from labcore.doctor.sounds import audio_formats
from labcore.errors import LabError
from labcore.inference.route_memory import known_route, network_of
from labcore.workspace import Workspace

VARIABLES = (
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "PYTORCH_NVML_BASED_CUDA_CHECK", "CUDA_LAUNCH_BLOCKING", "OMP_NUM_THREADS",
)  # fmt: skip
"""Environment variables that decide about devices. Others are nobody's business."""
FLAGS = (
    "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",
    "asimd", "sve", "bf16", "i8mm",
)  # fmt: skip
PACKAGES = (
    "torch", "torchaudio", "torchvision", "numpy", "soundfile", "soxr", "streamlit", "pydantic", "safetensors", "pandas",
    "plotly", "scikit-learn", "tensorboard", "timm", "psutil", "nvidia-ml-py", "filelock",
    "onnx", "onnxruntime",
)  # fmt: skip
LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
    "/usr/local/nvidia/lib64",
)


def read_system(workspace: Workspace, root: Path = Path("/")) -> System:
    """What can be read of the machine.

    Args:
        root: of the file system that is read; another one in tests.
    """
    import psutil

    memory, limit = psutil.virtual_memory(), Cgroup().memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    disk, shared = _disk(_there(workspace.home)), _disk(root / "dev/shm")
    nodes, closed = device_nodes(root)
    nvidia, amd = pci_devices(root)
    return System(
        os=platform.system(),
        machine=platform.machine(),
        wsl=is_wsl(root),
        container=container_kind(root),
        pci_nvidia=nvidia,
        pci_amd=amd,
        nouveau=(root / "sys/module/nouveau").exists() and not (root / "sys/module/nvidia").exists(),
        kernel_driver=kernel_driver(root),
        library_driver=library_driver(root),
        nodes=nodes,
        closed_nodes=closed,
        environment={name: os.environ[name] for name in VARIABLES if name in os.environ},
        cpu=cpu_name().rpartition(",")[0],
        cpu_flags=cpu_flags(root),
        cores=os.cpu_count() or 1,
        usable_cores=min(cores, Cgroup().cores() or cores),
        memory_total=memory.total,
        memory_limit=limit[1] if limit else 0,
        memory_available=min(memory.available, limit[1] - limit[0]) if limit else memory.available,
        shared_total=shared[0],
        shared_free=shared[1],
        disk_total=disk[0],
        disk_free=disk[1],
        workspace_writable=os.access(_there(workspace.home), os.W_OK),
        versions=versions(),
        audio=audio_formats(),
        route=_route(workspace),
    )


def is_wsl(root: Path) -> bool:
    return (root / "dev/dxg").exists() or "microsoft" in _text(root / "proc/version").lower()


def container_kind(root: Path) -> str:
    """docker, podman, kubernetes, other, or "" outside of containers. A virtual machine is none."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    groups = _text(root / "proc/1/cgroup")
    for mark, kind in (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "other")):
        if mark in groups:
            return kind
    named = os.environ.get("container", "")  # noqa: SIM112, the name that systemd and podman agreed on
    return ("docker" if named == "docker" else "podman" if named == "podman" else "other") if named else ""


def pci_devices(root: Path) -> tuple[int, int]:
    """Display controllers and processing accelerators of NVIDIA and of AMD. A container sees those of its host."""
    found = {"0x10de": 0, "0x1002": 0}
    with suppress(OSError):
        for device in (root / "sys/bus/pci/devices").iterdir():
            vendor, kind = _text(device / "vendor").strip(), _text(device / "class").strip()
            if vendor in found and kind.startswith(("0x03", "0x12")):
                found[vendor] += 1
    return found["0x10de"], found["0x1002"]


def device_nodes(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The device nodes that GPUs are reached through, and those of them that this process may not open."""
    names = ("nvidiactl", "nvidia-uvm", "nvidia-modeset", "dxg", "kfd")
    found = [root / "dev" / name for name in names if (root / "dev" / name).exists()]
    with suppress(OSError):
        found += sorted(path for path in (root / "dev").iterdir() if re.fullmatch(r"nvidia\d+", path.name))
    shown = {path: f"/dev/{path.name}" for path in found}
    return tuple(shown.values()), tuple(shown[path] for path in found if not os.access(path, os.R_OK | os.W_OK))


def kernel_driver(root: Path) -> str:
    """The version of NVIDIA's kernel module that is loaded, "" where none is."""
    told = _text(root / "sys/module/nvidia/version").strip()
    match = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", _text(root / "proc/driver/nvidia/version"))
    return told or (match.group(1) if match else "")


def library_driver(root: Path) -> str:
    """The version of NVIDIA's driver libraries, off their file names."""
    for folder in LIBRARIES:
        with suppress(OSError):
            for path in sorted((root / folder.lstrip("/")).glob("libnvidia-ml.so.*")):
                version = path.name.removeprefix("libnvidia-ml.so.")
                if "." in version:
                    return version
    return ""


def cpu_flags(root: Path) -> tuple[str, ...]:
    """The processor's features that matter here."""
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", _text(root / "proc/cpuinfo"), re.MULTILINE)
    told = set(match.group(1).split()) if match else set()
    return tuple(flag for flag in FLAGS if flag in told)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that the lab uses; "" for one that is not installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    with suppress(ImportError, OSError, AttributeError):
        import soundfile

        found["libsndfile"] = soundfile.__libsndfile_version__
    return found


def _route(workspace: Workspace) -> str:
    """Why the built-in network is computed as it is on a CPU here; "" where that was not measured yet."""
    with suppress(LabError, OSError):
        run = builtin.require_weights()
        known = known_route(workspace, network_of(run.config, len(run.load("labels", []))))
        return known.reason if known else ""
    return ""


def _there(path: Path) -> Path:
    """The nearest folder that exists: looking makes none."""
    return next((each for each in (path, *path.parents) if each.exists()), Path("/"))


def _disk(path: Path) -> tuple[int, int]:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return 0, 0
    return usage.total, usage.free


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
