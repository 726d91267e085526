"""What the doctor hands out: checks, proofs, and the report of both. No torch, and nothing that tells who or where it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from labcore import __version__

GIB = 1024**3
STATUSES = ("ok", "info", "warning", "error")
"""From fine to broken. ``info`` is worth knowing and no fault."""
GROUPS = ("NVIDIA driver", "PyTorch", "GPU", "Kernels", "Machine", "Software")
"""Groups of checks, in the order in which they are shown."""
LOG_AND_RESTART = "$ sudo dmesg | grep -iE 'nvrm|xid'\n$ sudo reboot"
REINSTALL_TORCH = "$ pip install --force-reinstall torch torchaudio torchvision"
SIGN = {"ok": "✓", "info": "i", "warning": "!", "error": "✗"}


@dataclass(frozen=True)
class Check:
    """One question with its answer.

    ``summary`` is a sentence without the final stop, ``evidence`` what it rests on, ``remedy`` what to do: sentences, and commands
    on lines of their own that start with ``$ ``. Empty where there is nothing to do.
    """

    id: str
    group: str
    title: str
    status: str
    summary: str
    evidence: dict[str, str] = field(default_factory=dict)
    remedy: str = ""


@dataclass(frozen=True)
class Proof:
    """A piece of work that was run on a device, compared with the CPU's result in double precision.

    ``difference`` is the largest one, as a share of the largest value of the CPU's result; ``milliseconds`` the shortest of a few
    calls after one to warm up. Both are None where it failed; ``error`` says how.
    """

    device: str
    device_name: str
    work: str
    status: str
    milliseconds: float | None = None
    difference: float | None = None
    tolerance: float = 0.0
    error: str = ""

    @property
    def took(self) -> str:
        """Its milliseconds in three digits that count: 0.0712, 7.32, 133; "" where it failed."""
        if self.milliseconds is None:
            return ""
        return f"{self.milliseconds:.3g}" if self.milliseconds < 1000 else f"{self.milliseconds:.0f}"


@dataclass(frozen=True)
class DoctorReport:
    """All that is known so far. ``device`` is what ``--device auto`` computes on: "" until torch has been asked.

    ``pending`` names what is still looked at; ``created`` is in seconds since the epoch.
    """

    verdict: str
    sentence: str
    device: str
    checks: tuple[Check, ...]
    proofs: tuple[Proof, ...]
    complete: bool = True
    pending: tuple[str, ...] = ()
    created: float = field(default_factory=time.time)

    def groups(self) -> list[tuple[str, list[Check]]]:
        """The checks by group, in the order in which they are shown."""
        found = [(group, [check for check in self.checks if check.group == group]) for group in GROUPS]
        return [(group, checks) for group, checks in found if checks]

    def check(self, name: str) -> Check | None:
        return next((check for check in self.checks if check.id == name), None)

    def to_do(self) -> list[Check]:
        """The checks whose remedies are worth a try, errors first; each remedy once.

        Where nothing is broken and the verdict is not green all the same, those that say how to get there.
        """
        helpful = [check for check in self.checks if check.remedy]
        faults = [check for check in helpful if check.status in ("error", "warning")]
        if not faults and self.verdict != "green":
            faults = [check for check in helpful if check.status == "info"]
        once: dict[str, Check] = {}
        for check in sorted(faults, key=lambda one: one.status != "error"):
            once.setdefault(check.remedy, check)
        return list(once.values())

    def failures(self) -> dict[str, str]:
        """What went wrong in the proofs → where: a dead device says the same of everything that is tried on it."""
        where: dict[str, dict[str, list[str]]] = {}
        for proof in self.proofs:
            if proof.error:
                where.setdefault(proof.error, {}).setdefault(proof.device, []).append(proof.work)
        return {
            what: "; ".join(f"{device}, {', '.join(works)}" for device, works in devices.items())
            for what, devices in where.items()
        }

    def to_json(self) -> dict[str, Any]:
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.created))
        return asdict(self) | {"created": created, "labcore": __version__}

    def to_markdown(self) -> str:
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.created))
        lines = [f"# Environment: {self.verdict}", "", f"**{self.sentence}.**", ""]
        lines += [f"labcore {__version__}, {day}, device `{self.device or '?'}`", ""]
        if not self.complete:
            lines += [f"Unfinished: {', '.join(self.pending)} is missing.", ""]
        for group, checks in self.groups():
            lines += [f"## {group}", ""]
            for check in checks:
                lines += [f"- **{check.title}** ({check.status}): {_cell(check.summary)}"]
                lines += [f"  - {_cell(name)}: {_cell(value)}" for name, value in check.evidence.items()]
                lines += [f"  > {line}" for line in _quoted(check.remedy)]
            lines.append("")
        if self.proofs:
            lines += [
                "## Self-test",
                "",
                "| device | check | result | ms | difference | tolerance |",
                "|---|---|---|---|---|---|",
            ]
            lines += [_row(proof_cells(proof)) for proof in self.proofs]
        return "\n".join(lines).rstrip() + "\n"


def question(id: str, group: str, title: str, evidence: dict[str, str]) -> Callable[..., Check]:
    """What answers a question: a function of status, summary, and the remedy where there is something to do."""

    def told(status: str, summary: str, remedy: str = "") -> Check:
        return Check(id, group, title, status, summary, evidence, remedy)

    return told


def proof_cells(proof: Proof) -> list[str]:
    """A proof as texts: device, work, result, milliseconds, difference, tolerance."""
    result = {"ok": "agrees", "error": proof.error or "differs"}.get(proof.status, proof.error or proof.status)
    return [
        proof.device,
        proof.work,
        result,
        proof.took or "-",
        "-" if proof.difference is None else f"{proof.difference:.1e}",
        f"{proof.tolerance:.0e}",
    ]


def size(count: float | None) -> str:
    """Bytes for people: ``"1.5 GiB"``, ``"640 MiB"``."""
    if count is None:
        return "unknown"
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 1024**2:.0f} MiB"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_cell(cell).replace("|", "\\|") for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(str(text).split())


def _quoted(remedy: str) -> list[str]:
    return [f"`{line.removeprefix('$ ')}`  " if line.startswith("$ ") else f"{line}  " for line in remedy.splitlines()]
