"""What is extracted, and the note of it that lies in the output folder. No torch."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.outputs import write_output
from labcore.reading import read_json

FORMAT = 1
NOTE = "extract.json"
Kind = Literal["log-mel", "mfcc", "embeddings"]
KINDS: tuple[Kind, ...] = ("log-mel", "mfcc", "embeddings")
FORMATS = ("npy", "pt", "parquet")


@dataclass(frozen=True)
class ExtractSettings:
    """All that decides what the output files hold.

    Attributes:
        kind: log-mel, mfcc, or embeddings.
        format: npy, pt or parquet.
        config: the front end; for embeddings that of the run.
        n_mfcc: coefficients, for MFCC only.
        weights: path of the run's folder or weights, for embeddings only.
        weights_sha256: of those weights.
        hop_seconds: from one window to the next, for embeddings of recordings longer than a clip; None is half a clip.
    """

    kind: Kind = "log-mel"
    format: str = "npy"
    config: RunConfig = field(default_factory=RunConfig)
    n_mfcc: int = 20
    weights: str = ""
    weights_sha256: str = ""
    hop_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"unknown features {self.kind!r}", f"Choose {', '.join(KINDS)}")
        if self.format not in FORMATS:
            raise ConfigError(f"unknown output format {self.format!r}", f"Choose {', '.join(FORMATS)}")
        if self.kind == "embeddings" and not self.weights:
            raise ConfigError("embeddings need a run", "Give one with --embeddings RUN")
        if self.kind == "mfcc" and not 1 <= self.n_mfcc <= self.config.features.n_mels:
            raise ConfigError(
                f"{self.n_mfcc} MFCCs cannot be computed from {self.config.features.n_mels} mel bands",
                "Use fewer coefficients (--mfcc) or more bands (--features.n_mels)",
            )

    def note(self) -> dict[str, Any]:
        """What outputs have to have in common to lie in one folder. Where the weights lie is not in it, what they are is."""
        facts: dict[str, Any] = {"version": FORMAT, "features": self.kind, "format": self.format}
        if self.kind == "embeddings":
            return facts | {"weights_sha256": self.weights_sha256, "hop_seconds": self.hop_seconds}
        config = self.config
        front = {"sample_rate": config.sample_rate, **config.framing._asdict()}
        front |= {"f_min": config.f_min, "f_max": config.f_max}
        front |= {name: value for name, value in config.features.model_dump().items() if name not in front}
        return facts | front | ({"n_mfcc": self.n_mfcc} if self.kind == "mfcc" else {})


def claim(output: Path, settings: ExtractSettings) -> None:
    """Note in an output folder what it holds, or see that it holds the same.

    Raises:
        ConfigError: it was made with other settings.
        WorkspaceError: it cannot be written.
    """
    file, wanted = output / NOTE, json.loads(json.dumps(settings.note()))
    known: Any = None
    with contextlib.suppress(OSError, ValueError):
        known = read_json(file)
    if known is None:
        write_output(file, json.dumps(wanted, indent=2) + "\n")
        return
    there = known if isinstance(known, dict) else {}
    differing = [name for name in {**there, **wanted} if there.get(name) != wanted.get(name)]
    if differing:
        listed = ", ".join(f"{name} {there.get(name)} there and {wanted.get(name)} now" for name in differing[:5])
        raise ConfigError(
            f"{output} contains features with other settings: {listed}",
            "Choose another --output folder, or use the former settings",
        )
