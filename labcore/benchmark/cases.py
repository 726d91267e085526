"""What one measurement is: which device does which work in which form."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from labcore.errors import ConfigError
from labcore.texts import counted

MODES = {
    "inference": "forward pass only",
    "training": "a training step: forward, loss, backward, optimizer",
}
"""Modes, each in a few words."""

SCOPES = {
    "network": "the network alone, with its input on the device",
    "transfer": "the network, with transfers to and from the device",
    "waveform": "from waveforms in memory: transfer, log-mel and network",
    "file": "from encoded files (WAV, FLAC, Ogg): decoding, transfer, log-mel and network",
}
"""What is included, each in a few words."""

BEST = "best"
"""Stands for precision or memory format in a plan: the CPU's fastest, found out before the measurement."""

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
FORMATS = ("contiguous", "channels_last")
PARTS = ("decode", "transfer", "mel", "network")
"""What a batch's time is made of, in the order of the work."""

MODELS = ("compact", "resnet18", "small_cnn")
ARTICLE = "article"
"""Stands for a network: the article's small CNN on its own input of (4, 1, 64, 64)."""

PLAIN = ("fp32", "contiguous")
"""Precision and memory format that nobody asked for."""
MAX_BATCH = 1024
MAX_THREADS = 4096


def form_words(
    precision: str, memory_format: str, threads: int | None = None, *, compiled: bool = False, onnx: bool = False
) -> str:
    """How a device computes, in a few words: ``bf16 channels_last, 2 threads``; ``fp32 ONNX Runtime, 2 threads``."""
    form = "ONNX Runtime" if onnx else memory_format
    words = precision if precision == memory_format else f"{precision} {form}"
    words += ", compiled" if compiled else ""
    return words if threads is None else f"{words}, {counted(threads, 'thread')}"


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        device: ``cpu`` or ``cuda:N``.
        model: a network of the registry, ``timm:NAME``, or ``article``.
        mode: a key of :data:`MODES`.
        scope: a key of :data:`SCOPES`.
        batch_size: clips in a call, 1 to 1024.
        precision: one of :data:`PRECISIONS`, or in a plan ``best``.
        memory_format: one of :data:`FORMATS`, or in a plan ``best``.
        compiled: whether the network goes through ``torch.compile``.
        onnx: whether ONNX Runtime computes the network, on a CPU in inference, which it does in fp32.
        threads: of the CPU; None in a plan means the number found best, and for a GPU all there are.
    """

    device: str
    model: str
    mode: str = "inference"
    scope: str = "network"
    batch_size: int = 1
    precision: str = "fp32"
    memory_format: str = "contiguous"
    compiled: bool = False
    onnx: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("mode", tuple(MODES)),
            ("scope", tuple(SCOPES)),
            ("precision", (*PRECISIONS, BEST)),
            ("memory_format", (*FORMATS, BEST)),
        ):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"there is no {name.replace('_', ' ')} {getattr(self, name)!r}", f"Choose {', '.join(allowed)}"
                )
        if type(self.batch_size) is not int or not 1 <= self.batch_size <= MAX_BATCH:
            raise ConfigError(f"a batch size of {self.batch_size} is out of range", f"Choose 1 to {MAX_BATCH}")
        if self.threads is not None and (type(self.threads) is not int or not 1 <= self.threads <= MAX_THREADS):
            raise ConfigError(f"{self.threads} threads are out of range", f"Choose 1 to {MAX_THREADS}")
        if not isinstance(self.compiled, bool) or not isinstance(self.onnx, bool):
            raise ConfigError("compiled and onnx must be true or false", "Use true or false")
        if not all(
            isinstance(text, str) and text.isprintable() and 0 < len(text) <= 100 for text in (self.device, self.model)
        ):
            raise ConfigError("a case needs a device and a network", "Give both")
        if self.on_cpu and self.precision == "tf32":
            raise ConfigError("TF32 is a precision of NVIDIA GPUs, not of the CPU", "Choose fp32 or bf16 for the CPU")
        here = (self.on_cpu, self.mode, self.precision, self.memory_format, self.compiled)
        if self.onnx and here != (True, "inference", *PLAIN, False):
            raise ConfigError("ONNX Runtime is measured on a CPU in inference, fp32 contiguous", "Leave onnx out")

    @property
    def on_cpu(self) -> bool:
        return self.device == "cpu"

    @property
    def work(self) -> tuple[str, str, str, int]:
        """What all devices are asked to do alike: model, mode, scope, batch size. Cases of one work are interleaved."""
        return (self.model, self.mode, self.scope, self.batch_size)

    @property
    def row(self) -> tuple[Any, ...]:
        """All but the batch size: a batch that does not fit ends the row, larger ones would not fit either."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name != "batch_size")

    @property
    def form(self) -> str:
        """How the device computes, see :func:`form_words`."""
        threads = self.threads if self.on_cpu else None
        return form_words(self.precision, self.memory_format, threads, compiled=self.compiled, onnx=self.onnx)

    @property
    def plain(self) -> bool:
        """Whether it is what PyTorch does unasked."""
        return (self.precision, self.memory_format, self.compiled, self.onnx) == (*PLAIN, False, False)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
