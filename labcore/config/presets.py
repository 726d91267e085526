"""Presets: a few settings changed together, for a purpose. What a preset does not name stays at its default."""

from __future__ import annotations

from typing import Any, NamedTuple

from labcore.config import RunConfig
from labcore.config.budget import usual_seconds
from labcore.errors import ConfigError
from labcore.texts import counted


class Preset(NamedTuple):
    """A name, what it is for in a sentence, and the settings it turns (path → value)."""

    title: str
    purpose: str
    changes: dict[str, Any]

    @property
    def summary(self) -> str:
        """What it is for, and what a run of it usually takes."""
        return f"{self.purpose} {self.time}"

    @property
    def time(self) -> str:
        """What a run usually takes, a sentence."""
        seconds = usual_seconds(RunConfig().replace(self.changes))
        told = f"{round(seconds, -1):.0f} seconds" if seconds < 55 else f"{counted(round(seconds / 60), 'minute')}"
        return f"About {told} on two cores with bf16."


PRESETS: dict[str, Preset] = {
    "quick": Preset(
        "Quick look",
        "A first result. Lower sample rate, a sixth of the training.",
        {
            "audio.usual_rate": 16000,
            "optim.budget": 16000,
            "augment.mixup": 0.2,
        },
    ),
    "balanced": Preset("Balanced", "The recommended settings.", {}),
    "thorough": Preset(
        "Thorough",
        "Twice the epochs and a wider network, for the last points of accuracy.",
        {"optim.budget": 204800, "model.width": 1.5},
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
