"""What follows from the settings of the front end, in numbers and in sentences; also of settings that cannot work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from labcore.config import RunConfig, knobs
from labcore.features import LogMel

NOISE_BANDWIDTH = {"hann": 1.5, "hamming": 1.3628, "blackman": 1.7268, "rectangular": 1.0}
"""Bandwidth of a window in 1 / its length. Source: Harris, "On the use of windows for harmonic analysis", 1978, table 1."""


@dataclass(frozen=True)
class Consequences:
    """What the settings lead to. A number that has no meaning, since a setting has none, is not a number (nan) or 0.

    Attributes:
        frames_per_second: columns of the spectrogram in a second.
        hop_ms: from one of them to the next.
        bin_hz: from one bin of the Fourier transform to the next.
        resolution_hz: how near two tones may lie and still be told apart: the bandwidth of the window.
        resolution_ms: how long a frame listens: the window's length.
        clip_seconds: what the network hears at a time.
        rows, columns: the size of the network's input for it: mel bands and frames.
        empty_bands: mel bands that hear nothing; None where it cannot be worked out.
        problems: why these settings cannot work, a sentence each. Empty where they can.
        warnings: why they work less well than they could, a sentence each.
    """

    frames_per_second: float
    hop_ms: float
    bin_hz: float
    resolution_hz: float
    resolution_ms: float
    clip_seconds: float
    rows: int
    columns: int
    empty_bands: int | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """Whether pictures can be drawn and a network trained."""
        return not self.problems


def unchecked(changes: dict[str, Any], base: RunConfig | None = None) -> RunConfig:
    """A configuration with some knobs turned, whether or not it can work: for :func:`consequences` and nothing else.

    Args:
        changes: path → value, e.g. ``{"features.hop_length": 4096}``.
        base: what the other knobs are at; the defaults where it is not given.

    Raises:
        KeyError: there is no such knob.
    """
    base = base or RunConfig()
    tree = base.model_dump()
    for path, value in changes.items():
        part, _, name = path.partition(".")
        tree[part][name]  # a misspelt path is a bug
        tree[part][name] = value
    parts = {name: type(getattr(base, name)).model_construct(**values) for name, values in tree.items()}
    return RunConfig.model_construct(**parts)


def consequences(config: RunConfig, clip_seconds: float = 5.0) -> Consequences:
    """What the settings of audio and features lead to. Raises nothing, whatever they are.

    Args:
        config: also one that :func:`unchecked` made.
        clip_seconds: the clip length where the configuration leaves it to the data.
    """
    raise NotImplementedError
