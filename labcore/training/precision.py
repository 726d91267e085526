"""Which precision and memory format a network trains fastest in on this machine, and whether compiling it pays: measured, not guessed.

The best combination differs by network and by processor (bf16 with channels_last doubles the speed of a ResNet-18 on a CPU
with AVX-512 BF16 and slows a MobileNet down), so each is timed for a few steps, in turn, and the fastest is kept and
remembered for the same machine, network and batch. torch.compile is tried on the fastest where the run is long enough to earn the
compiling back, and taken where it is faster and gives the same gradients.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labcore.config import RunConfig
from labcore.device import DeviceChoice
from labcore.models.dropout import Dropout
from labcore.training import compiling
from labcore.workspace import Workspace, write_atomically

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ROUNDS = 3


@dataclass(frozen=True)
class Precision:
    """How the network computes, and why so: a sentence for people without the final stop.

    ``step_seconds`` is what a step of the network took when it was timed, 0 where it was not.
    """

    precision: str
    memory_format: str
    reason: str
    compiled: bool = False
    step_seconds: float = 0.0

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

    def forward_of(self, network: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
        """What training calls for a forward pass: the network, or compiled code that works on the network's own weights."""
        return compiling.compiled(network, device) if self.compiled else network


def choose_precision(
    config: RunConfig,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: DeviceChoice,
    workspace: Workspace,
    steps: int = 0,
) -> Precision:
    """Take what the configuration fixes; time the rest.

    Args:
        network: left as it is; copies are timed.
        shape: of an input: (batch, 1, n_mels, frames).
        steps: how many training steps there will be; compiling has to pay within them.
    """
    runtime = config.runtime
    precisions = _precisions(device) if runtime.precision == "auto" else [runtime.precision]
    formats = list(FORMATS) if runtime.memory_format == "auto" else [runtime.memory_format]
    candidates = [Precision(p, f, "") for p in precisions for f in formats]
    compiling_is_open = runtime.compile == "on" or (runtime.compile == "auto" and steps >= compiling.FEWEST_STEPS)
    if len(candidates) == 1 and not compiling_is_open:
        return Precision(candidates[0].precision, candidates[0].memory_format, "as configured")
    memory = workspace.cache / "precision"
    key = _key(config, shape, device, candidates)
    choice = _recall(memory / f"{key}.json")
    if choice is None:
        choice = _fastest(candidates, network, shape, device.torch())
        memory.mkdir(parents=True, exist_ok=True)
        write_atomically(memory / f"{key}.json", json.dumps(asdict(choice)))
    if not compiling_is_open:
        return choice
    trial = compiling.recall(memory / f"{key}-compiled.json")
    if trial is None:
        if runtime.compile == "auto" and not compiling.worth_trying(steps, choice.step_seconds):
            return choice
        trial = _try_compiled(choice, network, shape, device.torch(), workspace)
        write_atomically(memory / f"{key}-compiled.json", json.dumps(asdict(trial)))
    taken = trial.taken(steps, choice.step_seconds, runtime.compile == "on")
    reason = f"{choice.reason}; {trial.sentence(taken)}"
    return replace(choice, compiled=taken, reason=reason)


def _recall(path: Path) -> Precision | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Precision(**json.loads(path.read_text()))
    return None


def _fastest(
    candidates: list[Precision], network: nn.Module, shape: tuple[int, int, int, int], device: torch.device
) -> Precision:
    times = _time(candidates, network, shape, device)
    best = min(times, key=lambda candidate: times[candidate])
    base = times.get(candidates[0], max(times.values()))
    reason = "as configured"
    if len(candidates) > 1:
        reason = (
            f"fastest of {len(candidates)} ways timed: {1000 * times[best]:.0f} ms a step"
            f" against {1000 * base:.0f} ms in {candidates[0].precision} {candidates[0].memory_format}"
        )
    return replace(best, reason=reason, step_seconds=times[best])


def _try_compiled(
    choice: Precision,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
    workspace: Workspace,
) -> compiling.Trial:
    """Compile a copy, compare its gradients with the plain network's, and time both in turn."""
    compiling.keep_code_in(workspace.cache / "compiled")
    plain = _Stepper(choice, network, shape, device)
    plain.seconds()
    try:
        start = time.perf_counter()
        quick = _Stepper(replace(choice, compiled=True), network, shape, device)
        quick.seconds()
        taken = time.perf_counter() - start
        if not compiling.agree(plain.gradient(), quick.gradient()):
            return compiling.Trial(taken, 0.0, "its gradients differ from those of the plain network")
        times: dict[_Stepper, list[float]] = {plain: [], quick: []}
        for _ in range(2 * ROUNDS):
            for stepper, seconds in times.items():
                seconds.append(stepper.seconds())
    except Exception as error:  # whatever the compiler stumbles over, training goes on without it
        if compiling.mend(error):
            return _try_compiled(choice, network, shape, device, workspace)
        return compiling.Trial(0.0, 0.0, f"it failed: {' '.join(str(error).split())[:200]}")
    return compiling.Trial(taken, 1.0 - median(times[quick]) / median(times[plain]), "")


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
        self.forward = candidate.forward_of(self.network, device)
        self.start = copy.deepcopy(self.network.state_dict())
        self.finite = True

    def seconds(self) -> float:
        self._synchronise()
        start = time.perf_counter()
        loss = self._backward()
        self.optimiser.step()
        self._synchronise()
        taken = time.perf_counter() - start
        self.finite = self.finite and bool(torch.isfinite(loss))
        return taken

    def gradient(self) -> Tensor:
        """The gradient at the weights it began with, without dropout: (parameters,) float32."""
        self.network.load_state_dict(self.start)
        shares = {module: module.share for module in self.network.modules() if isinstance(module, Dropout)}
        for module in shares:
            module.share = 0.0
        self._backward()
        for module, share in shares.items():
            module.share = share
        parts = [weight.grad.flatten() for weight in self.network.parameters() if weight.grad is not None]
        return torch.cat(parts).float()

    def _backward(self) -> Tensor:
        with self.candidate.autocast(self.device):
            logits = self.forward(self.images)
        target = torch.arange(len(self.images), device=self.device) % logits.shape[1]
        loss = F.cross_entropy(logits.float(), target)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return loss.detach()

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _key(config: RunConfig, shape: tuple[int, int, int, int], device: DeviceChoice, candidates: list[Precision]) -> str:
    facts = [
        device.name,
        torch.__version__,
        torch.get_num_threads(),
        2,  # what is remembered, by its version
        config.model.name,
        config.model.width,
        shape,
        [(candidate.precision, candidate.memory_format) for candidate in candidates],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
