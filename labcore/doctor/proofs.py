"""The works that a device has to do right: run on it, and compared with the CPU's result in double precision.

Runs in the doctor's child process (:mod:`labcore.doctor.child`): a kernel may crash the process or never come back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from labcore.device import has_bf16, synchronise
from labcore.doctor.privacy import scrub
from labcore.doctor.report import Proof
from labcore.texts import numbers_only

Run = Callable[[], Tensor]
Make = Callable[[torch.device, torch.dtype], Run]
CPU = torch.device("cpu")
BUDGET_SECONDS = 0.06
"""How long a work is repeated for its time, at most; it is repeated five times at most."""


@dataclass(frozen=True)
class Work:
    """``make`` puts the input on a device in a number format and returns what computes. ``tolerance`` as in Proof.difference."""

    name: str
    tolerance: float
    make: Make


def works() -> list[Work]:
    """All works. Tolerances leave room for another order of summation and for cuDNN's transforms, not for a wrong result."""
    return [
        Work("matrix product", 1e-4, _matrix_product),
        Work("convolution with backward", 1e-3, _convolution),
        Work("STFT", 1e-4, _stft),
        Work("log-mel", 1e-4, _log_mel),
        Work("mixed precision", 5e-2, _mixed_precision),
        Work("small CNN", 1e-3, _small_cnn),
    ]


class Prover:
    """Runs works on devices; the references are computed once."""

    def __init__(self) -> None:
        self._references: dict[str, Tensor] = {}

    def prove(self, work: Work, device: torch.device, name: str) -> tuple[Proof, bool]:
        """Run a work on a device. Also says whether the process may be of no more use: a GPU failed in it."""
        told = Proof(str(device), name, work.name, "error", tolerance=work.tolerance)
        try:
            reference = self._reference(work)
            run = work.make(device, torch.float32)
            result = run().detach().to(CPU).double()  # also warms up
            seconds = _time(run, device)
        except Exception as error:  # whatever it is, it is told: that is what the doctor is for
            if "out of memory" in str(error):
                return replace(told, error="out of memory"), False
            first = next(iter(str(error).strip().splitlines()), "")
            failed = replace(told, error=scrub(f"{type(error).__name__}: {first}"))
            return failed, device.type != "cpu" and _spoils(error)
        difference = float((result - reference).abs().max() / reference.abs().max())
        if not difference <= work.tolerance:  # also for NaN
            wrong = "the result differs from the CPU's" if difference == difference else "the result is not finite"
            return replace(told, milliseconds=1000 * seconds, difference=numbers_only(difference), error=wrong), False
        return replace(told, status="ok", milliseconds=1000 * seconds, difference=difference), False

    def _reference(self, work: Work) -> Tensor:
        if work.name not in self._references:
            self._references[work.name] = work.make(CPU, torch.float64)().detach()
        return self._references[work.name]


def _spoils(error: Exception) -> bool:
    """Whether a GPU failed in a way after which nothing in this process can be trusted. CUDA's errors stick to the process."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    marks = ("CUDA error", "HIP error", "cuDNN error", "CUBLAS", "cuBLAS", "CUFFT", "cuFFT", "device-side assert")
    return "AcceleratorError" in kinds or any(mark in str(error) for mark in marks)


def _time(run: Run, device: torch.device) -> float:
    """Seconds of a call: the shortest of a few, since the first ones wake threads and caches."""
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < 5 and sum(taken) < BUDGET_SECONDS):
        synchronise(device)
        start = time.perf_counter()
        run()
        synchronise(device)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _numbers(seed: int, *shape: int) -> Tensor:
    """The same normal numbers on every machine, float64 on the CPU."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _matrix_product(device: torch.device, dtype: torch.dtype) -> Run:
    left, right = (_numbers(seed, 512, 512).to(dtype).to(device) for seed in (1, 2))
    return lambda: left @ right


def _convolution(device: torch.device, dtype: torch.dtype) -> Run:
    images = _numbers(3, 4, 16, 32, 32).to(dtype).to(device).requires_grad_()
    weights = _numbers(4, 32, 16, 3, 3).to(dtype).to(device).requires_grad_()
    upstream = _numbers(5, 4, 32, 32, 32).to(dtype).to(device)

    def run() -> Tensor:
        result = F.conv2d(images, weights, padding=1)
        to_images, to_weights = torch.autograd.grad(result, (images, weights), upstream)
        # each by its own size, so that the largest does not hide the others
        return torch.cat([(part / part.detach().std()).flatten() for part in (result, to_images, to_weights)])

    return run


def _stft(device: torch.device, dtype: torch.dtype) -> Run:
    waveforms = _numbers(6, 4, 16000).to(dtype).to(device)  # (batch, samples)
    window = torch.hann_window(1024, dtype=torch.float64).to(dtype).to(device)
    return lambda: torch.view_as_real(torch.stft(waveforms, 1024, 256, window=window, return_complex=True))


def _log_mel(device: torch.device, dtype: torch.dtype) -> Run:
    """The lab's own front end, as a run with the default configuration has it."""
    from labcore.config import RunConfig
    from labcore.features import LogMel

    config = RunConfig()
    waveforms = (0.1 * _numbers(7, 2, config.sample_rate)).to(dtype).to(device)
    log_mel = LogMel(config).to(dtype).to(device)
    # LogMel.power computes in float32 whatever it is given; the reference takes the step before
    return lambda: log_mel.normalise(log_mel.decibels(log_mel.spectrogram(waveforms)))


def _mixed_precision(device: torch.device, dtype: torch.dtype) -> Run:
    images, weights, matrix = (
        _numbers(seed, *shape).to(dtype).to(device)
        for seed, shape in ((8, (4, 16, 32, 32)), (9, (32, 16, 3, 3)), (10, (32, 64)))
    )
    half = torch.float16 if device.type == "cuda" and not has_bf16(device) else torch.bfloat16
    mixed = dtype == torch.float32

    def run() -> Tensor:
        with torch.autocast(device.type, dtype=half) if mixed else contextlib.nullcontext():
            result = F.conv2d(images, weights, padding=1).relu().mean((2, 3)) @ matrix
        if mixed and result.dtype != half:
            raise RuntimeError(f"autocast to {half} was ignored")
        return result.float() if mixed else result

    return run


def _small_cnn(device: torch.device, dtype: torch.dtype) -> Run:
    """Forward pass of the network of the article on its (4, 1, 64, 64)."""
    from labcore.config import ModelConfig
    from labcore.models.small_cnn import small_cnn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network = small_cnn(ModelConfig(), classes=10).eval().to(dtype).to(device)
    images = _numbers(12, 4, 1, 64, 64).to(dtype).to(device)

    def run() -> Tensor:
        with torch.no_grad():
            return network(images)

    return run
