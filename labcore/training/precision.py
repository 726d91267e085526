"""Which precision and memory format a network trains fastest in on this machine: measured, not guessed.

The best combination differs by network and by processor (bf16 with channels_last doubles the speed of a ResNet-18 on a CPU
with AVX-512 BF16 and slows a MobileNet down), so each is timed for a few steps, in turn, and the fastest is kept and
remembered for the same machine, network and batch.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn

from labcore.config import RunConfig
from labcore.device import DeviceChoice
from labcore.workspace import Workspace, write_atomically

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ROUNDS = 3


@dataclass(frozen=True)
class Precision:
    """How the network computes, and why so: a sentence for people without the final stop."""

    precision: str
    memory_format: str
    reason: str

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager[object]:
        """The context in which forward passes run."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=DTYPES[self.precision])

    def format(self) -> torch.memory_format:
        return FORMATS[self.memory_format]

    def lay_out(self, network: nn.Module) -> nn.Module:
        """The network itself, its weights in the memory format."""
        return network.to(memory_format=self.format())  # type: ignore[call-overload]


def choose_precision(
    config: RunConfig, network: nn.Module, shape: tuple[int, int, int, int], device: DeviceChoice, workspace: Workspace
) -> Precision:
    """Take what the configuration fixes; time the rest.

    Args:
        network: left as it is; copies are timed.
        shape: of an input: (batch, 1, n_mels, frames).
    """
    runtime = config.runtime
    precisions = _precisions(device) if runtime.precision == "auto" else [runtime.precision]
    formats = list(FORMATS) if runtime.memory_format == "auto" else [runtime.memory_format]
    candidates = [Precision(p, f, "") for p in precisions for f in formats]
    if len(candidates) == 1:
        return Precision(candidates[0].precision, candidates[0].memory_format, "as configured")
    remembered = workspace.cache / "precision" / f"{_key(config, shape, device, candidates)}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Precision(**json.loads(remembered.read_text()))
    times = _time(candidates, network, shape, device.torch())
    best = min(times, key=lambda candidate: times[candidate])
    base = times.get(candidates[0], max(times.values()))
    reason = (
        f"fastest of {len(candidates)} ways timed: {1000 * times[best]:.0f} ms a step"
        f" against {1000 * base:.0f} ms in {candidates[0].precision} {candidates[0].memory_format}"
    )
    choice = Precision(best.precision, best.memory_format, reason)
    remembered.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(remembered, json.dumps(asdict(choice)))
    return choice


def _precisions(device: DeviceChoice) -> list[str]:
    if device.device == "cpu":
        return ["fp32", "bf16"]
    return ["fp32", "bf16"] if torch.cuda.is_bf16_supported(including_emulation=False) else ["fp32", "fp16"]


def _time(
    candidates: list[Precision], network: nn.Module, shape: tuple[int, int, int, int], device: torch.device
) -> dict[Precision, float]:
    """Median seconds of a training step for each candidate that gives finite numbers; the candidates take turns."""
    steppers = {candidate: _Stepper(candidate, network, shape, device) for candidate in candidates}
    first = {candidate: stepper.seconds() for candidate, stepper in steppers.items()}  # warm-up
    quick = min(first.values())
    # a processor without bf16 emulates it many times slower: one look is enough
    steppers = {candidate: stepper for candidate, stepper in steppers.items() if first[candidate] < 4 * quick + 0.05}
    times: dict[Precision, list[float]] = {candidate: [] for candidate in steppers}
    for _ in range(ROUNDS):
        for candidate, stepper in steppers.items():
            times[candidate].append(stepper.seconds())
    sound = {candidate: median(times[candidate]) for candidate, stepper in steppers.items() if stepper.finite}
    return sound or {candidates[0]: first[candidates[0]]}


class _Stepper:
    def __init__(
        self, candidate: Precision, network: nn.Module, shape: tuple[int, int, int, int], device: torch.device
    ):
        self.candidate, self.device = candidate, device
        self.network = candidate.lay_out(copy.deepcopy(network).to(device)).train()
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(shape, generator=generator).to(device)
        self.images = images.contiguous(memory_format=candidate.format())
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=1e-3)
        self.finite = True

    def seconds(self) -> float:
        self._synchronise()
        start = time.perf_counter()
        with self.candidate.autocast(self.device):
            logits = self.network(self.images)
        target = torch.zeros(len(self.images), dtype=torch.long, device=self.device)
        loss = F.cross_entropy(logits.float(), target)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._synchronise()
        taken = time.perf_counter() - start
        self.finite = self.finite and bool(torch.isfinite(loss))
        return taken

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _key(config: RunConfig, shape: tuple[int, int, int, int], device: DeviceChoice, candidates: list[Precision]) -> str:
    facts = [
        device.name,
        torch.__version__,
        torch.get_num_threads(),
        config.model.name,
        config.model.width,
        shape,
        [(candidate.precision, candidate.memory_format) for candidate in candidates],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
