"""How a network computes: its precision and memory format, and whether it is compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from labcore.models import compiling

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Precision:
    """How the network computes, and why so: a sentence for people without the final stop.

    ``step_seconds`` is what a step of the network took when it was timed, 0 where it was not.
    """

    precision: Annotated[str, Field(pattern="^(fp32|bf16|fp16)$")]
    memory_format: Annotated[str, Field(pattern="^(contiguous|channels_last)$")]
    reason: str
    compiled: bool = False
    step_seconds: float = 0.0

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager[object]:
        """The context in which forward passes run."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=DTYPES[self.precision])

    def format(self) -> torch.memory_format:
        return FORMATS[self.memory_format]

    def on_graph(self, device: torch.device) -> bool:
        """Whether steps are replayed as a CUDA graph. Not with fp16, whose gradients are scaled: nobody has tried that in one."""
        return device.type == "cuda" and self.precision != "fp16"

    def run(self, network: nn.Module, images: Tensor) -> Tensor:
        """A forward pass: images (batch, 1, n_mels, frames) → logits (batch, classes)."""
        with self.autocast(images.device):
            return network(images.contiguous(memory_format=self.format()))

    def lay_out(self, network: nn.Module) -> nn.Module:
        """The network itself, its weights in the memory format."""
        return network.to(memory_format=self.format())  # type: ignore[call-overload]

    def forward_of(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """What training calls for a forward pass: the network, or compiled code that works on the network's own weights."""
        return compiling.compiled(network) if self.compiled else network
