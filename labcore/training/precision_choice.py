"""Which precision and memory format a network trains fastest in on this machine, and whether compiling it pays: measured, not guessed.

The best combination differs by network and by processor (bf16 with channels_last doubles the speed of a ResNet-18 on a CPU
with AVX-512 BF16 and slows a MobileNet down), so each is timed for a few steps, in turn, and the fastest is kept and
remembered for the same machine, network and batch. The timing takes a small share of the run and never long. On a machine that other work
keeps busy, where steps scatter by more than the ways differ, the default is taken and nothing is remembered. torch.compile is
tried on the fastest where the run is long enough to earn the compiling back, and taken where it is faster and gives the same gradients;
where that is not clear, the next long run tries it once more, and then no run does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import nn

from labcore.config import ModelConfig, RuntimeConfig
from labcore.device import DeviceChoice, has_bf16, is_out_of_memory
from labcore.jobs.following import OnProgress
from labcore.models import compiling
from labcore.remembered import PRECISIONS, Remembered, key_of
from labcore.training.precision import FORMATS, Precision
from labcore.training.step_timing import FEWEST_ROUNDS, Timing, seconds_to_load, time_ways, try_compiled
from labcore.workspace import Workspace

COMPILED = "-compiled"
"""How the key of a trial of torch.compile ends."""


def _has_kernels_for_bf16() -> bool:
    """Whether PyTorch has kernels for bf16 for this processor. Where it has none, a step takes up to a hundred times as long as in fp32,
    which is longer than the timing of all may take."""
    has = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)  # missing where torch is built without oneDNN
    return has is not None and bool(has())


@dataclass(frozen=True)
class PrecisionChooser:
    """Takes what the configuration fixes and times the rest, in two looks.

    Args:
        runtime: what is fixed.
        model: what the network is remembered by.
        network: left as it is; copies are timed.
        shape: of an input: (batch, 1, n_mels, frames).
        steps: how many training steps there will be; timing and compiling have to pay within them. 0: that is not known.
        processes: so many of this machine train together, each on a GPU of its own.
    """

    runtime: RuntimeConfig
    model: ModelConfig
    network: nn.Module
    shape: tuple[int, int, int, int]
    device: DeviceChoice
    workspace: Workspace
    steps: int = 0
    processes: int = 1

    def precision(self, report: OnProgress = lambda done, total: None) -> Precision:
        """Precision and memory format.

        Args:
            report: called between steps with (steps done, steps at most); what it raises ends the timing.
        """
        runtime = self.runtime
        auto = runtime.precision == "auto"
        precisions = _precisions(self.device, self.processes) if auto else [runtime.precision]
        formats = list(FORMATS) if runtime.memory_format == "auto" else [runtime.memory_format]
        candidates = _default_first([Precision(p, f, "") for p in precisions for f in formats], self.device)
        if len(candidates) == 1 and not self._may_compile:
            return Precision(candidates[0].precision, candidates[0].memory_format, "as configured")
        key, kept = self._key(candidates), _kept(self.workspace)
        choice = kept.recall(key, Precision)
        if choice is None:
            timing = time_ways(
                candidates, self.network, self.shape, self.device.torch(), self._graph, self.steps, report
            )
            if not timing.seconds:
                return replace(candidates[0], reason="default: there is too little memory to time a step")
            choice, clear = _decided(timing, len(candidates))
            if clear:
                kept.keep(key, choice)
        return choice

    def compiling(self, choice: Precision, report: OnProgress = lambda done, total: None) -> Precision:
        """What :meth:`precision` chose, with compiled code where that ends the run sooner or is insisted on.

        Args:
            report: as for :meth:`precision`, but that nothing is reported while code is compiled.
        """
        if not self._may_compile:
            return choice
        insist, kept = self.runtime.compile == "on", _kept(self.workspace)
        key = f"{self._key([choice])}{COMPILED}"
        compiling.keep_code(self.workspace)
        trial = kept.recall(key, compiling.CompileResult)
        if trial is None or not (insist or trial.settled):
            if not insist and not compiling.worth_trying(self.steps, choice.step_seconds, _usual_seconds(kept)):
                return choice
            try:
                found = try_compiled(choice, self.network, self.shape, self.device.torch(), self._graph, report)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                return replace(choice, reason=f"{choice.reason}; there is too little memory to try torch.compile")
            trial = found.after(trial)
            kept.keep(key, trial)
        elif trial.loading is None and trial.taken(self.steps, choice.step_seconds, insist):
            trial = _loaded(trial, choice, self.network, self.shape, self.device.torch())
            kept.keep(key, trial)
        taken = trial.taken(self.steps, choice.step_seconds, insist)
        return replace(choice, compiled=taken, reason=f"{choice.reason}; {trial.sentence(taken)}")

    @property
    def _may_compile(self) -> bool:
        return self.runtime.compile == "on" or (self.runtime.compile == "auto" and self.steps >= compiling.FEWEST_STEPS)

    @property
    def _graph(self) -> bool:
        return self.runtime.cuda_graph == "auto"

    def _key(self, candidates: list[Precision]) -> str:
        facts = [
            self.device.name,
            torch.__version__,
            torch.get_num_threads(),
            5,  # what is remembered, by its version
            self.model.name,
            self.model.width,
            self.shape,
            self._graph,
            [(candidate.precision, candidate.memory_format) for candidate in candidates],
        ]
        return key_of(facts)


def _usual_seconds(kept: Remembered) -> float:
    """What compiling took on this machine, at the median of the networks that were tried."""
    trials = kept.recall_all(COMPILED, compiling.CompileResult)
    return median([trial.seconds for trial in trials if trial.seconds] or [compiling.USUAL_SECONDS])


def _loaded(
    trial: compiling.CompileResult,
    choice: Precision,
    network: nn.Module,
    shape: tuple[int, int, int, int],
    device: torch.device,
) -> compiling.CompileResult:
    """The outcome of an earlier trial, with the time that its code takes to come from the disk."""
    try:
        return replace(trial, loading=seconds_to_load(choice, network, shape, device))
    except (
        Exception
    ) as error:  # a stump of code that a killed process left is compiled anew; whatever else, training goes on
        compiling.mend(error)
        torch.compiler.reset()
        return trial


def _kept(workspace: Workspace) -> Remembered:
    return Remembered(workspace, PRECISIONS)


def remembered(workspace: Workspace) -> dict[str, int]:
    """What is remembered by now: file → when it was written, in nanoseconds."""
    return _kept(workspace).written()


def _default_first(candidates: list[Precision], device: DeviceChoice) -> list[Precision]:
    """The way that is taken where timing tells nothing comes first: bf16 in channels_last where the device computes it itself."""
    fast = device.device != "cpu" or torch.cpu._is_avx512_bf16_supported()
    default = ("fp32", "contiguous") if not fast else (candidates[-1].precision, "channels_last")
    return sorted(candidates, key=lambda way: (way.precision, way.memory_format) != default)


def usual_way(device: DeviceChoice) -> Precision:
    """The way in which a network is mostly trained fastest on a device."""
    ways = [Precision(precision, layout, "usual") for precision in _precisions(device, 1) for layout in FORMATS]
    return _default_first(ways, device)[0]


def _decided(timing: Timing, ways: int) -> tuple[Precision, bool]:
    """The way to take, and whether it is so clear that it is worth remembering."""
    least = {way: min(seconds) for way, seconds in timing.seconds.items()}
    default, *_ = least
    base, fewest = least[default], min(map(len, timing.seconds.values()))
    if ways == 1:
        return replace(default, reason="as configured", step_seconds=base), fewest >= FEWEST_ROUNDS
    if timing.cut and fewest < FEWEST_ROUNDS:
        reason = f"default: timing {ways} configurations would take too much of the run"
        return replace(default, reason=reason, step_seconds=base), False
    best = min(least, key=lambda way: least[way])
    taken = least[best]
    scatter = max(median(timing.seconds[way]) - least[way] for way in (best, default))
    if best is not default and base - taken <= scatter:
        reason = (
            f"default: the machine is too busy to compare {ways} configurations (steps vary by {1000 * scatter:.0f} ms, "
            f"configurations differ by {1000 * (base - taken):.0f} ms)"
        )
        return replace(default, reason=reason, step_seconds=base), False
    slowest = max(least, key=lambda way: least[way])
    reason = (
        f"fastest of {ways} configurations: {_ms(taken)} per step, "
        f"{_ms(least[slowest])} in {slowest.precision} {slowest.memory_format}"
    )
    return replace(best, reason=reason, step_seconds=taken), True


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.{0 if seconds >= 0.01 else 1}f} ms"


def _precisions(device: DeviceChoice, processes: int) -> list[str]:
    """Those worth timing: what every GPU computes by itself that takes part."""
    if device.device == "cpu":
        return ["fp32", "bf16"] if _has_kernels_for_bf16() else ["fp32"]
    gpus = range(processes) if processes > 1 else [device.torch()]
    return ["fp32", "bf16" if all(map(has_bf16, gpus)) else "fp16"]


def taken_up(
    kept: Precision, runtime: RuntimeConfig, device: DeviceChoice, processes: int = 1
) -> tuple[Precision, str]:
    """How a run goes on that was begun like this, maybe on another device; and a sentence where that is another precision, else "".

    fp32 takes the place of what this device only emulates, up to a hundred times slower, or cannot compute at all. Who insists gets it.
    """
    able = [*_precisions(device, processes), *(["fp16"] if device.device != "cpu" else [])]
    if runtime.precision != "auto" or kept.precision in able:
        return kept, ""
    told = f"the run was begun in {kept.precision}, which {device.name} does not compute by itself: it goes on in fp32"
    return replace(kept, precision="fp32", reason=told, step_seconds=0.0), told
