"""The examination: reads the machine while a child process loads torch, then tells every new finding as a fuller report."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

from labcore.doctor.gpus import read_nvml
from labcore.doctor.process import ProofProcess
from labcore.doctor.readings import HIDING, Nvml, Readings, System, Torch, torch_from_json
from labcore.doctor.report import DoctorReport, Proof
from labcore.doctor.system import read_system
from labcore.doctor.verdict import conclude
from labcore.workspace import Workspace

WORKS = ("matrix product", "convolution with backward", "STFT", "log-mel", "mixed precision", "small CNN")
"""The works by name, in their order, for who waits for them and must not load torch to know. A test holds it to proofs.works()."""
FAILED_BEFORE = "not run: the device had failed before"


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
            child = start(left, {HIDING: "-1"} if examination.blind else None)
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
        return tuple(f"{work} on {device}" for device in self.devices for work in self._unproved(device))

    def take(self, message: dict[str, Any]) -> bool:
        """Whether there is something new to tell."""
        match message:
            case {"starting": at}:
                self.at = at
                return False
            case {"torch": told} if self.torch is None:
                self.torch = torch_from_json(told)
                if not self.devices and not self.torch.error:
                    self.devices = self.torch.to_prove
            case {"torch": told} if self.torch is not None and self.blind:
                seen = torch_from_json(told)  # without GPUs, but with all that torch tells of itself
                self.torch = replace(seen, error=self.torch.error, available=False, warning=self.torch.warning)
            case {"proof": proof}:
                self.proofs.append(Proof(**proof))
            case {"poisoned": device}:
                self._give_up(device, FAILED_BEFORE)
            case {"death": reason}:
                self._mourn(reason)
            case _:
                return False
        return True

    def to_restart(self) -> list[str]:
        """Devices that are still to be proved, in a fresh process."""
        return [device for device in self.devices if self._unproved(device)]

    def finish(self) -> None:
        for device in self.to_restart():
            self._give_up(device, "not run: its process crashed repeatedly")
        self.over = True

    def _mourn(self, reason: str) -> None:
        if len(self.at) == 2:
            device, work = self.at
            self._fail(device, work, reason)
            self._give_up(device, FAILED_BEFORE)
        elif self.torch is None:
            where = self.at[0] if self.at else "starting"
            doing = "loading torch" if where == "torch" else where
            self.torch = Torch(error=f"{doing}: {reason}")
            if where == "looking for GPUs":
                self.blind, self.devices = True, ["cpu"]
        else:  # it died between two works: nothing is known to be at fault but the device that came next
            for device in self.to_restart()[:1]:
                self._give_up(device, reason)
        self.at = []

    def _give_up(self, device: str, reason: str) -> None:
        for work in self._unproved(device):
            self._fail(device, work, reason)

    def _fail(self, device: str, work: str, reason: str) -> None:
        names = {each.device: each.name for each in self.torch.devices} if self.torch else {}
        self.proofs.append(Proof(device, names.get(device, device.upper()), work, "error", error=reason))

    def _unproved(self, device: str) -> list[str]:
        proved = {proof.work for proof in self.proofs if proof.device == device}
        return [work for work in WORKS if work not in proved]
