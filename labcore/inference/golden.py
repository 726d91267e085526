"""Golden clips: a few clips that travel with a classifier's weights, with the probabilities it gave them at the end of training.

Replayed where the weights are loaded for service, they show that machine, libraries and front end still give the same answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from labcore.audio import dequantise, quantise
from labcore.device import full_fp32
from labcore.inference.windows import centred_start

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier
    from labcore.inference.resident_clips import ResidentClips

TOLERANCE = 1e-4
"""A larger difference in any probability means that something computes otherwise than at the end of training."""
PREFIX = "golden."

Network = Callable[[Tensor], Tensor]
"""Waveforms (batch, samples) float32 → logits (batch, classes)."""
Activation = Callable[[Tensor], Tensor]


def softmax(logits: Tensor) -> Tensor:
    """Of one label a clip: (batch, classes) → the same."""
    return logits.softmax(1)


@dataclass(frozen=True)
class Golden:
    """Clips and what is known of them.

    Attributes:
        samples: (clips, samples) int16 at the classifier's rate, a window long each.
        scales: (clips,) float32, what int16 is multiplied by.
        probabilities: (clips, classes) float32, computed in fp32 without TF32.
    """

    samples: np.ndarray
    scales: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(
        cls, waveforms: np.ndarray, network: Network, device: torch.device, activation: Activation = softmax
    ) -> Golden:
        """Take clips with the probabilities that they are given now.

        Args:
            waveforms: (clips, samples) float32, a window long each.
            network: the classifier, in eval mode, on ``device``.
            activation: logits (batch, classes) → probabilities.
        """
        samples, scales = zip(*map(quantise, waveforms), strict=True)
        bare = cls(np.stack(samples), np.array(scales, dtype=np.float32), np.zeros((0, 0), dtype=np.float32))
        return bare.renewed(network, device, activation)

    def renewed(self, network: Network, device: torch.device, activation: Activation = softmax) -> Golden:
        """The same clips with what they are given now, as of a network whose weights were changed."""
        return replace(self, probabilities=self.replayed(network, device, activation))

    def __len__(self) -> int:
        return len(self.samples)

    @torch.inference_mode()
    def replayed(self, network: Network, device: torch.device, activation: Activation = softmax) -> np.ndarray:
        """What the clips are given now: (clips, classes) float32. One at a time, as the first of them were."""
        rows = []
        with full_fp32():
            for samples, scale in zip(self.samples, self.scales, strict=True):
                waveform = torch.from_numpy(dequantise(samples, float(scale)))[None].to(device)
                rows.append(activation(network(waveform).float()).cpu().numpy())
        return np.concatenate(rows)

    # --- beside the weights in a safetensors file

    def tensors(self) -> dict[str, Tensor]:
        return {
            f"{PREFIX}samples": torch.from_numpy(np.ascontiguousarray(self.samples)),
            f"{PREFIX}scales": torch.from_numpy(self.scales),
            f"{PREFIX}probabilities": torch.from_numpy(np.ascontiguousarray(self.probabilities)),
        }

    @classmethod
    def taken_from(cls, tensors: dict[str, Tensor], clip_samples: int, classes: int) -> Golden | None:
        """Take the golden clips out of a file's tensors; None where it has none.

        Raises:
            ValueError: what is there has not the shapes of clips and probabilities.
        """
        found = {name: tensors.pop(name) for name in list(tensors) if name.startswith(PREFIX)}
        if not found:
            return None
        shapes: dict[str, tuple[tuple[int, ...], str]] = {
            "samples": ((clip_samples,), "int16"),
            "scales": ((), "float32"),
            "probabilities": ((classes,), "float32"),
        }
        parts: dict[str, np.ndarray] = {}
        for name, (of_clip, dtype) in shapes.items():
            if f"{PREFIX}{name}" not in found:
                raise ValueError(f"golden clips without {PREFIX}{name}")
            array = parts[name] = found[f"{PREFIX}{name}"].numpy()
            shape = (len(parts["samples"]), *of_clip)
            if array.shape != shape or array.dtype != dtype or not shape[0]:
                raise ValueError(f"golden {name} are {array.dtype} {array.shape} in place of {dtype} {shape}")
        return cls(**parts)


def remember_golden(classifier: Classifier, waves: ResidentClips, rows: np.ndarray, targets: np.ndarray) -> None:
    """Let a classifier keep some held-out clips with the probabilities it gives them now, as many as its configuration says.

    They are of as many classes as there are clips, the first of each class, and the middle of a longer clip.

    Args:
        waves: the resident clips.
        rows, targets: (clips,) which of its clips are held out, and their classes.
    """
    window = classifier.config.clip_samples
    chosen = torch.from_numpy(rows[spread(targets, classifier.config.runtime.golden_clips)])
    starts = torch.tensor(
        [centred_start(length, window) for length in waves.lengths[chosen].tolist()], dtype=torch.int64
    )
    classifier.remember(waves.windows(chosen, starts, window).cpu().numpy())


def spread(targets: np.ndarray, count: int) -> np.ndarray:
    """Places of ``count`` clips, or all: the first of every class, then the second of every class, and so on. (clips,) → (count,)."""
    order = np.zeros(len(targets), dtype=np.int64)
    for target in np.unique(targets):
        of_class = np.flatnonzero(targets == target)
        order[of_class] = np.arange(len(of_class))
    return np.lexsort((np.arange(len(targets)), order))[:count]
