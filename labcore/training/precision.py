"""Which precision and memory format a network trains fastest in on this machine, and whether compiling it pays: measured, not guessed.

The best combination differs by network and by processor (bf16 with channels_last doubles the speed of a ResNet-18 on a CPU
with AVX-512 BF16 and slows a MobileNet down), so each is timed for a few steps, in turn, and the fastest is kept and
remembered for the same machine, network and batch. The timing takes a small share of the run and never long. On a machine that other work
keeps busy, where steps scatter by more than the ways differ, the default is taken and nothing is remembered. torch.compile is
tried on the fastest where the run is long enough to earn the compiling back, and taken where it is faster and gives the same gradients.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, TypeVar

import torch
import torch.nn.functional as F
from pydantic import Field, TypeAdapter
from torch import Tensor, nn

from labcore.config import ModelConfig, RuntimeConfig
from labcore.device import DeviceChoice, synchronise
from labcore.errors import LabError
from labcore.jobs.following import Stopped
from labcore.models.dropout import Dropout
from labcore.reading import read_object
from labcore.training import compiling
from labcore.workspace import Workspace, write_atomically

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
MOST_ROUNDS = 5
FEWEST_ROUNDS = 2
"""Fewer tell nothing of how far steps scatter."""
BOX_SHARE, BOX_SECONDS = 0.05, 15.0
"""The timing takes this share of what the run is expected to take, and no longer than so many seconds."""
Report = Callable[[int, int], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Precision:
    """How the network computes, and why so: a sentence for people without the final stop.

    ``step_seconds`` is what a step of the network took when it was timed, 0 where it was not.
    """

    precision: Annotated[str, Field(pattern="^(fp32|bf16|fp16)$")]
    memory_format: Annotated[str, Field(pattern="^(contiguous|channels_last)$")]
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


@dataclass(frozen=True)
class Timing:
    """Seconds of steps of each way, in the order in which they were tried; ``cut`` where there was no time for all."""

    seconds: dict[Precision, list[float]]
    cut: bool = False


def choose_precision(
    runtime: RuntimeConfig,
    model: ModelConfig,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: DeviceChoice,
    workspace: Workspace,
    steps: int = 0,
    report: Report = lambda done, total: None,
) -> Precision:
    """Take what the configuration fixes; time the rest.

    Args:
        runtime: what is fixed.
        model: what the network is remembered by.
        network: left as it is; copies are timed.
        shape: of an input: (batch, 1, n_mels, frames).
        steps: how many training steps there will be; timing and compiling have to pay within them. 0: that is not known.
        report: called between steps with (steps done, steps at most); what it raises ends the timing.
    """
    precisions = _precisions(device) if runtime.precision == "auto" else [runtime.precision]
    formats = list(FORMATS) if runtime.memory_format == "auto" else [runtime.memory_format]
    candidates = _default_first([Precision(p, f, "") for p in precisions for f in formats], device)
    insist = runtime.compile == "on"
    compiling_is_open = insist or (runtime.compile == "auto" and steps >= compiling.FEWEST_STEPS)
    if len(candidates) == 1 and not compiling_is_open:
        return Precision(candidates[0].precision, candidates[0].memory_format, "as configured")
    key = _key(model, shape, device, candidates)
    choice = _recall(_kept(workspace, key), Precision)
    if choice is None:
        choice, clear = _decided(_time(candidates, network, shape, device.torch(), steps, report), len(candidates))
        if clear:
            _keep(_kept(workspace, key), choice)
    if not compiling_is_open:
        return choice
    trial = _recall(_kept(workspace, f"{key}-compiled"), compiling.Trial)
    if trial is None:
        if not insist and not compiling.worth_trying(steps, choice.step_seconds):
            return choice
        trial, clear = _try_compiled(choice, network, shape, device.torch(), workspace, report)
        if clear or insist:
            _keep(_kept(workspace, f"{key}-compiled"), trial)
    taken = trial.taken(steps, choice.step_seconds, insist)
    return replace(choice, compiled=taken, reason=f"{choice.reason}; {trial.sentence(taken)}")


def _kept(workspace: Workspace, name: str) -> Path:
    return workspace.cache / "precision" / f"{name}.json"


def _recall(path: Path, kind: type[T]) -> T | None:
    """What was found earlier for the same machine, network and input; None where it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        return TypeAdapter(kind).validate_python(read_object(path))
    return None


def _keep(path: Path, found: Precision | compiling.Trial) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(found)))


def forget(workspace: Workspace) -> int:
    """Have all networks timed again at their next start; returns how many choices were forgotten."""
    files = list(_kept(workspace, "*").parent.glob("*.json"))
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def _default_first(candidates: list[Precision], device: DeviceChoice) -> list[Precision]:
    """The way that is taken where timing tells nothing comes first: bf16 in channels_last where the device computes it itself."""
    fast = device.device != "cpu" or torch.cpu._is_avx512_bf16_supported()
    default = ("fp32", "contiguous") if not fast else (candidates[-1].precision, "channels_last")
    return sorted(candidates, key=lambda way: (way.precision, way.memory_format) != default)


