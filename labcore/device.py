"""Which device to compute on, with the reason of the choice. torch is imported when a function is called, not before."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labcore import nvml
from labcore.cgroup import Cgroup
from labcore.errors import DeviceError
from labcore.texts import counted

if TYPE_CHECKING:
    import torch


ALL = "all"
"""The device of a run that shares each batch among all GPUs of the machine."""
AUTO_DEVICE = "LABCORE_AUTO_DEVICE"
"""Names, in the environment of a job that leaves its device open, the GPU that the queue has given it."""
CROWDED = 0.5
"""A GPU of several is left to others where they fill so much of its memory."""

THREAD_ENVIRONMENT = {"GOMP_SPINCOUNT": "10000"}
"""Set before torch is loaded in a process that trains: how long a thread of torch waits awake for the others between two pieces
of work. Threads that wait long take the cores of those that work where something else is running too; ones that sleep at once are woken at
each piece. benchmarks/waiting_threads.py compares."""
OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "alloc_failed", "cublas_status_not_initialized", "unable to find an engine",
)  # fmt: skip
"""What torch says, and CUDA's libraries: CUBLAS_STATUS_ALLOC_FAILED and the like. cuBLAS cannot be initialised where there is no room for
it, and cuDNN finds no engine where there is none for any engine's scratch memory."""


@dataclass(frozen=True)
class DeviceChoice:
    """A device by its torch name, what it is called, and why it was chosen: a sentence for people without the final stop."""

    device: str
    name: str
    reason: str

    def torch(self) -> torch.device:
        import torch

        return torch.device(self.device)


def gpu_count() -> int:
    """GPUs that torch can use. It is loaded only where the machine has several, and looking leaves nothing on them."""
    there = nvml.count(nvml.opened()[0])
    return there if there < 2 else cuda_count()


def cuda_count() -> int:
    """The same of a machine that may have several. Where cards are divided (MIG), torch counts cards, but CUDA gives a process one part."""
    import torch

    library = nvml.opened()[0]
    modes = [nvml.ask(library, "nvmlDeviceGetMigMode", handle) for _, handle in nvml.handles(library)]
    if torch.backends.cuda.is_built() and any(mode and mode[0] for mode in modes):
        return int(torch._C._cuda_getDeviceCount())
    return torch.cuda.device_count()


def open_gpus() -> tuple[str, ...]:
    """The GPUs that torch can use, where they are several; else none. Those whose memory others have filled come last."""
    count = gpu_count()
    if count < 2:
        return ()
    crowded = {number: share if (share := nvml.filled(number)) >= CROWDED else 0.0 for number in range(count)}
    return tuple(f"cuda:{number}" for number in sorted(crowded, key=lambda number: crowded[number]))


@cache
def _auto_gpu() -> str:
    """The first of :func:`open_gpus` when this process began to choose: later it fills memory itself."""
    return next(iter(open_gpus()), "cuda:0")


def choose_device(wanted: str = "auto") -> DeviceChoice:
    """Choose a device and prove that it runs a kernel.

    Args:
        wanted: ``auto`` (the GPU that :data:`AUTO_DEVICE` names, without it the first one that others have not filled; the CPU where that
            does not work), ``cpu``, ``cuda``, ``cuda:N``, or ``all``, which in one process is the first GPU.

    Raises:
        DeviceError: a GPU was asked for by name and cannot be used, or the name is none of these.
    """
    import torch

    if wanted == "cpu":
        return DeviceChoice("cpu", cpu_name(), "chosen in the settings")
    if wanted not in ("auto", ALL) and not wanted.startswith("cuda"):
        raise DeviceError(f"there is no device {wanted!r}", "Choose auto, cpu, cuda, cuda:N or all")
    first = "cuda:0" if wanted in ("cuda", ALL) else wanted
    if wanted == "auto":
        first = os.environ.get(AUTO_DEVICE) or _auto_gpu()
    trouble = _trouble(first)
    if not trouble:
        device = torch.device(first)
        name = torch.cuda.get_device_name(device)
        return DeviceChoice(str(device), name, f"{name} passed a test kernel")
    if wanted != "auto":
        what = "all GPUs" if wanted == ALL else wanted
        raise DeviceError(
            f"{what} cannot be used: {trouble}",
            "Choose device cpu or auto, or see the Environment page or `labcore doctor`",
        )
    return DeviceChoice("cpu", cpu_name(), trouble)


