"""The examination: reads the machine while a child process loads torch, then tells every new finding as a fuller report."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

from labcore.doctor.gpus import read_nvml
from labcore.doctor.process import ProofProcess
from labcore.doctor.readings import Nvml, Readings, System, Torch, torch_from_json
from labcore.doctor.report import DoctorReport, Proof
from labcore.doctor.system import read_system
from labcore.doctor.verdict import conclude
from labcore.workspace import Workspace

WORKS = (
    "matrix product",
    "convolution with backward",
    "STFT",
    "log-mel",
    "mixed precision",
    "small CNN",
)
"""The works by name, in their order, for who waits for them and must not load torch to know. A test holds it to proofs.works()."""
HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1"}


def examine(
    workspace: Workspace, start: Callable[..., ProofProcess] = ProofProcess
) -> Generator[DoctorReport, None, None]:
    """Look at this machine. Each report is fuller than the one before; the last is complete.

    Nothing that a driver or a kernel does ends it: what crashes or hangs becomes a finding. The child process ends when the iterator
    is closed.

    Args:
        workspace: whose disk is looked at. Nothing is written.
        start: starts a child process; for tests.
    """
    child = start()  # first of all: loading torch takes longer than all the rest
    try:
        examination = _Examination(read_system(workspace), read_nvml())
        report = examination.report()
        yield report
        restarts = 0
        while True:
            for message in child.messages():
                if examination.take(message):
                    report = examination.report()
                    yield report
            child.close()
            left = examination.to_restart()
            if not left or restarts > len(examination.devices) + 1:
                break
            restarts += 1
            child = start(left, HIDDEN if examination.blind else None)
    finally:
        child.close()
    examination.finish()
    if not report.complete:
        yield examination.report()


@dataclass
class _Examination:
    """What is known so far, and what follows from each message of the child."""

    system: System
    nvml: Nvml
    torch: Torch | None = None
    proofs: list[Proof] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    at: list[str] = field(default_factory=list)  # what the child has begun: a device and a work, or one other thing
    blind: bool = False  # torch did not survive looking for GPUs: the CPU is proved without them
    over: bool = False
    created: float = field(default_factory=time.time)

    def report(self) -> DoctorReport:
        return conclude(Readings(self.system, self.nvml, self.torch), self.proofs, self.pending(), self.created)

    def pending(self) -> tuple[str, ...]:
        if self.over:
            return ()
        if self.torch is None:
            return ("PyTorch", "proofs")
        return tuple(
            f"{work} on {device}" for device in self.devices for work in WORKS if not self._proved(device, work)
        )

    def take(self, message: dict[str, Any]) -> bool:
        """Whether there is something new to tell."""
        if "starting" in message:
            self.at = message["starting"]
        elif "torch" in message and self.torch is None:
            self.torch = torch_from_json(message["torch"])
            if not self.devices and not self.torch.error:
                self.devices = self.torch.to_prove
            return True
        elif "torch" in message and self.blind and self.torch is not None:
            seen = torch_from_json(message["torch"])  # without GPUs, but with all that torch tells of itself
            self.torch = replace(seen, error=self.torch.error, available=False, warning=self.torch.warning)
            return True
        elif "proof" in message:
            self.proofs.append(Proof(**message["proof"]))
            return True
        elif "poisoned" in message:
            self._give_up(message["poisoned"], "not run: the device had failed before")
            return True
        elif "death" in message:
            self._mourn(message["death"])
            return True
        return False

    def to_restart(self) -> list[str]:
        """Devices that are still to be proved, in a fresh process."""
        return [device for device in self.devices if any(not self._proved(device, work) for work in WORKS)]

    def finish(self) -> None:
        for device in self.to_restart():
            self._give_up(device, "not run: its process crashed repeatedly")
        self.over = True

    def _mourn(self, reason: str) -> None:
        if len(self.at) == 2:
            device, work = self.at
            self._fail(device, work, reason)
            self._give_up(device, "not run: the device had failed before")
        elif self.torch is None:
            where = self.at[0] if self.at else "starting"
            doing = "loading torch" if where == "torch" else where
            self.torch = Torch(error=f"{doing}: {reason}")
            if where == "looking for GPUs":
                self.blind, self.devices = True, ["cpu"]
        else:  # it died between two works: nothing is known to be at fault but the device that came next
            left = self.to_restart()
            if left:
                self._give_up(left[0], reason)
        self.at = []

    def _give_up(self, device: str, reason: str) -> None:
        for work in WORKS:
            if not self._proved(device, work):
                self._fail(device, work, reason)

    def _fail(self, device: str, work: str, reason: str) -> None:
        named = [each.name for each in self.torch.devices if each.device == device] if self.torch else []
        self.proofs.append(Proof(device, next(iter(named), device.upper()), work, "error", error=reason))

    def _proved(self, device: str, work: str) -> bool:
        return any((proof.device, proof.work) == (device, work) for proof in self.proofs)
