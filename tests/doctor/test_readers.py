"""Reading a machine: a file system laid out for the purpose, an NVML that answers as documented, sounds decoded for real."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile

from labcore import nvml
from labcore.doctor import system as reader
from labcore.doctor.gpus import read_nvml
from labcore.doctor.sounds import FORMATS, audio_formats
from labcore.workspace import Workspace


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*reader.VARIABLES, "KUBERNETES_SERVICE_HOST", "container"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "root"


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("file", "content", "kind"),
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"),
        ("proc/1/cgroup", "0::/kubepods/besteffort/pod1\n", "kubernetes"),
        ("proc/1/cgroup", "4:memory:/docker/abc\n", "docker"),
        ("proc/1/cgroup", "0::/init.scope\n", ""),
        ("proc/1/cgroup", "4:memory:/lxc/box\n", "other"),
    ],
)
def test_containers(root: Path, file: str, content: str, kind: str) -> None:
    write(root / file, content)
    assert reader.container_kind(root) == kind


def test_containers_by_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("container", "podman")
    assert reader.container_kind(root) == "podman"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert reader.container_kind(root) == "kubernetes"


def test_wsl(root: Path) -> None:
    assert not reader.is_wsl(root)
    write(root / "proc/version", "Linux version 5.15.167.4-microsoft-standard-WSL2 (gcc)")
    assert reader.is_wsl(root)


def test_pci_counts_graphics_and_accelerators_alone(root: Path) -> None:
    devices = {
        "0000:01:00.0": ("0x10de", "0x030000"),
        "0000:01:00.1": ("0x10de", "0x040300"),  # the sound of the same card
        "0000:02:00.0": ("0x10de", "0x030200"),  # a data-centre card
        "0000:03:00.0": ("0x1002", "0x038000"),
        "0000:04:00.0": ("0x8086", "0x030000"),
    }
    for address, (vendor, kind) in devices.items():
        write(root / "sys/bus/pci/devices" / address / "vendor", vendor + "\n")
        write(root / "sys/bus/pci/devices" / address / "class", kind + "\n")
    assert reader.pci_devices(root) == (2, 1)
    assert reader.pci_devices(root / "nowhere") == (0, 0)


def test_device_nodes_and_drivers(root: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        write(root / "dev" / name)
    nodes, closed = reader.device_nodes(root)
    assert nodes == ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidia1")
    assert closed == ()
    assert reader.kernel_driver(root) == ""
    write(
        root / "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n"
    )
    assert reader.kernel_driver(root) == "535.183.01"
    open_module = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
    write(root / "proc/driver/nvidia/version", open_module)
    assert reader.kernel_driver(root) == "580.95.05"
    write(root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
    write(root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.570.133.20")
    assert reader.library_driver(root) == "570.133.20"


def test_cpu_flags_of_both_families(root: Path) -> None:
    write(root / "proc/cpuinfo", "processor : 0\nflags\t\t: fpu avx2 avx512f amx_tile\n")
    assert reader.cpu_flags(root) == ("avx2", "avx512f", "amx_tile")
    write(root / "proc/cpuinfo", "processor : 0\nFeatures\t: fp asimd bf16 i8mm\n")
    assert reader.cpu_flags(root) == ("asimd", "bf16", "i8mm")


def test_this_machine_is_read_and_nothing_is_written(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    home = tmp_path / "not" / "there"
    system = reader.read_system(Workspace(home), root)
    assert not home.exists()
    assert system.environment == {"CUDA_VISIBLE_DEVICES": "0"}
    assert system.memory_total > system.memory_available > 0
    assert system.disk_total >= system.disk_free > 0
    assert 0 < system.usable_cores <= system.cores
    assert system.workspace_writable
    assert system.versions["torch"]
    assert system.versions["libsndfile"]


def test_all_formats_that_the_lab_promises_decode_here() -> None:
    assert audio_formats() == dict.fromkeys(FORMATS, "")


def test_a_format_that_libsndfile_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = soundfile.write

    def without_mp3(*arguments: Any, **options: Any) -> None:
        if options["format"] == "MP3":
            raise soundfile.LibsndfileError(1)
        original(*arguments, **options)

    monkeypatch.setattr(soundfile, "write", without_mp3)
    assert [name for name, wrong in audio_formats().items() if wrong] == ["MP3"]


class Binding:
    """NVML with an H100 whose MIG is on, and that needs a repair."""

    def nvmlSystemGetCudaDriverVersion(self) -> int:
        return 12080

    def nvmlSystemGetDriverVersion(self) -> str:
        return "570.133.20"

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index == 1:
            raise RuntimeError("GPU is lost")
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:
        return "NVIDIA H100" if handle == 0 else "NVIDIA H100 MIG 1g.10gb"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=80, used=30)

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return 9, 0

    def nvmlDeviceGetComputeMode(self, handle: int) -> int:
        return 3

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: int) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: int, number: int) -> int:
        if number > 1:
            raise RuntimeError("Not Found")
        return 100 + number

    def nvmlDeviceGetEccMode(self, handle: int) -> list[int]:
        return [1, 1]

    def nvmlDeviceGetTotalEccErrors(self, handle: int, kind: int, counter: int) -> int:
        return {(1, 0): 2, (0, 0): 9}[kind, counter]

    def nvmlDeviceGetRemappedRows(self, handle: int) -> tuple[int, int, int, int]:
        return 1, 1, 1, 0

    def nvmlDeviceGetCurrPcieLinkWidth(self, handle: int) -> int:
        return 8

    def nvmlDeviceGetMaxPcieLinkWidth(self, handle: int) -> int:
        return 16

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=2**22 + 1, usedGpuMemory=7)]


def test_nvml_is_read_for_what_a_card_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "_library", Binding())
    told = read_nvml()
    assert (told.driver, told.cuda, told.count, len(told.gpus)) == ("570.133.20", "12.8", 2, 1)
    gpu = told.gpus[0]
    assert (gpu.capability, gpu.memory_total, gpu.memory_used) == ("9.0", 80, 30)
    assert gpu.compute_mode == 3
    assert (gpu.mig, gpu.mig_instances) == (True, ("NVIDIA H100 MIG 1g.10gb",) * 2)
    assert (gpu.ecc, gpu.ecc_uncorrected, gpu.ecc_corrected) == (True, 2, 9)
    assert (gpu.remap_pending, gpu.remap_failed) == (True, False)
    assert (gpu.pcie_width, gpu.pcie_max_width, gpu.temperature_c) == (8, 16, None)
    assert [(holder.bytes_used, holder.name) for holder in gpu.holders] == [(7, "")]  # a process of another container


def test_without_nvml_its_own_words_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError("Driver Not Loaded")

    monkeypatch.setattr(nvml, "_library", None)
    monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace(nvmlInit=init))
    assert read_nvml().error == "Driver Not Loaded"