def _trouble(device: str) -> str:
    """Why a CUDA device cannot be used; empty where a small kernel ran and gave the right answer."""
    import torch

    if not torch.backends.cuda.is_built():
        return (
            "the lab does not use Apple's GPU"
            if torch.backends.mps.is_available()
            else "this build of PyTorch has no CUDA"
        )
    if not torch.cuda.is_available():
        if count := nvml.count(nvml.opened()[0]):
            its = "NVIDIA GPU" if count == 1 else f"{count} NVIDIA GPUs"
            return f"PyTorch cannot use this machine's {its} (`labcore doctor` says why)"
        return "no NVIDIA GPU found"
    try:
        number = torch.device(device).index or 0
        if number >= (there := torch.cuda.device_count()):
            are = "is" if there == 1 else "are"
            return f"there {are} {counted(there, 'GPU')}, numbered from cuda:0"
        ones = torch.ones(64, 64, device=device)
        if float((ones @ ones).sum()) != 64.0**3:
            return "a test kernel gave a wrong result"
    except (RuntimeError, AssertionError, torch.cuda.DeferredCudaCallError) as error:
        return f"a test kernel failed: {str(error).splitlines()[0]}"
    return ""


def has_bf16(gpu: torch.device | int) -> bool:
    """Whether a GPU computes bf16 by itself. torch's own question is about the current one, which is another in each thread."""
    import torch

    return bool(torch.version.hip) or int(torch.cuda.get_device_properties(gpu).major) >= 8


def cpu_name() -> str:
    """What the processor calls itself, with the number of cores this process may use."""
    name = "CPU"
    try:
        with Path("/proc/cpuinfo").open() as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        import platform

        name = _sysctl("machdep.cpu.brand_string") or platform.processor() or name
    return f"{name}, {usable_cores()} cores"


@cache
def _sysctl(name: str) -> str:
    """What macOS tells under a name; "" where it has none of that name, and elsewhere."""
    if sys.platform != "darwin":
        return ""
    import subprocess

    try:
        command = ["/usr/sbin/sysctl", "-n", name]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


Arithmetic = Literal["bf16", "avx512", "other"]


def arithmetic() -> Arithmetic:
    """What this processor computes networks in that decides how fast it is: bf16, fp32 with AVX-512, or fp32 with less. Needs no torch."""
    try:
        return arithmetic_of(Path("/proc/cpuinfo").read_text())
    except OSError:
        return "other"


def arithmetic_of(cpuinfo: str) -> Arithmetic:
    """The same, by what Linux tells of a processor."""
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "").split()
    if "avx512_bf16" in flags or "amx_bf16" in flags:
        return "bf16"
    return "avx512" if "avx512f" in flags else "other"


def usable_cores() -> int:
    """Cores that this process may use: its affinity, and a container's quota where there is one. Of an Apple processor the performance
    cores, as torch does by itself: shares of a step are equal, and all would wait for those on the efficiency cores."""
    if fast := _sysctl("hw.perflevel0.physicalcpu"):
        return int(fast)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, max(1, round(Cgroup().cores() or cores)))


def synchronise(device: torch.device) -> None:
    """Wait until all that was asked of a GPU is done."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def allow_tf32(allowed: bool) -> None:
    """Allow or forbid TF32 in matrix products and convolutions.

    In the older of torch's two ways: the newer one makes every reader of the older raise, torch.compile among them.
    """
    set_tf32((allowed, allowed))


def tf32_settings() -> tuple[bool, bool]:
    """Whether TF32 is allowed in matrix products and in convolutions, for :func:`set_tf32`."""
    import torch

    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def set_tf32(allowed: tuple[bool, bool]) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*TF32.*")  # some releases of torch recommend the newer way
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed


@contextmanager
def full_fp32() -> Iterator[None]:
    """No TF32 inside: what a GPU computes in fp32 is then as exact as on a CPU."""
    before = tf32_settings()
    allow_tf32(False)
    try:
        yield
    finally:
        set_tf32(before)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch or Python means that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        type(error).__name__ == "OutOfMemoryError" or any(words in text for words in OUT_OF_MEMORY)
    )


def cudnn_version() -> int | None:
    """As 91900; None where there is none, or where another cuDNN lies in the way of PyTorch's own, which the doctor tells."""
    import torch

    try:
        return torch.backends.cudnn.version()
    except RuntimeError:
        return None
