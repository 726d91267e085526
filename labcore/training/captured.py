"""A training step as a CUDA graph.

A step is some five hundred kernels, and to queue them one by one takes a processor longer than a large GPU takes to run them. Recorded
once as a graph, they are queued by a single call. Source: "CUDA Graphs", PyTorch's notes on CUDA semantics.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from labcore.device import is_out_of_memory
from labcore.training.step_timer import StepTimer

WARM_STEPS = 3
"""So many steps are taken kernel by kernel before one is recorded: libraries choose their kernels in them, code is compiled."""

Step = Callable[[Tensor, Tensor], Tensor]
"""What is done with a batch on the device: changes weights in place, waits for nothing, and returns a tensor to be looked at."""


class CapturedStep:
    """Takes steps kernel by kernel at first, and then replays what it recorded of one.

    Args:
        device: the GPU that steps are taken on, whichever is the current one.
        clock: is told what is recorded and what is replayed.

    Attributes:
        trouble: why steps cannot be recorded, which are then taken kernel by kernel; empty where they can.
    """

    def __init__(self, device: torch.device, clock: StepTimer) -> None:
        self.device, self.clock, self.trouble = device, clock, ""
        self.stream = torch.cuda.Stream(device)
        self.forget()

    def forget(self) -> None:
        """What a step does has changed: record it anew, after some warm steps."""
        self.graph: torch.cuda.CUDAGraph | None = None
        self.taken = 0
        self.inputs: tuple[Tensor, ...] = ()
        self.shown: Tensor | None = None
        self.clock.forget_recording()

    def __call__(self, step: Step, cut: Tensor, targets: Tensor) -> Tensor:
        """Take a step with this batch. What is returned holds until the next one.

        Args:
            step: always the same until :meth:`forget`. It is not kept, so that its owner goes when nobody holds it any more.
        """
        with torch.cuda.device(self.device):  # torch records what is queued on the current one
            return self._take(step, cut, targets)

    def _take(self, step: Step, cut: Tensor, targets: Tensor) -> Tensor:
        if self.graph is not None and [each.shape for each in self.inputs] != [cut.shape, targets.shape]:
            self.forget()
        if self.graph is None and self.taken >= WARM_STEPS and not self.trouble:
            self._record(step, cut, targets)
        if self.graph is None:
            self.taken += 1
            with self._watched() if self.taken == WARM_STEPS else contextlib.nullcontext():
                return self._plain(step, cut, targets)
        for kept, given in zip(self.inputs, (cut, targets), strict=True):
            kept.copy_(given)
        self.graph.replay()
        self.clock.replayed()
        assert self.shown is not None
        return self.shown

    def _plain(self, step: Step, cut: Tensor, targets: Tensor) -> Tensor:
        """Kernel by kernel, on the stream on which they are recorded."""
        here = torch.cuda.current_stream()
        self.stream.wait_stream(here)
        try:
            with torch.cuda.stream(self.stream):
                return step(cut, targets)
        finally:  # also where memory ran out: what was queued until then is done before anything else is tried
            here.wait_stream(self.stream)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Inside, what waits for the device is noted: it cannot be recorded, and is not tried, since it leaves torch's memory and random
        numbers in the midst of a recording."""
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield
            finally:
                torch.cuda.set_sync_debug_mode(before)
        for told in seen:
            if "called a synchronizing" in str(told.message):
                self.trouble = f"it waits for the device ({Path(told.filename).name}, line {told.lineno})"
            elif "debug mode" not in str(told.message):  # torch says of this mode that it does not see everything
                warnings.warn_explicit(told.message, told.category, told.filename, told.lineno)

    def _record(self, step: Step, cut: Tensor, targets: Tensor) -> None:
        """Record a step without taking it. What cannot be recorded stays as it is."""
        self.inputs = cut.clone(), targets.clone()
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        here = torch.cuda.stream(torch.cuda.current_stream())  # where a recording fails, torch stays on its stream
        try:
            with here, self.clock.recording(), torch.cuda.graph(graph, pool, self.stream):
                self.shown = step(*self.inputs)
        except Exception as error:
            trouble = _first(error)
        else:
            self.graph = graph
            return
        device = torch.cuda.current_device()
        _close(pool, device)
        del graph  # and its memory
        self.forget()
        _take_over(torch.cuda.default_generators[device])
        if is_out_of_memory(trouble):
            raise trouble
        self.trouble = " ".join(str(trouble).split())[:200] or type(trouble).__name__


def _first(error: BaseException) -> BaseException:
    """What went wrong first, where the end of the recording failed for it; without the tensors that its traceback holds."""
    while error.__context__ is not None:
        error = error.__context__
    return error.with_traceback(None)


def _close(pool: tuple[int, int], device: int) -> None:
    """Have the allocator serve a recording no more that failed. Up to torch 2.11 it goes on where the end of the recording fails as well
    (PyTorch #180395), and from then on refuses to give any memory back, an error that ends the run."""
    end = getattr(torch._C, "_cuda_endAllocateToPool", None) or getattr(
        torch._C, "_cuda_endAllocateCurrentStreamToPool", None
    )
    with contextlib.suppress(RuntimeError, TypeError):
        if end is not None:
            end(device, pool)  # raises where the recording has ended as it should
            torch._C._cuda_releasePool(device, pool)


def _take_over(generator: torch.Generator) -> None:
    """Have a generator go on where it stands, with a state of which no recording is under way: one that failed is never ended, and
    torch refuses to draw random numbers from its state."""
    generator.graphsafe_set_state(generator.clone_state())
