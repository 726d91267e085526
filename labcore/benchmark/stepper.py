"""One case brought to life: a network on a device, its input where the scope says it starts, and the call that is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from labcore.audio import decode
from labcore.benchmark.cases import ARTICLE, Case
from labcore.benchmark.inputs import BenchmarkInputs, configuration, fresh_network
from labcore.device import allow_tf32, synchronise, usable_cores
from labcore.errors import LabError
from labcore.features import LogMel
from labcore.inference.onnx_route import OnnxRoute
from labcore.inference.routes import Route
from labcore.inference.windows import centred
from labcore.models.folded import folded
from labcore.training.precision import DTYPES, Precision


class Stepper:
    """The work of a case whose form is worked out.

    Inference computes with weights and input in the precision of the case; a training step keeps float32 weights and computes
    under autocast, as the lab trains. ``tf32`` is float32 with TF32 allowed, ``fp32`` with TF32 forbidden also in convolutions,
    where torch by itself allows it.

    Raises:
        RuntimeError, MemoryError: this form is not there, or does not fit.
    """

    def __init__(self, case: Case, inputs: BenchmarkInputs) -> None:
        self.case, self.device = case, torch.device(case.device)
        self.threads = case.threads or usable_cores()
        self.dtype = DTYPES["fp32" if case.precision == "tf32" else case.precision]
        self.form = Precision("fp32" if case.precision == "tf32" else case.precision, case.memory_format, "")
        self.training = case.mode == "training"
        self.set_up()
        network = self._network(inputs)
        self.network: Callable[[Tensor], Tensor] = network
        if case.onnx:
            self.network = _in_onnx(network, inputs, self.threads)
        elif case.compiled:
            self.network = torch.compile(network)
        self.log_mel = LogMel(configuration(case.model)).to(self.device)
        self.targets = inputs.targets().to(self.device)
        source = inputs.images() if case.scope in ("network", "transfer") else inputs.waveforms()
        if case.scope == "network":
            source = self._prepare(source.to(self.device))
        elif self.device.type == "cuda":
            source = source.pin_memory()
        self.source = source
        """What a call begins with: images, for the network alone on the device; waveforms, into which files are decoded."""
        self.files = inputs.files() if case.scope == "file" else []
        self.rate = inputs.sample_rate
        self.pool = ThreadPoolExecutor(usable_cores()) if self.files else None
        if self.training:
            parameters = list(network.parameters())
            self.optimizer = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, nesterov=True, fused=True)
            self.scaler = GradScaler(self.device.type, enabled=case.precision == "fp16")

    def _network(self, inputs: BenchmarkInputs) -> nn.Module:
        """Laid out on the device. For inference the lab's are folded, as they are for every prediction; the article's is as it is."""
        network = fresh_network(self.case.model).train(self.training)
        if self.training:
            return self.form.lay_out(network.to(self.device))
        with torch.inference_mode():
            if self.case.model != ARTICLE:
                network = folded(network, inputs.images()[:1])
            return self.form.lay_out(network.to(self.device, self.dtype).requires_grad_(False))

    def set_up(self) -> None:
        """Set what torch keeps for the whole process. Before every block, since cases are interleaved."""
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        if self.device.type == "cuda":
            allow_tf32(self.case.precision == "tf32")

    def call(self) -> Tensor:
        """The work of a batch, once. Where the scope brings the answer back, it waits for it."""
        with torch.inference_mode(not self.training):
            return self._finish(self._compute(self._image_batch()))

    def seconds(self, calls: int) -> float:
        """Seconds a call, over so many in a row, the device waited for before and after."""
        self.set_up()
        synchronise(self.device)
        start = time.perf_counter()
        for _ in range(calls):
            self.call()
        synchronise(self.device)
        return (time.perf_counter() - start) / calls

    def parts(self) -> dict[str, float]:
        """Seconds of each part of one call; the device is waited for after each."""
        self.set_up()
        by_part: dict[str, float] = {}

        def timed(part: str, function: Callable[..., Any], *arguments: Any) -> Any:
            synchronise(self.device)
            start = time.perf_counter()
            result = function(*arguments)
            synchronise(self.device)
            by_part[part] = by_part.get(part, 0.0) + time.perf_counter() - start
            return result

        with torch.inference_mode(not self.training):
            if self.case.scope == "network":
                timed("network", self._compute, self.source)
                return by_part
            images = timed("transfer", self._move, timed("decode", self._decode) if self.files else self.source)
            if self.case.scope != "transfer":
                images = timed("mel", self._mel, images)
            answer = timed("network", self._compute, timed("network", self._prepare, images))
            timed("transfer", self._finish, answer)
        return by_part

    def close(self) -> None:
        """Let go of threads, and of the GPU's memory."""
        if self.pool is not None:
            self.pool.shutdown()
        for name in ("network", "source"):
            self.__dict__.pop(name, None)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    # --- the parts of a call

    def _image_batch(self) -> Tensor:
        """→ (batch, 1, n_mels, frames) on the device, laid out and in the precision of the case."""
        if self.case.scope == "network":
            return self.source
        there = self._move(self._decode() if self.files else self.source)
        return self._prepare(there if self.case.scope == "transfer" else self._mel(there))

    def _decode(self) -> Tensor:
        """Encoded files → (batch, samples) in memory, on all cores, as the clip store decodes."""
        assert self.pool is not None
        rows = self.source.numpy()  # (pinned where the device is a GPU; filled anew at every call)

        def fill(number: int) -> None:
            waveform, _ = decode(self.files[number], self.rate)
            rows[number] = centred(waveform, rows.shape[1])

        if len(self.files) == 1:
            fill(0)
        else:
            list(self.pool.map(fill, range(len(self.files))))
        return self.source

    def _move(self, host: Tensor) -> Tensor:
        return host.to(self.device, non_blocking=True)

    def _mel(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → (batch, 1, n_mels, frames)."""
        with torch.no_grad():
            images: Tensor = self.log_mel(waveforms)[:, None]
        return images

    def _prepare(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=self.form.format())
        return images if self.training else images.to(self.dtype)

    def _compute(self, images: Tensor) -> Tensor:
        """Logits (batch, classes), or the loss of a whole training step."""
        if not self.training:
            return self.network(images)
        with self.form.autocast(self.device):
            logits = self.network(images)
        loss = F.cross_entropy(logits.float(), self.targets)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.detach()

    def _finish(self, answer: Tensor) -> Tensor:
        """Bring the answer back, where that is included."""
        return answer if self.case.scope == "network" else answer.float().cpu()


def _in_onnx(network: nn.Module, inputs: BenchmarkInputs, threads: int) -> Callable[[Tensor], Tensor]:
    """Images to logits by ONNX Runtime, as the lab predicts with it."""
    try:
        return OnnxRoute(Route(network), inputs.images()[:1], threads).logits
    except LabError as error:
        raise RuntimeError(error.what) from error
