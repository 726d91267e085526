"""A training step as a CUDA graph.

A step is some five hundred kernels, and to queue them one by one takes a processor longer than a large GPU takes to run them. Recorded
once as a graph, they are queued by a single call. Source: "CUDA Graphs", PyTorch's notes on CUDA semantics.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from labcore.training.memory import is_out_of_memory
from labcore.training.step_timer import StepTimer

WARM_STEPS = 3
"""So many steps are taken kernel by kernel before one is recorded: libraries choose their kernels in them, code is compiled."""


class CapturedStep:
    """Takes steps kernel by kernel at first, and then replays what it recorded of one.

    Args:
        step: what is done with a batch on the device: changes weights in place, waits for nothing, and returns a tensor to be looked at.
        clock: is told what is recorded and what is replayed.

    Attributes:
        trouble: why steps cannot be recorded, which are then taken kernel by kernel; empty where they can.
    """

    def __init__(self, step: Callable[[Tensor, Tensor], Tensor], clock: StepTimer) -> None:
        self.step, self.clock, self.trouble = step, clock, ""
        self.stream = torch.cuda.Stream()
        self.forget()

    def forget(self) -> None:
        """What a step does has changed: record it anew, after some warm steps."""
        self.graph: torch.cuda.CUDAGraph | None = None
        self.taken = 0
        self.inputs: tuple[Tensor, ...] = ()
        self.shown: Tensor | None = None
        self.clock.forget_recording()

    def __call__(self, cut: Tensor, targets: Tensor) -> Tensor:
        """Take a step with this batch. What is returned holds until the next one."""
        if self.graph is not None and [each.shape for each in self.inputs] != [cut.shape, targets.shape]:
            self.forget()
        if self.graph is None and self.taken >= WARM_STEPS and not self.trouble:
            self._record(cut, targets)
        if self.graph is None:
            self.taken += 1
            return self._plain(cut, targets)
        for kept, given in zip(self.inputs, (cut, targets), strict=True):
            kept.copy_(given)
        self.graph.replay()
        self.clock.replayed()
        assert self.shown is not None
        return self.shown

    def _plain(self, cut: Tensor, targets: Tensor) -> Tensor:
        """Kernel by kernel, on another stream, as those that are recorded will be."""
        here = torch.cuda.current_stream()
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            shown = self.step(cut, targets)
        here.wait_stream(self.stream)
        return shown

    def _record(self, cut: Tensor, targets: Tensor) -> None:
        """Record a step without taking it. What cannot be recorded (code that waits for the device) stays as it is."""
        self.inputs = cut.clone(), targets.clone()
        graph = torch.cuda.CUDAGraph()
        try:
            with self.clock.recording(), torch.cuda.graph(graph):
                self.shown = self.step(*self.inputs)
        except Exception as error:
            self.forget()
            if is_out_of_memory(error):
                raise
            self.trouble = " ".join(str(error).split())[:200] or type(error).__name__
            return
        self.graph = graph
