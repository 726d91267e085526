"""What is accepted of visitors, in one place. Each has an environment variable; docs/network.md lists them."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from streamlit import config

from labcore.audio import Limits
from labcore.audio.limits import number_above_zero
from ui.app.text import count, counted, duration

MOST_CHANNELS = 32
MOST_SAMPLES = 2**29
"""Of a decoded waveform: 2 GB, six hours at 22.05 kHz."""


@dataclass(frozen=True)
class UploadLimits:
    """``files`` and ``megabytes`` are what one visit may hold, ``total_megabytes`` all; ``seconds`` is a recording's length."""

    files: int = 200
    megabytes: int = 2048
    total_megabytes: int = 8192
    seconds: float = 6 * 3600.0

    NAMES: ClassVar[dict[str, str]] = {
        "files": "LABCORE_UPLOAD_MAX_FILES",
        "megabytes": "LABCORE_UPLOAD_MAX_MB",
        "total_megabytes": "LABCORE_UPLOAD_TOTAL_MB",
        "seconds": "LABCORE_UPLOAD_MAX_SECONDS",
    }

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> UploadLimits:
        """The limits with what the environment says instead.

        Raises:
            ConfigError: one is not a number above zero.
        """
        given = {
            name: number_above_zero(environment, variable, getattr(cls, name), whole=name != "seconds")
            for name, variable in cls.NAMES.items()
        }
        return cls(**given)  # type: ignore[arg-type]


@functools.cache
def uploads() -> UploadLimits:
    """The limits of this server."""
    return UploadLimits.of(os.environ)


def in_words() -> str:
    """The limits as the help of an uploader tells them."""
    held = uploads()
    return (
        f"A recording may last {duration(held.seconds)}; {counted(held.files, 'file')} and {count(held.megabytes)} MB "
        "may be held at a time. Rejected files turn red."
    )


def sound() -> Limits:
    """What is decoded of a sound that a visitor handed in: lower than what the library takes from its owner."""
    return Limits(
        max_seconds=uploads().seconds,
        max_bytes=config.get_option("server.maxUploadSize") * 1024**2,
        max_channels=MOST_CHANNELS,
        max_samples=MOST_SAMPLES,
    )
