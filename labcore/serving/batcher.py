"""Batches on the fly: windows of all requests that wait go through the network together, as soon as it is free.

Nothing waits for a batch to fill up. On a GPU one thread feeds the network with large batches. On a CPU a batch brings nothing by
itself, and threads of one operation get into each other's way where decoding is running beside them: there each core has a thread
that computes small batches alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import torch

from labcore.device import allow_tf32, is_out_of_memory, set_tf32, tf32_settings, usable_cores
from labcore.errors import LabError, OutOfMemoryError
from labcore.inference.classifier import Classifier

CPU_BATCH, GPU_BATCH = 8, 64
FAILURES = 5
OnBatch = Callable[[int, float], None]
"""Told of each batch: windows, seconds."""


class Overloaded(LabError):
    """More is asked for than can be taken on now."""


class DeadlineExceeded(LabError):
    """A request that waited longer than it may."""


@dataclass(eq=False)
class _Job:
    """The windows of one clip on their way through the network."""

    classifier: Classifier
    samples: np.ndarray
    scale: float
    bounds: list[tuple[int, int]]
    deadline: float
    future: Future[np.ndarray] = field(default_factory=Future)
    taken: int = 0
    missing: int = 0
    settled: bool = False
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))

    def __post_init__(self) -> None:
        self.missing = len(self.bounds)
        self.rows = np.zeros((len(self.bounds), self.classifier.columns), dtype=np.float32)

    @property
    def waiting(self) -> int:
        return len(self.bounds) - self.taken


_Share = tuple[_Job, int, int]
"""A job with the first and the end of the windows that a batch takes of it."""


class DynamicBatcher:
    """Puts windows through networks, in fp32 without TF32. Until it is closed it takes torch's threads of this process for itself.

    Args:
        device: what the classifiers that it will be given are on.
        batch_size: most windows of a batch; by the device where it is None.
        threads: of the network on a CPU; one a core where it is None. A GPU has one.
        on_batch: told of each batch.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        batch_size: int | None = None,
        threads: int | None = None,
        on_batch: OnBatch = lambda windows, seconds: None,
    ) -> None:
        on_cpu = device.type == "cpu"
        self.batch_size = batch_size or (CPU_BATCH if on_cpu else GPU_BATCH)
        self.workers = (threads or usable_cores()) if on_cpu else 1
        self._on_batch = on_batch
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._closing = False
        self._failures = 0
        self._before = torch.get_num_threads(), tf32_settings()
        if on_cpu:
            torch.set_num_threads(1)  # in the whole process; each worker computes on its own
        allow_tf32(False)
        # Daemons, since Python joins other threads before it runs atexit functions; close() joins these.
        self._threads = [
            threading.Thread(target=self._work, name=f"network-{number}", daemon=True) for number in range(self.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        classifier: Classifier,
        samples: np.ndarray,
        scale: float,
        bounds: list[tuple[int, int]],
        timeout_s: float = float("inf"),
    ) -> Future[np.ndarray]:
        """Ask for the probabilities of a clip's windows.

        Args:
            samples, scale, bounds: as for :meth:`Classifier.input_windows`.
            timeout_s: what has not begun by then is given up.

        Returns:
            A future of (windows, classes) float32. It raises DeadlineExceeded after the timeout, Overloaded where the
            batcher is closed meanwhile.
        """
        job = _Job(classifier, samples, scale, bounds, time.monotonic() + timeout_s)
        with self._change:
            if self._closing:
                raise Overloaded("the service is shutting down", "Try again shortly")
            self._jobs.append(job)
            self._change.notify()
        return job.future

    @property
    def waiting(self) -> int:
        """Windows that no batch has taken yet."""
        with self._change:
            return sum(job.waiting for job in self._jobs)

    @property
    def failing(self) -> bool:
        """Whether one batch after the other fails, as on a GPU whose context is lost: only a new process mends that."""
        return self._failures >= FAILURES

    def close(self) -> None:
        """Finish the batches at hand, give up what waits, and end the threads."""
        with self._change:
            self._closing = True
            abandoned, self._jobs = list(self._jobs), deque()
            self._change.notify_all()
        for job in abandoned:
            self._fail(job, Overloaded("the service is shutting down", "Try again shortly"))
        for thread in self._threads:
            thread.join()
        torch.set_num_threads(self._before[0])
        set_tf32(self._before[1])

    # --- the threads

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            classifier = batch[0][0].classifier
            began = time.perf_counter()
            try:
                windows = np.concatenate(
                    [job.classifier.input_windows(job.samples, job.scale, job.bounds[a:b]) for job, a, b in batch]
                )
                rows = self._predict(classifier, windows)
                self._on_batch(len(windows), time.perf_counter() - began)
                self._failures = 0  # before anybody has an answer, and asks whether the service is ready
                self._hand_out(batch, rows)
            except Exception as error:  # whatever happens to a batch, the thread goes on
                self._failures += 1
                for job, _, _ in batch:
                    self._fail(job, error)

    def _predict(self, classifier: Classifier, windows: np.ndarray) -> np.ndarray:
        """(windows, clip samples) → (windows, columns). What does not fit into the GPU's memory goes in halves, from now on."""
        try:
            return classifier.predict_rows(windows)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(windows) == 1:
                torch.cuda.empty_cache()
                raise OutOfMemoryError(f"{classifier.device} is out of memory", "Try again later") from None
        torch.cuda.empty_cache()
        half = len(windows) // 2
        self.batch_size = max(1, min(self.batch_size, half))
        return np.concatenate([self._predict(classifier, part) for part in (windows[:half], windows[half:])])

    def _next_batch(self) -> list[_Share] | None:
        """Windows for one network: an equal share of every clip that waits for it, so that a long recording delays nobody much."""
        with self._change:
            while True:
                self._drop_expired()
                if self._jobs:
                    return self._shares()
                if self._closing:
                    return None
                self._change.wait()

    def _shares(self) -> list[_Share]:
        classifier = self._jobs[0].classifier
        jobs = [job for job in self._jobs if job.classifier is classifier]
        room = min(self.batch_size, -(-sum(job.waiting for job in jobs) // self.workers))
        shares: list[_Share] = []
        for number, job in enumerate(jobs):
            if not room:
                break
            share = min(job.waiting, max(1, room // (len(jobs) - number)))
            shares.append((job, job.taken, job.taken + share))
            job.taken += share
            room -= share
        for job, _, _ in shares:  # to the end of the row, or out of it
            self._jobs.remove(job)
            if job.waiting:
                self._jobs.append(job)
        if self._jobs:
            self._change.notify()  # another worker
        return shares

    def _drop_expired(self) -> None:
        now = time.monotonic()
        for job in [job for job in self._jobs if job.deadline < now or job.future.cancelled()]:
            self._jobs.remove(job)
            self._fail(job, DeadlineExceeded("the clip waited too long for the network"))

    def _hand_out(self, batch: list[_Share], rows: np.ndarray) -> None:
        first, complete = 0, []
        with self._change:
            for job, begin, end in batch:
                job.rows[begin:end] = rows[first : first + end - begin]
                first += end - begin
                job.missing -= end - begin
                if not job.missing:
                    complete.append(job)
        for job in complete:
            if self._settle(job):
                job.future.set_result(job.rows)

    def _fail(self, job: _Job, error: BaseException) -> None:
        if self._settle(job):
            job.future.set_exception(error)

    def _settle(self, job: _Job) -> bool:
        """Whether the caller is the one who tells how a job ended. Several batches of a clip may fail at once."""
        with self._change:
            if job.settled:
                return False
            job.settled = True
            if job in self._jobs:  # its other windows need not be computed any more
                self._jobs.remove(job)
            return job.future.set_running_or_notify_cancel()
