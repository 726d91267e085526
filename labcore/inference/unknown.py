"""None of these: how far what a network hears lies from all that it was trained on, and from where on it is refused.

The score is a distance of embeddings, what the last layer is given (Sun et al., "Out-of-distribution detection with deep nearest
neighbors", ICML 2022): to the third nearest training clip, in units of what is usual among the training clips themselves. It counts
more where a reference sound (silence, a tone, noise) lies nearer. benchmarks/unknown_sounds.py compares it with others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from labcore.errors import RunError
from labcore.inference.kept import Kept

if TYPE_CHECKING:
    from labcore.models.safetensors_file import SafetensorsHeader

PREFIX = "unknown."
NEIGHBOUR = 3
"""The distance to the nearest clip but two: one odd training clip vouches for nothing."""
SHARPNESS = 2
"""The power of how much nearer a reference sound lies than the training clips."""
FARTHEST = 1e6
MOST_ROWS, MOST_COLUMNS = 4096, 65_536
"""Of embeddings in a file of weights."""


class Threshold(Kept):
    """From which score on a sound is refused.

    Attributes:
        value: the largest score that is known.
        scale: the distance that is usual among training clips.
        refused: the share of known clips that may be refused wrongly, which it was fitted for.
        clips: it was fitted on so many.
        source: what those were, as people read it.
    """

    key: ClassVar[str] = "unknown"
    title: ClassVar[str] = "threshold for unknown sounds"

    value: Annotated[float, Field(gt=0, le=FARTHEST, allow_inf_nan=False)]
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    refused: Annotated[float, Field(ge=0, le=1)] = 0.05
    clips: Annotated[int, Field(ge=0)] = 0
    source: Annotated[str, Field(max_length=500)] = ""


@dataclass(frozen=True)
class Unknown:
    """The embeddings that sounds are compared with.

    Attributes:
        threshold: from which score on they are refused.
        clips: (clips, width) float16, of training clips.
        references: (sounds, width) float16, of :func:`reference_sounds`.
    """

    key: ClassVar[str] = Threshold.key
    title: ClassVar[str] = Threshold.title

    threshold: Threshold
    clips: np.ndarray
    references: np.ndarray

    @property
    def on(self) -> bool:
        return self.threshold.on

    @classmethod
    def of(cls, clips: np.ndarray, references: np.ndarray) -> Unknown:
        """Not yet fitted: with the scale of the clips, and refusing nothing.

        Args:
            clips, references: (rows, width) floats.
        """
        clips = _bounded(clips).astype(np.float16)
        own = _distances(clips.astype(np.float32), clips.astype(np.float32))
        np.fill_diagonal(own, np.inf)
        usual = float(np.median(_neighbour(own))) if len(clips) > 1 else 1.0
        scale = usual if np.isfinite(usual) and usual > 0 else 1.0
        return cls(Threshold(value=FARTHEST, scale=scale, on=False), clips, _bounded(references).astype(np.float16))

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """How unknown sounds are: (rows, width) → (rows,) float32, from 0 to :data:`FARTHEST`; about 1 is usual.

        Raises:
            RunError: the embeddings are of another network.
        """
        if embeddings.shape[1] != self.clips.shape[1]:
            raise RunError(
                f"these embeddings have {embeddings.shape[1]} numbers, those that they are compared with {self.clips.shape[1]}",
                "Fit the threshold for unknown sounds again",
            )
        rows = _bounded(embeddings)
        away = _neighbour(_distances(rows, self.clips.astype(np.float32)))
        nearer = np.ones(len(rows), dtype=np.float32)
        if len(self.references):
            reference = _distances(rows, self.references.astype(np.float32)).min(1)
            nearer = np.maximum(1.0, away / np.maximum(reference, 1e-3 * self.threshold.scale))
        scores: np.ndarray = (away / self.threshold.scale * nearer**SHARPNESS).clip(0, FARTHEST).astype(np.float32)
        return scores

    def fitted(self, known: np.ndarray, refused: float, source: str) -> Unknown:
        """With the threshold above which so large a share of known clips lies, switched on.

        Args:
            known: (clips,) scores of clips of known classes, which were not trained on.
        """
        value = threshold_at(known, refused)
        threshold = self.threshold.model_copy(
            update={"value": value, "on": True, "refused": refused, "clips": len(known), "source": source}
        )
        return replace(self, threshold=threshold)

    def switched(self, on: bool) -> Unknown:
        return replace(self, threshold=self.threshold.switched(on))

    # --- beside the weights in a safetensors file

    def tensors(self) -> dict[str, Tensor]:
        return {f"{PREFIX}{name}": torch.from_numpy(getattr(self, name)) for name in ("clips", "references")}

    @classmethod
    def taken_from(cls, tensors: dict[str, Tensor], header: SafetensorsHeader) -> Unknown | None:
        """Take it out of a file's tensors; None where it has none.

        Raises:
            ValueError: what is there does not fit together.
        """
        threshold = Threshold.told_by(header)
        found = {name: tensors.pop(name).numpy() for name in list(tensors) if name.startswith(PREFIX)}
        if not found and threshold is None:
            return None
        if threshold is None or set(found) != {f"{PREFIX}clips", f"{PREFIX}references"}:
            raise ValueError("what it compares sounds with is not whole")
        clips, references = found[f"{PREFIX}clips"], found[f"{PREFIX}references"]
        if not len(clips) or not clips.shape[1] or clips.shape[1] != references.shape[1]:
            raise ValueError("the embeddings that it compares sounds with do not fit together")
        return cls(threshold, clips, references)


def check(header: SafetensorsHeader) -> None:
    """See that what a header tells of it is of bounded size, before it is read.

    Raises:
        ValueError: it is not.
    """
    for name in (each for each in header.shapes if each.startswith(PREFIX)):
        shape = header.shapes[name]
        if header.kinds[name] != "F16" or len(shape) != 2 or shape[0] > MOST_ROWS or shape[1] > MOST_COLUMNS:
            raise ValueError(f"{name[:80]} is no table of embeddings")


def reference_sounds(samples: int, rate: int) -> np.ndarray:
    """Sounds that are of no class: silence, tones over all frequencies, white noise, each at several levels.

    Returns:
        (sounds, samples) float32.
    """
    time, generator = np.arange(samples) / rate, np.random.default_rng(0)
    frequencies = 60.0 * 2.0 ** (np.arange(0, 60) / 3)  # Hz, thirds of an octave
    sounds = [np.zeros(samples)]
    sounds += [
        level * np.sin(2 * np.pi * hz * time)
        for hz in frequencies[frequencies < 0.48 * rate]
        for level in (0.5, 0.05, 0.005)
    ]
    sounds += [10.0 ** (decibels / 20) * generator.standard_normal(samples) for decibels in range(-92, 0, 2)]
    return np.stack(sounds).clip(-1, 1).astype(np.float32)


def threshold_at(known: np.ndarray, refused: float) -> float:
    """The score above which so large a share of known clips lies: (clips,) scores."""
    return max(float(np.quantile(known, 1.0 - refused)), 1e-6)


def of_clip(scores: np.ndarray) -> float:
    """The score of a clip of those of its windows, (windows,): it is refused where most of them are."""
    return float(np.quantile(scores, 0.5, method="lower"))


def _bounded(embeddings: np.ndarray) -> np.ndarray:
    """(rows, width) float32 as half precision holds them; what is no number is as far away as can be."""
    largest = float(np.finfo(np.float16).max)
    return np.nan_to_num(embeddings.astype(np.float32), nan=largest).clip(-largest, largest)


def _distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean: (rows, width), (others, width) float32 → (rows, others)."""
    squares = np.square(rows).sum(1)[:, None] + np.square(others).sum(1)[None] - 2 * rows @ others.T
    return np.sqrt(squares.clip(0))


def _neighbour(distances: np.ndarray) -> np.ndarray:
    """(rows, clips) → (rows,): the distance to the third nearest, or the farthest of fewer."""
    place = min(NEIGHBOUR, distances.shape[1]) - 1
    return np.partition(distances, place, axis=1)[:, place]
