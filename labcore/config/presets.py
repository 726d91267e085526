"""Presets: a few settings changed together, for a purpose. What a preset does not name stays at its default."""

from __future__ import annotations

from typing import Any, NamedTuple

from labcore.config import RunConfig
from labcore.errors import ConfigError


class Preset(NamedTuple):
    """A name, what it is for in a sentence, and the settings it turns (path → value)."""

    title: str
    summary: str
    changes: dict[str, Any]


PRESETS: dict[str, Preset] = {
    "quick": Preset(
        "Quick look",
        "A first result in about a minute on two cores. Lower sample rate, few epochs.",
        {
            "audio.usual_rate": 16000,
            "optim.budget": 8000,
            "augment.mixup": 0.2,
        },
    ),
    "balanced": Preset("Balanced", "The recommended settings. About five minutes on two cores.", {}),
    "thorough": Preset(
        "Thorough",
        "Twice the epochs and a wider network, for the last points of accuracy. About twenty minutes on two cores.",
        {"optim.budget": 102400, "model.width": 1.5},
    ),
}


def preset(name: str) -> RunConfig:
    """The configuration of a preset.

    Raises:
        ConfigError: no preset of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}", f"Choose one of {', '.join(PRESETS)}")
    return RunConfig().replace(PRESETS[name].changes)
