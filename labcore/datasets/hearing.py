"""Whether a training hears what the clips hold: whether most of their energy lies above its highest frequency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from labcore.config import RunConfig, all_settings
from labcore.config.front_end import SOME
from labcore.datasets.table import Finding

if TYPE_CHECKING:
    from labcore.datasets.checks.measure import Measured

RATE = "audio.sample_rate"


def unheard(clips: Sequence[tuple[str, str, Measured]], config: RunConfig) -> Iterator[Finding]:
    """Whether most of the energy lies where a training hears nothing: in half of all clips, or of those of a class.

    Args:
        clips: path, label and what was measured of those that can be read.
        config: of the training.
    """
    lost = [clip for clip in clips if clip[2].half_hz > config.f_max]
    if config.audio.sample_rate is None and len(lost) >= SOME * len(clips):  # a training takes a higher rate by itself
        return
    sizes, by_label = Counter(label for _, label, _ in clips), Counter(label for _, label, _ in lost)
    if not any(count >= 0.5 * sizes[label] for label, count in by_label.items()):
        return
    whose = "most" if len(lost) == len(clips) else f"in {len(lost)} of {len(clips)} clips most"
    yield Finding(
        "unheard",
        f"{whose} of the energy lies above {config.f_max / 1000:.3g} kHz, which is lost at the sample rate of "
        f"{config.sample_rate} Hz",
        tuple(dict.fromkeys(path for path, _, _ in lost)),
        f"Train with {_flags(max(found.rate for _, _, found in lost))}",
    )


def _flags(rate: int) -> str:
    """What to train with, so that what a recording of a rate holds is heard."""
    bounds = all_settings()[RATE]
    rate = int(min(max(rate, bounds.ge or 0), bounds.le or rate))
    highest = RunConfig().replace({RATE: rate}).f_max
    return f"--{RATE} {rate}" + (f" --features.f_max {0.45 * rate:.0f}" if highest < 0.44 * rate else "")
