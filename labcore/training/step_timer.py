"""Where the time of training goes: clips cut, augmented, made into mels, the network, and waiting.

On a CPU every part of every step is timed. On a GPU the calls only queue work: there one step about every second gets events between
its parts, which the device stamps as it passes them and which are read when it is past them, so that nothing waits for it. A step
that is replayed from a CUDA graph has its events recorded with it, stamped anew at each replay: of these the last step is read.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import pairwise

import torch

KINDS = ("data", "augmentation", "mel", "network", "waiting")
SAMPLE_SECONDS = 1.0
Stamp = tuple[str, torch.cuda.Event]
"""What the time since the event before it was spent on, and the event."""


class StepTimer:
    """Sums up seconds by kind: marks in a step on a device say what the time since the last mark was spent on."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        self.seconds = dict.fromkeys(KINDS, 0.0)
        self.last = time.perf_counter()
        self.steps = 0
        self.sampled = -SAMPLE_SECONDS
        self.open: list[Stamp] = []
        self.samples: list[list[Stamp]] = []
        self.is_recording = False
        self.recorded: list[Stamp] = []  # within the graph
        self.replay: list[Stamp] = []  # of the last step that was replayed
        self.sums, self.measured = dict.fromkeys(KINDS, 0.0), 0

    def begin_epoch(self) -> None:
        """Seconds count from here. On a GPU all steps sampled before count as one from now on."""
        self.seconds = dict.fromkeys(KINDS, 0.0)
        self.steps = 0
        if self.measured:
            self.sums, self.measured = {kind: value / self.measured for kind, value in self.sums.items()}, 1
        self.last = time.perf_counter()

    def begin_step(self) -> None:
        """What lay between the last step and this one was waiting."""
        self.steps += 1
        if not self.on_gpu:
            self.mark("waiting")
        elif self.recorded:
            self.open = [("waiting", _stamp())]
        elif (now := time.perf_counter()) - self.sampled >= SAMPLE_SECONDS:
            self.sampled, self.open = now, [("waiting", _stamp())]

    def mark(self, kind: str) -> None:
        """What was done since the last mark is of this kind."""
        if self.is_recording:
            self.recorded += _stamp_in_graph(kind)
            return
        if self.on_gpu:
            if self.open:
                self.open.append((kind, _stamp()))
            return
        now = time.perf_counter()
        self.seconds[kind] += now - self.last
        self.last = now

    def end_step(self) -> None:
        """The step is over."""
        if self.open:
            self.samples.append(self.open)
            self.open = []

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Inside, marks become part of the graph that is recorded."""
        self.is_recording = True
        try:
            yield
        finally:
            self.is_recording = False

    def forget_recording(self) -> None:
        """The graph with the marks in it is no longer replayed."""
        self.recorded, self.replay, self.open = [], [], []

    def replayed(self) -> None:
        """This step's graph was queued. Where it has no marks of its own, nothing can be told of it."""
        self.replay = [*self.open, *self.recorded, ("network", _stamp())] if self.recorded else []
        self.open = []

    def by_phase(self, seconds: float) -> dict[str, float]:
        """Seconds by kind since the epoch began, summing up to ``seconds``, which is how long that was.

        On a GPU they are worked out from the steps that were sampled, of this epoch or earlier ones, and what is left over is waiting.
        Empty before the first sample could be read.
        """
        if not self.on_gpu:
            told = dict(self.seconds)
            told["waiting"] = max(0.0, seconds - sum(told.values()) + told["waiting"])
            return _rounded(told)
        self._read_samples()
        if not self.measured:
            return {}
        told = {kind: self.sums[kind] / self.measured * self.steps for kind in KINDS}
        scale = min(1.0, seconds / max(1e-9, sum(told.values())))
        told = {kind: value * scale for kind, value in told.items()}
        told["waiting"] = max(0.0, seconds - sum(told.values()))
        return _rounded(told)

    def _read_samples(self) -> None:
        """Take in the sampled steps that the device is past. One that was replayed stands for all of its epoch."""
        if self.replay and self.replay[-1][1].query():
            self.samples, self.measured, self.sums = [self.replay], 0, dict.fromkeys(KINDS, 0.0)
            self.replay = []
        while self.samples and self.samples[0][-1][1].query():
            sample = self.samples.pop(0)
            for (_, before), (kind, after) in pairwise(sample):
                self.sums[kind] += before.elapsed_time(after) / 1000.0
            self.measured += 1


def _stamp() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _stamp_in_graph(kind: str) -> list[Stamp]:
    """A mark that is stamped at every replay; none where this torch has none: before 2.8, and up to 2.11 on an AMD GPU."""
    try:
        event = torch.cuda.Event(enable_timing=True, external=True)
        event.record()
    except (TypeError, RuntimeError):  # the recording itself goes on, or its next kernel tells what is wrong
        return []
    return [(kind, event)]


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {kind: round(value, 4) for kind, value in seconds.items()}
