"""Timing of training steps: each way of computing in turn, and compiled code against plain. On a GPU steps are replayed, as in training."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labcore.device import is_out_of_memory, synchronise
from labcore.errors import LabError
from labcore.jobs.following import OnProgress, Stopped
from labcore.models import compiling
from labcore.models.dropout import Dropout
from labcore.training.captured import WARM_STEPS, CapturedStep
from labcore.training.precision import Precision
from labcore.training.step_timer import StepTimer

MOST_ROUNDS = 5
FEWEST_ROUNDS = 2
"""Fewer tell nothing of how far steps scatter."""
BOX_SHARE, BOX_SECONDS = 0.05, 15.0
"""The timing takes this share of what the run is expected to take, and no longer than so many seconds."""


@dataclass(frozen=True)
class Timing:
    """Seconds of steps of each way, in the order in which they were tried; ``cut`` where there was no time for all."""

    seconds: dict[Precision, list[float]]
    cut: bool = False


def time_ways(
    candidates: list[Precision],
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
    graph: bool,
    steps: int,
    report: OnProgress,
) -> Timing:
    """Seconds of training steps for each candidate that gives finite numbers; interleaved, as long as the time lasts. There are none
    where no step fits in the memory: training divides batches, the timing does not.

    Args:
        graph: whether steps are replayed as a CUDA graph where they can be.
    """
    most = len(candidates) * (1 + MOST_ROUNDS)
    first: dict[Precision, float] = {}
    steppers: dict[Precision, _Stepper] = {}
    cut, end = False, time.perf_counter() + BOX_SECONDS
    for done, candidate in enumerate(candidates):  # warm-up
        if first and time.perf_counter() >= end:
            cut = True
            break
        report(done, most)
        begun = _begun(candidate, network, shape, device, graph)
        if begun is None:
            continue
        stepper, first[candidate] = begun
        if candidate is candidates[0] and steps:
            end += min(0.0, BOX_SHARE * steps * first[candidate] - BOX_SECONDS)
        # a processor without bf16 emulates it many times slower: one look is enough
        if stepper.finite and first[candidate] < 4 * min(first.values()) + 0.05:
            steppers[candidate] = stepper
    times = {candidate: list[float]() for candidate in steppers}
    rounds = [(number, candidate) for number in range(MOST_ROUNDS) for candidate in steppers]
    for done, (number, candidate) in enumerate([] if cut else rounds, len(first)):
        if time.perf_counter() >= end:
            cut = number < FEWEST_ROUNDS
            break
        report(done, most)
        times[candidate].append(steppers[candidate].seconds())
    sound = {way: times[way] or [first[way]] for way, stepper in steppers.items() if stepper.finite}
    default = {way: [seconds] for way, seconds in list(first.items())[:1]}
    return Timing(sound or default, cut)


def median_seconds(
    way: Precision,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
    seconds: float,
    report: OnProgress,
) -> float | None:
    """The median of the training steps that so many seconds have room for, of at least :data:`MOST_ROUNDS` after the first; None where
    none fits in the memory."""
    begun = _begun(way, network, shape, device, graph=False)
    if begun is None:
        return None
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < MOST_ROUNDS or time.perf_counter() < end:
        report(len(times), 0)
        times.append(begun[0].seconds())
    return median(times)


def try_compiled(
    choice: Precision,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
    graph: bool,
    report: OnProgress,
) -> compiling.CompileResult:
    """Compile a copy, compare its gradients with the plain network's, and time both in turn. Raises what torch does where memory runs out:
    that says nothing of compiling."""
    report(0, 2 * MOST_ROUNDS)
    plain = _Stepper(choice, network, shape, device, graph)
    plain.seconds()
    try:
        start = time.perf_counter()
        quick = _Stepper(replace(choice, compiled=True), network, shape, device, graph)
        quick.seconds()
        taken = time.perf_counter() - start
        if not compiling.agree(plain.gradient(), quick.gradient()):
            return compiling.CompileResult(taken, 0.0, "its gradients differ from those of the uncompiled network")
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
        if is_out_of_memory(error):
            raise
        if compiling.mend(error):
            return try_compiled(choice, network, shape, device, graph, report)
        return compiling.CompileResult(0.0, 0.0, f"it failed: {' '.join(str(error).split())[:200]}")
    scatter = max(median(seconds) - min(seconds) for seconds in times.values())
    gain = 1.0 - min(times[quick]) / min(times[plain])
    clear = abs(min(times[plain]) - min(times[quick])) > scatter
    return compiling.CompileResult(taken, gain if clear else 0.0, "", unclear=0 if clear else 1)


def seconds_to_load(
    choice: Precision, network: nn.Module, shape: tuple[int, int, int, int], device: torch.device
) -> float:
    """What the first step of compiled code takes in a process that has not compiled yet. The step is on a copy; the next is quick."""
    start = time.perf_counter()
    _Stepper(replace(choice, compiled=True), network, shape, device, graph=False).seconds()
    return time.perf_counter() - start


def _begun(
    candidate: Precision, network: nn.Module, shape: tuple[int, int, int, int], device: torch.device, graph: bool
) -> tuple[_Stepper, float] | None:
    """A stepper, and the seconds of its first step; None where memory ran out."""
    try:
        stepper = _Stepper(candidate, network, shape, device, graph)
        return stepper, stepper.seconds()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None


class _Stepper:
    def __init__(
        self,
        candidate: Precision,
        network: nn.Module,
        shape: tuple[int, int, int, int],
        device: torch.device,
        graph: bool,
    ) -> None:
        self.candidate, self.device = candidate, device
        self.network = candidate.lay_out(copy.deepcopy(network).to(device)).train()
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(shape, generator=generator).to(device)
        self.images = images.contiguous(memory_format=candidate.format())
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3)
        self.forward = candidate.forward_of(self.network)
        self.targets = torch.arange(len(images), device=device)
        on_graph = graph and candidate.on_graph(device)
        self.captured = CapturedStep(device, StepTimer(device)) if on_graph else None
        self.warm_steps = WARM_STEPS + 1 if on_graph else 0
        self.start = copy.deepcopy(self.network.state_dict())
        self.finite = True

    def seconds(self) -> float:
        for _ in range(self.warm_steps):
            self._take()
        self.warm_steps = 0
        synchronise(self.device)
        start = time.perf_counter()
        loss = self._take()
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
        self._backward(self.images, self.targets)
        for module, share in shares.items():
            module.share = share
        parts = [weight.grad.flatten() for weight in self.network.parameters() if weight.grad is not None]
        return torch.cat(parts).float()

    def _take(self) -> Tensor:
        if self.captured is None:
            return self._step(self.images, self.targets)
        return self.captured(self._step, self.images, self.targets)

    def _step(self, images: Tensor, targets: Tensor) -> Tensor:
        loss = self._backward(images, targets)
        self.optimizer.step()
        return loss

    def _backward(self, images: Tensor, targets: Tensor) -> Tensor:
        with self.candidate.autocast(self.device):
            logits = self.forward(images)
        loss = F.cross_entropy(logits.float(), targets % logits.shape[1])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        return loss.detach()
