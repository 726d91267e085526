"""The raw facts that the doctor judges: of the system, of the driver, of torch; and what follows from them at once.
Nothing but data, so that a machine can be replayed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from labcore.doctor.drivers import too_old, wheel_for
from labcore.nvml import GpuSample

HIDING = "CUDA_VISIBLE_DEVICES"
"""The environment variable that can hide GPUs from torch."""


class _Exact:
    """Has no other fields than its own."""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class System(_Exact):
    """The machine and what runs on it. Memory and disk in bytes; 0 where it is not known."""

    os: str = "Linux"
    machine: str = "x86_64"
    wsl: bool = False
    container: str = ""  # docker, podman, kubernetes, other; "" outside
    pci_nvidia: int = 0  # display and compute devices on the PCI bus, whether they have a driver or not
    pci_amd: int = 0
    nouveau: bool = False  # the free driver holds the card
    kernel_driver: str = ""  # version of NVIDIA's kernel module
    library_driver: str = ""  # version of its libraries
    nodes: tuple[str, ...] = ()  # device nodes that are there
    closed_nodes: tuple[str, ...] = ()  # those of them that this process may not open
    environment: dict[str, str] = field(default_factory=dict)  # variables that choose devices
    cpu: str = "CPU"
    cpu_flags: tuple[str, ...] = ()  # those that matter
    cores: int = 1
    usable_cores: float = 1.0  # within affinity and cgroup quota
    memory_total: int = 0
    memory_limit: int = 0  # of the cgroup
    memory_available: int = 0
    shared_total: int = 0
    shared_free: int = 0
    disk_total: int = 0
    disk_free: int = 0
    workspace_writable: bool = True
    versions: dict[str, str] = field(default_factory=dict)
    audio: dict[str, str] = field(default_factory=dict)  # format → what is wrong with it, "" where it decodes
    route: str = ""  # why the built-in network is computed as it is on a CPU; "" where that was not measured


@dataclass(frozen=True)
class Holder(_Exact):
    """A process that holds memory of a GPU."""

    pid: int
    name: str = ""
    bytes_used: int | None = None


@dataclass(frozen=True)
class Gpu(GpuSample, _Exact):
    """A card as NVML tells of it, more than a sample of the live panel holds; None where it does not."""

    capability: str | None = None
    compute_mode: int | None = None  # 0: several processes at once, 2: none, 3 (formerly also 1): one at a time
    mig: bool | None = None
    mig_instances: tuple[str, ...] = ()
    ecc: bool | None = None
    ecc_uncorrected: int | None = None  # since the driver was loaded
    ecc_corrected: int | None = None
    remap_pending: bool = False  # rows or pages wait for a reset to be replaced
    remap_failed: bool = False
    temperature_limit_c: float | None = None
    pcie_width: int | None = None
    pcie_max_width: int | None = None
    pcie_generation: int | None = None
    pcie_max_generation: int | None = None
    holders: tuple[Holder, ...] = ()

    @property
    def called(self) -> str:
        """As checks name it."""
        return f"GPU {self.index} ({self.name})"


@dataclass(frozen=True)
class Nvml(_Exact):
    """What NVML answers. ``error`` in its own words where it does not; ``count`` also counts cards that do not answer."""

    error: str = ""
    driver: str = ""
    cuda: str = ""  # the newest CUDA that the driver knows
    count: int = 0
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class TorchDevice(_Exact):
    """A device as torch sees it. ``memory_free`` is None where no context could be made on it; ``error`` says why."""

    device: str
    name: str
    capability: str = ""
    pci_bus_id: str = ""
    memory_total: int = 0
    memory_free: int | None = None
    error: str = ""


@dataclass(frozen=True)
class Torch(_Exact):
    """What torch answers. ``error`` where it could not even be asked."""

    error: str = ""
    version: str = ""
    cuda: str = ""  # the CUDA it was built with; "" in builds without
    hip: str = ""
    mps: bool = False  # the GPU of an Apple processor, which the lab does not use
    cudnn: str = ""
    cudnn_error: str = ""
    nccl: str = ""
    runtime: str = ""  # version of the CUDA runtime package that came with it
    architectures: tuple[str, ...] = ()  # sm_80 … compute_120
    available: bool = False
    count: int = 0
    current: str = ""
    warning: str = ""  # what torch said while it looked for GPUs
    cpu_capability: str = ""  # the instruction set its CPU kernels use
    cpu_bf16: bool | None = None
    threads: int = 0
    torchaudio_error: str = ""
    torchvision_error: str = ""
    devices: tuple[TorchDevice, ...] = ()

    @property
    def to_prove(self) -> list[str]:
        """The devices that have to prove themselves, in this order."""
        return ["cpu", *(f"cuda:{index}" for index in range(self.count))]


@dataclass(frozen=True)
class Readings(_Exact):
    """All raw facts. ``torch`` is None while it is being asked."""

    system: System = field(default_factory=System)
    nvml: Nvml = field(default_factory=Nvml)
    torch: Torch | None = None

    # What follows at once, for all checks to share.

    @property
    def has_nvidia(self) -> bool:
        """Whether anything tells of an NVIDIA GPU, usable or not. A container sees traces of its host's."""
        system, nvml = self.system, self.nvml
        return bool(nvml.count or nvml.gpus or system.pci_nvidia or system.kernel_driver or self.gpu_nodes)

    @property
    def gpu_nodes(self) -> list[str]:
        return [node for node in self.system.nodes if re.fullmatch(r"/dev/nvidia\d+", node)]

    @property
    def withheld(self) -> bool:
        """Whether this is a container whose host has an NVIDIA GPU that was not handed in."""
        return bool(self.system.container and self.has_nvidia and not self.nvml.gpus and not self.gpu_nodes)

    @property
    def seen(self) -> int:
        """GPUs that torch counts."""
        return self.torch.count if self.torch else 0

    @property
    def driver(self) -> str:
        """The driver's version; that of its libraries where the kernel still holds another, until the next restart."""
        updated = self.system.library_driver if "mismatch" in self.nvml.error.lower() else ""
        return self.nvml.driver or updated or self.system.kernel_driver

    @property
    def windows(self) -> bool:
        """Whether the driver is one for Windows: WSL uses that of the Windows around it."""
        return self.system.wsl

    @property
    def driver_too_old(self) -> bool:
        """Whether the driver is older than this torch needs, and CUDA does not start either (a compatibility package can make it)."""
        return bool(self.torch and not self.torch.count and too_old(self.driver, self.torch.cuda, self.windows))

    @property
    def hidden(self) -> bool:
        """Whether :data:`HIDING` hides all GPUs from torch."""
        torch, value = self.torch, self.system.environment.get(HIDING)
        if torch is None or torch.error or torch.count or not self.nvml.gpus or self.driver_too_old:
            return False
        if not (torch.cuda or torch.hip) or self.no_instances or value is None:
            return False
        first = value.split(",")[0].strip()
        shows = first.isdecimal() and int(first) < self.nvml.count
        return not shows and not torch.warning

    @property
    def no_instances(self) -> bool:
        """Whether MIG is on for every card, and none is divided: CUDA sees nothing then."""
        return bool(self.nvml.gpus) and all(gpu.mig and not gpu.mig_instances for gpu in self.nvml.gpus)

    @property
    def names(self) -> str:
        """What the GPUs are called: "NVIDIA H200", "2 × NVIDIA H200", "NVIDIA T4 and NVIDIA A10"."""
        found = [gpu.name for gpu in self.nvml.gpus] or [
            device.name for device in (self.torch.devices if self.torch else ())
        ]
        counted = [name if found.count(name) == 1 else f"{found.count(name)} × {name}" for name in dict.fromkeys(found)]
        return " and ".join(filter(None, [", ".join(counted[:-1]), *counted[-1:]])) or "The NVIDIA GPU"

    @property
    def wheel(self) -> str:
        """The newest of PyTorch's wheel indexes that the driver is new enough for; "" where none is."""
        return wheel_for(self.driver, self.windows)

    def install_torch(self, wheel: str = "") -> str:
        """The command that installs a torch build with CUDA for the driver that is there."""
        index = wheel or self.wheel or "cu126"
        version = self.torch.version.partition("+")[0] if self.torch else ""
        pinned = "==2.7.1" if index == "cu118" else f"=={version}" if re.fullmatch(r"[\d.]+", version) else ""
        return f"$ pip install --force-reinstall torch{pinned} torchaudio torchvision --index-url https://download.pytorch.org/whl/{index}"


def torch_from_json(content: dict[str, Any]) -> Torch:
    return _TORCH.validate_python(content)


_TORCH = TypeAdapter(Torch)
