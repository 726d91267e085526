"""torch.compile: when it is worth trying, whether what it gives is right, and what it earned."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from labcore.texts import percent
from labcore.workspace import Workspace

FEWEST_STEPS = 200
"""Shorter runs are not worth the look."""
USUAL_SECONDS = 25.0
"""What compiling takes where nothing has been compiled yet on this machine: a small network on two cores."""
MOST_SHARE = 0.05
"""A trial takes at most this share of a run, as compiling usually goes. It saves about four times as much of each step."""
MOST_TRIALS = 2
"""A machine that was so busy that the outcome was not clear is asked once more, and no more: each look takes the run's time."""
AGAIN = 0.2
"""The share of the first compiling's time that loading its code from the disk takes, until that was measured."""


@dataclass(frozen=True)
class CompileResult:
    """What came of compiling a network.

    Attributes:
        seconds: the first step took so long.
        gain: the share of a step that it saves; negative where it is slower.
        trouble: why it cannot be used; empty where it can.
        loading: seconds of the first step where the code came from the disk; None as long as no later run has measured it.
        unclear: so many trials told nothing, since steps scattered by more than the two ways differ.
    """

    seconds: float
    gain: float
    trouble: str
    loading: float | None = None
    unclear: int = 0

    @property
    def settled(self) -> bool:
        """Whether another trial would be for nothing."""
        return self.unclear == 0 or self.unclear >= MOST_TRIALS

    def after(self, earlier: CompileResult | None) -> CompileResult:
        """With what an earlier trial, whose outcome was not clear, had found: it compiled, and this one loaded its code."""
        if earlier is None:
            return self
        unclear = self.unclear and self.unclear + earlier.unclear
        return replace(self, seconds=max(self.seconds, earlier.seconds), loading=self.seconds, unclear=unclear)

    def taken(self, steps: int, step_seconds: float, insist: bool) -> bool:
        """Whether a run of so many steps is done earlier with it."""
        if self.trouble:
            return False
        cost = AGAIN * self.seconds if self.loading is None else self.loading
        return insist or self.gain * steps * step_seconds > cost

    def sentence(self, taken: bool) -> str:
        """What was found, without a final stop."""
        if self.trouble:
            return f"torch.compile was tried but not used: {self.trouble}"
        saves = f"{percent(self.gain, 0)} of a step" if self.gain > 0 else "nothing"
        return f"torch.compile saves {saves}" + ("" if taken else ", too little to use it")


def worth_trying(steps: int, step_seconds: float, usual_seconds: float) -> bool:
    """Whether a run is long enough that compiling usually pays, trial included, and that nobody waits long for the trial.

    Args:
        usual_seconds: what compiling takes on this machine.
    """
    return MOST_SHARE * steps * step_seconds > usual_seconds


def keep_code(workspace: Workspace) -> None:
    """Have compiled code kept for the next run, and found by it, unless the environment names a place."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(workspace.cache / "compiled"))


def compiled(network: nn.Module, dynamic: bool = False) -> Callable[[Tensor], Tensor]:
    """Compiled code over the network's own weights, for inputs of one shape, or of any where it is ``dynamic``."""
    # torch looks for a CUDA toolkit and warns where there is none, on a machine that needs none
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    return torch.compile(network, dynamic=dynamic)


def mend(error: BaseException) -> bool:
    """Remove the compiled library that an error says cannot be loaded: a process that was killed while it wrote one leaves a stump.

    Returns:
        Whether one was removed, so that compiling is worth another try.
    """
    told = re.search(r"(/[^:\s]+\.so): (?:file too short|invalid ELF header|cannot read file data)", str(error))
    if told is None:
        return False
    with contextlib.suppress(OSError):
        Path(told[1]).unlink()
        return True
    return False


def agree(plain: Tensor, compiled: Tensor) -> bool:
    """Whether two gradients are the same up to the rounding of low precisions. (parameters,) each."""
    if not bool(torch.isfinite(compiled).all()):
        return False
    size = torch.linalg.vector_norm(compiled) / torch.linalg.vector_norm(plain).clamp(min=1e-12)
    cosine = torch.nn.functional.cosine_similarity(plain, compiled, dim=0)
    return bool(cosine > 0.95) and 0.9 < float(size) < 1.1
