"""The raw facts that the doctor judges: of the system, of the driver, of torch. To JSON and back, so that a machine can be replayed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from labcore.nvml import GpuSample


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
    mps: bool = False
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
    devices: tuple[TorchDevice, ...] = ()

    @property
    def to_prove(self) -> list[str]:
        """The devices that have to prove themselves, in this order."""
        return ["cpu", *(f"cuda:{index}" for index in range(self.count)), *(["mps"] if self.mps else [])]


@dataclass(frozen=True)
class Readings(_Exact):
    """All raw facts. ``torch`` is None while it is being asked."""

    system: System = field(default_factory=System)
    nvml: Nvml = field(default_factory=Nvml)
    torch: Torch | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Readings:
        """Raises ValueError for a content that is none; a name that is not known is a mistake."""
        return _READINGS.validate_python(content)


def torch_from_json(content: dict[str, Any]) -> Torch:
    return _TORCH.validate_python(content)


_READINGS, _TORCH = TypeAdapter(Readings), TypeAdapter(Torch)
