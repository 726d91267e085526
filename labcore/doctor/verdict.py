"""From readings and proofs to the report: all checks, and the verdict in one sentence. Reads nothing itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from labcore.doctor.checks import cards, driver, kernels, machine, pytorch
from labcore.doctor.readings import Readings, TorchDevice
from labcore.doctor.report import Check, DoctorReport, Proof

CAUSES = (
    "driver", "device_nodes", "driver_version", "torch_build", "cuda_libraries", "mig", "architectures", "compute_mode", "availability",
    "gpu_memory", "ecc",
)  # fmt: skip
"""Checks that can be why a GPU is of no use, the deeper cause first: a driver that is too old explains what torch cannot see."""
ON_CPU = "everything works on the CPU, large networks slowly"


def conclude(
    readings: Readings, proofs: Sequence[Proof] = (), pending: Sequence[str] = (), created: float | None = None
) -> DoctorReport:
    """The report that follows from what was read and proved.

    Args:
        pending: what is still looked at; the verdict is a preliminary one then.
        created: when it was read, in seconds since the epoch; now by default.
    """
    checks = (
        *driver.checks(readings),
        *pytorch.checks(readings),
        *cards.checks(readings),
        *kernels.checks(proofs, pending),
        *machine.checks(readings),
    )
    verdict, sentence = _Verdict(readings, list(proofs), checks, tuple(pending)).tell()
    return DoctorReport(
        verdict,
        sentence,
        _device(readings, proofs),
        checks,
        tuple(proofs),
        complete=not pending,
        pending=tuple(pending),
        created=time.time() if created is None else created,
    )


def _device(readings: Readings, proofs: Sequence[Proof]) -> str:
    """What ``--device auto`` takes: the first GPU if it computes a matrix product right, else the CPU."""
    if readings.torch is None:
        return ""
    first = any((proof.device, proof.work, proof.status) == ("cuda:0", "matrix product", "ok") for proof in proofs)
    return "cuda:0" if first else "cpu"


class _Verdict:
    def __init__(self, readings: Readings, proofs: list[Proof], checks: tuple[Check, ...], pending: tuple[str, ...]):
        self.readings, self.proofs, self.pending = readings, proofs, pending
        self.checks = {check.id: check for check in checks}

    def tell(self) -> tuple[str, str]:
        torch = self.readings.torch
        if torch is None:
            return "amber", "loading PyTorch"
        if broken := self._broken_without_gpu():
            return "red", broken.summary
        if torch.error:  # only the GPUs are out of reach: the CPU has been proved
            return "red", self.checks["torch_build"].summary
        if self.pending:
            return self._preliminary()
        if torch.count:
            return self._with_devices()
        return self._without_devices()

    def _broken_without_gpu(self) -> Check | None:
        """What stops the lab whatever the GPU does."""
        torch = self.readings.torch
        if torch is not None and not torch.version:
            return self.checks["torch_build"]
        return next(self._wrong("kernels-cpu", "versions", "audio_formats", "disk"), None)

    def _wrong(self, *names: str) -> Iterator[Check]:
        """Those of these checks that are errors."""
        return (self.checks[name] for name in names if name in self.checks and self.checks[name].status == "error")

    def _preliminary(self) -> tuple[str, str]:
        failed = [proof for proof in self.proofs if proof.status != "ok"]
        left = f"{len(self.pending)} {'check is' if len(self.pending) == 1 else 'checks are'} pending"
        devices = self.readings.torch.devices if self.readings.torch else ()
        found = ", ".join(device.name for device in devices) or "no GPU"
        return ("red" if failed else "amber"), f"PyTorch sees {found}; {left}"

    def _with_devices(self) -> tuple[str, str]:
        torch = self.readings.torch
        assert torch is not None
        devices = list(torch.devices)
        failed = {proof.device: proof for proof in reversed(self.proofs) if proof.status != "ok"}
        proved = {proof.device for proof in self.proofs}
        good = [device for device in devices if device.device in proved - failed.keys()]
        bad = [device for device in devices if device not in good]
        if not good:
            return "red", f"{_named(bad)} cannot be used: {self._cause(bad[0], failed.get(bad[0].device))}"
        if bad:
            why = self._cause(bad[0], failed.get(bad[0].device))
            return "amber", f"{_named(good)} can be used, {_named(bad)} cannot: {why}"
        if doubt := self._doubt():
            return "amber", f"{_named(good)} can be used, but: {doubt.summary}"
        return "green", f"{_named(good)} can be used: all kernels agree with the CPU"

    def _cause(self, device: TorchDevice, proof: Proof | None) -> str:
        """Why a device is of no use: the check that explains it, else what its own proof says."""
        wrong = {name: check for name, check in self.checks.items() if check.status in ("error", "warning")}
        if "architectures" in wrong and device.name in wrong["architectures"].summary:
            return wrong["architectures"].summary.replace(f"{device.name} (", "it (", 1)
        told = device.error + (proof.error if proof else "")
        if "out of memory" in told and "gpu_memory" in wrong:
            return wrong["gpu_memory"].summary
        if "busy or unavailable" in told and "compute_mode" in self.checks:
            return self.checks["compute_mode"].summary
        if "availability" in wrong and device.error:
            return wrong["availability"].summary
        if "cuda_libraries" in wrong:
            return wrong["cuda_libraries"].summary
        if proof is None:
            return "nothing could be computed on it"
        return f"{proof.work} failed ({proof.error})"

    def _doubt(self) -> Check | None:
        """The gravest check that is not fine; an error (broken memory of a card) before a warning."""
        doubts = (check for grave in ("error", "warning") for check in self.checks.values() if check.status == grave)
        return next(doubts, None)

    def _without_devices(self) -> tuple[str, str]:
        readings = self.readings
        if readings.hidden:
            return "amber", f"{self.checks['visible_devices'].summary}: {ON_CPU}"
        if readings.withheld:
            return "amber", f"The host's NVIDIA GPU is not passed to this container: {ON_CPU}"
        cause = next(self._wrong(*CAUSES), None)
        if readings.has_nvidia and cause is not None:
            return "red", f"{readings.names} cannot be used: {cause.summary}"
        if doubt := self._doubt():
            return "amber", f"No GPU found, and {doubt.summary}: {ON_CPU}"
        if readings.torch is not None and readings.torch.mps:
            return "amber", f"The lab does not use the GPU of this Apple processor: {ON_CPU}"
        inside = " in this container" if readings.system.container else ""
        return "amber", f"No GPU found{inside}: {ON_CPU}"


def _named(devices: Sequence[TorchDevice]) -> str:
    """ "NVIDIA H200 (cuda:0)", "2 × NVIDIA H200", "NVIDIA T4 (cuda:0) and NVIDIA A10 (cuda:1)"."""
    kinds = {device.name for device in devices}
    if len(devices) > 1 and len(kinds) == 1:
        return f"{len(devices)} × {devices[0].name}"
    return " and ".join(f"{each.name} ({each.device})" for each in devices)