def _decided(timing: Timing, ways: int) -> tuple[Precision, bool]:
    """The way to take, and whether it is so clear that it is worth remembering."""
    default, *_ = timing.seconds
    fewest = min(len(seconds) for seconds in timing.seconds.values())
    if ways == 1:
        return replace(
            default, reason="as configured", step_seconds=min(timing.seconds[default])
        ), fewest >= FEWEST_ROUNDS
    if timing.cut and fewest < FEWEST_ROUNDS:
        reason = f"default: timing {ways} configurations would take too much of the run"
        return replace(default, reason=reason, step_seconds=min(timing.seconds[default])), False
    best = min(timing.seconds, key=lambda way: min(timing.seconds[way]))
    taken, base = min(timing.seconds[best]), min(timing.seconds[default])
    scatter = max(median(timing.seconds[way]) - min(timing.seconds[way]) for way in (best, default))
    if best is not default and base - taken <= scatter:
        reason = (
            f"default: the machine is too busy to compare {ways} configurations (steps vary by {1000 * scatter:.0f} ms, "
            f"configurations differ by {1000 * (base - taken):.0f} ms)"
        )
        return replace(default, reason=reason, step_seconds=base), False
    slowest = max(timing.seconds, key=lambda way: min(timing.seconds[way]))
    reason = (
        f"fastest of {ways} configurations: {1000 * taken:.0f} ms per step, "
        f"{1000 * min(timing.seconds[slowest]):.0f} ms in {slowest.precision} {slowest.memory_format}"
    )
    return replace(best, reason=reason, step_seconds=taken), True


def _try_compiled(
    choice: Precision,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
    workspace: Workspace,
    report: Report,
) -> tuple[compiling.Trial, bool]:
    """Compile a copy, compare its gradients with the plain network's, and time both in turn; whether the outcome is clear, too."""
    # where compiled code is kept for the next run, unless the environment names a place
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(workspace.cache / "compiled"))
    plain = _Stepper(choice, network, shape, device)
    plain.seconds()
    try:
        start = time.perf_counter()
        quick = _Stepper(replace(choice, compiled=True), network, shape, device)
        quick.seconds()
        taken = time.perf_counter() - start
        if not compiling.agree(plain.gradient(), quick.gradient()):
            return compiling.Trial(taken, 0.0, "its gradients differ from those of the uncompiled network"), True
        times: dict[_Stepper, list[float]] = {plain: [], quick: []}
        deadline = time.perf_counter() + BOX_SECONDS
        for number in range(2 * MOST_ROUNDS):
            for stepper, seconds in times.items():
                report(number, 2 * MOST_ROUNDS)
                seconds.append(stepper.seconds())
            if number + 1 >= FEWEST_ROUNDS and time.perf_counter() > deadline:
                break
    except (Stopped, LabError):
        raise
    except Exception as error:  # whatever the compiler stumbles over, training goes on without it
        if compiling.mend(error):
            return _try_compiled(choice, network, shape, device, workspace, report)
        return compiling.Trial(0.0, 0.0, f"it failed: {' '.join(str(error).split())[:200]}"), True
    scatter = max(median(seconds) - min(seconds) for seconds in times.values())
    gain = 1.0 - min(times[quick]) / min(times[plain])
    clear = abs(min(times[plain]) - min(times[quick])) > scatter
    return compiling.Trial(taken, gain if clear else 0.0, ""), clear


def _precisions(device: DeviceChoice) -> list[str]:
    if device.device == "cpu":
        return ["fp32", "bf16"]
    return ["fp32", "bf16"] if torch.cuda.is_bf16_supported(including_emulation=False) else ["fp32", "fp16"]


def _time(
    candidates: list[Precision],
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
    steps: int,
    report: Report,
) -> Timing:
    """Seconds of training steps for each candidate that gives finite numbers; interleaved, as long as the time lasts."""
    most = len(candidates) * (1 + MOST_ROUNDS)
    first: dict[Precision, float] = {}
    steppers: dict[Precision, _Stepper] = {}
    end = time.perf_counter() + BOX_SECONDS
    for done, candidate in enumerate(candidates):  # warm-up
        if first and time.perf_counter() >= end:
            break
        report(done, most)
        stepper = _Stepper(candidate, network, shape, device)
        first[candidate] = stepper.seconds()
        if candidate is candidates[0] and steps:
            end += min(0.0, BOX_SHARE * steps * first[candidate] - BOX_SECONDS)
        # a processor without bf16 emulates it many times slower: one look is enough
        if stepper.finite and first[candidate] < 4 * min(first.values()) + 0.05:
            steppers[candidate] = stepper
    times, cut = {candidate: list[float]() for candidate in steppers}, len(first) < len(candidates)
    rounds = [(number, candidate) for number in range(MOST_ROUNDS) for candidate in steppers]
    for done, (number, candidate) in enumerate([] if cut else rounds, len(first)):
        if time.perf_counter() >= end:
            cut = number < FEWEST_ROUNDS
            break
        report(done, most)
        times[candidate].append(steppers[candidate].seconds())
    sound = {way: times[way] or [first[way]] for way, stepper in steppers.items() if stepper.finite}
    return Timing(sound or {candidates[0]: [first[candidates[0]]]}, cut)


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
        synchronise(self.device)
        start = time.perf_counter()
        loss = self._backward()
        self.optimiser.step()
        synchronise(self.device)
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


def _key(
    model: ModelConfig, shape: tuple[int, int, int, int], device: DeviceChoice, candidates: list[Precision]
) -> str:
    facts = [
        device.name,
        torch.__version__,
        torch.get_num_threads(),
        3,  # what is remembered, by its version
        model.name,
        model.width,
        shape,
        [(candidate.precision, candidate.memory_format) for candidate in candidates],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
