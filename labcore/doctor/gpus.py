"""Reads the GPUs through NVML, more of them than a sample of the live panel needs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from labcore import nvml
from labcore.doctor.readings import Gpu, Holder, Nvml


def read_nvml() -> Nvml:
    """What NVML tells; its error in its own words where it tells nothing."""
    library, error = nvml.opened()
    if library is None:
        return Nvml(error=error)
    cuda = nvml.ask(library, "nvmlSystemGetCudaDriverVersion") or 0
    return Nvml(
        driver=str(nvml.ask(library, "nvmlSystemGetDriverVersion") or ""),
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else "",
        count=nvml.count(library),
        gpus=tuple(
            _gpu(library, handle, nvml.sample(library, index, handle)) for index, handle in nvml.handles(library)
        ),
    )


def _gpu(library: Any, handle: Any, sample: nvml.GpuSample) -> Gpu:
    def told(function: str, *arguments: Any) -> Any:
        return nvml.ask(library, function, handle, *arguments)

    capability, mig, ecc = (told(f"nvmlDeviceGet{what}") for what in ("CudaComputeCapability", "MigMode", "EccMode"))
    pending, failed = _replacements(told)
    return Gpu(
        **vars(sample),
        capability=f"{capability[0]}.{capability[1]}" if capability else None,
        compute_mode=told("nvmlDeviceGetComputeMode"),
        mig=bool(mig[0]) if mig else None,
        mig_instances=_instances(library, handle) if mig and mig[0] else (),
        ecc=bool(ecc[0]) if ecc else None,
        ecc_uncorrected=told("nvmlDeviceGetTotalEccErrors", 1, 0),  # uncorrected, since the driver was loaded
        ecc_corrected=told("nvmlDeviceGetTotalEccErrors", 0, 0),
        remap_pending=pending,
        remap_failed=failed,
        temperature_limit_c=told("nvmlDeviceGetTemperatureThreshold", 1),  # at which it slows down
        pcie_width=told("nvmlDeviceGetCurrPcieLinkWidth"),
        pcie_max_width=told("nvmlDeviceGetMaxPcieLinkWidth"),
        pcie_generation=told("nvmlDeviceGetCurrPcieLinkGeneration"),
        pcie_max_generation=told("nvmlDeviceGetMaxPcieLinkGeneration"),
        holders=tuple(Holder(each.pid, _name_of(each.pid), each.bytes_used) for each in sample.processes),
    )


def _replacements(told: Any) -> tuple[bool, bool]:
    """Whether broken rows (or, on older cards, pages) of memory wait for a reset to be replaced, and whether that failed."""
    rows = told("nvmlDeviceGetRemappedRows")
    if rows:
        return bool(rows[2]), bool(rows[3])
    return bool(told("nvmlDeviceGetRetiredPagesPendingStatus")), False


def _instances(library: Any, handle: Any) -> tuple[str, ...]:
    """Names of the MIG instances of a card, such as "NVIDIA H100 MIG 1g.10gb"."""
    found = []
    for number in range(nvml.ask(library, "nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
        instance = nvml.ask(library, "nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
        if instance is not None:
            found.append(str(nvml.ask(library, "nvmlDeviceGetName", instance) or "MIG instance"))
    return tuple(found)


def _name_of(pid: int) -> str:
    """What a process's program is called; "" for one of another container or user."""
    import psutil

    with suppress(psutil.Error, OSError):
        return str(psutil.Process(pid).name())
    return ""
