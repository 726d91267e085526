"""What is accepted of sound files, and the environment variables that change it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from labcore.errors import ConfigError

MAX_SECONDS = "LABCORE_AUDIO_MAX_SECONDS"
MAX_MB = "LABCORE_AUDIO_MAX_MB"


@dataclass(frozen=True)
class Limits:
    """What is accepted. Whoever decodes what strangers hand in sets these lower.

    ``max_seconds`` bounds the part that is asked for; ``max_samples`` the waveform that is returned at once (4 bytes each), not one
    that is read in blocks.
    """

    max_seconds: float = 6 * 3600.0
    max_bytes: int = 2 * 1024**3
    max_channels: int = 64
    max_samples: int = 2**30
    min_rate: int = 100
    max_rate: int = 1_000_000


def default_limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits for the user's own files: :data:`MAX_SECONDS` and :data:`MAX_MB` of the environment, else those of :class:`Limits`.

    Raises:
        ConfigError: one of them is not a number above zero.
    """
    usual = Limits()
    megabytes = number_above_zero(environment, MAX_MB, usual.max_bytes / 1024**2)
    return Limits(
        max_seconds=number_above_zero(environment, MAX_SECONDS, usual.max_seconds),
        max_bytes=int(megabytes * 1024**2),
    )


def number_above_zero(environment: Mapping[str, str], variable: str, usual: float, whole: bool = False) -> float:
    """What an environment variable says, ``usual`` where it is not set.

    Raises:
        ConfigError: it is not a number above zero, or beyond all measure.
    """
    text = environment.get(variable, "").strip()
    if not text:
        return usual
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = 0
    if not 0 < value < 10**9:
        raise ConfigError(f"{variable} is {text!r}, which is not a number above zero", "Correct or remove it")
    return value
