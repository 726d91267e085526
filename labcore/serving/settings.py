"""What a service accepts, and how it computes."""

from __future__ import annotations

from dataclasses import dataclass

from labcore.audio import Limits
from labcore.errors import ConfigError


@dataclass(frozen=True)
class ServiceSettings:
    """Limits of a service.

    Attributes:
        max_bytes: of a request's body.
        max_seconds: of a clip.
        max_files: of a request.
        max_clips: in hand at once, waiting and running; further requests are refused until some are answered.
        memory_bytes: for the bodies and waveforms of all requests in hand.
        timeout_s: for which a request may wait for its answer.
        body_timeout_s: for a body to come, and as long again for each ``64 KiB × body_timeout_s`` that have come.
        batch_size: windows that the network takes at once; by the device where it is None.
        threads: of the network on a CPU, and for decoding; one a core where it is None.
    """

    max_bytes: int = 64 * 2**20
    max_seconds: float = 600.0
    max_files: int = 32
    max_clips: int = 64
    memory_bytes: int = 2**30
    timeout_s: float = 30.0
    body_timeout_s: float = 20.0
    batch_size: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.max_bytes > self.memory_bytes:
            raise ConfigError(
                "a body may be larger than all memory for requests", "Raise --memory-mb, or lower --max-mb"
            )
        if self.max_files > self.max_clips:
            raise ConfigError(
                "a request may have more files than the maximum number of clips",
                "Raise --max-clips, or lower --max-files",
            )

    @property
    def max_values(self) -> int:
        """Samples times channels that a clip may hold: the longest one in stereo at 48 kHz."""
        return int(self.max_seconds * 48_000 * 2)

    def audio_limits(self) -> Limits:
        """For decoding what strangers send."""
        return Limits(
            max_seconds=self.max_seconds, max_bytes=self.max_bytes, max_channels=8, max_rate=384_000, max_samples=2**28
        )
