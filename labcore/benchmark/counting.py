"""What can be counted before anything is timed: operations of a network, and the memory that a batch will want."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psutil
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from labcore.benchmark.cases import Case
from labcore.benchmark.inputs import CLIP_SECONDS, configuration, fresh_network, image_shape
from labcore.cgroup import Cgroup

MARGIN = 0.8
"""The share of the free memory that a batch may want on the CPU, where running out can end the process without a word."""


@dataclass(frozen=True)
class OperationCount:
    """Of one clip: operations (multiply and add are two) and bytes of activations in float32."""

    flops: float
    all_activations: float
    largest_activation: float


@lru_cache(maxsize=32)
def count(model: str, mode: str) -> OperationCount:
    """Count a forward pass, or forward and backward, over a batch of two clips, by shapes alone: nothing is computed.

    Raises:
        ConfigError: there is no such network.
    """
    network = fresh_network(model).train(mode == "training").to("meta")
    images = torch.empty(2, *image_shape(model), device="meta")
    targets = torch.empty(2, dtype=torch.long, device="meta")
    sizes: list[int] = []

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel() * 4)

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note) for module in leaves]
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(mode == "training"):
        logits = network(images)
        if mode == "training":
            F.cross_entropy(logits, targets).backward()
    for hook in hooks:
        hook.remove()
    return OperationCount(counter.get_total_flops() / 2, sum(sizes) / 2, max(sizes, default=0) / 2)


def wanted_bytes(case: Case) -> float:
    """Roughly how much memory a call of a case takes at its height."""
    counted = count(case.model, case.mode)
    network = 2.0 * counted.all_activations if case.mode == "training" else 3.0 * counted.largest_activation
    if case.scope in ("waveform", "file"):
        config = configuration(case.model)
        samples = CLIP_SECONDS * config.sample_rate
        network += 4 * samples * (1 + 2.5 * config.framing.n_fft / config.framing.hop_length)
    return case.batch_size * network


def free_bytes() -> float:
    """Memory that this process may still take: the machine's, and a container's limit where there is one."""
    free = float(psutil.virtual_memory().available)
    limited = Cgroup().memory()
    if limited is not None:
        used, limit = limited
        free = min(free, max(0.0, float(limit - used)))
    return free


def too_large(case: Case) -> str:
    """Why a batch would not fit into the CPU's memory; empty where it should, and for a GPU, which tells by itself."""
    if not case.on_cpu:
        return ""
    wanted, free = wanted_bytes(case), free_bytes()
    if wanted <= MARGIN * free:
        return ""
    return (
        f"a batch of {case.batch_size} would need about {wanted / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free"
    )
