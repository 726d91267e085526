"""How long to train: from a budget of clips seen to epochs, and to clips where there are more than the budget has room for.

A number of epochs that is right for a few hundred clips takes hours for ten thousand. What a run costs is the clips that the network
sees, so that is what a preset fixes. A small set needs fewer of them: a quarter of the clips half as many, which is still twice the epochs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from labcore.config import RunConfig

USUAL_CLIPS = 320
"""From so many training clips on the whole budget is used: those of four folds of ESC-10, with which the recipe was found."""

USUAL_SECONDS = 5.0
SHORTEST_SECONDS = 0.5
"""Shorter clips cost about as much as such a one."""

FEWEST_EPOCHS, MOST_EPOCHS = 5, 400
"""Where the budget has no room for the fewest epochs of all clips, some of the clips are drawn."""


@dataclass(frozen=True)
class EpochPlan:
    """``clips`` are those that are trained on, of ``of``; ``reason`` is a sentence without the final stop."""

    epochs: int
    clips: int
    of: int

    @property
    def seen(self) -> int:
        return self.epochs * self.clips

    @property
    def sampled(self) -> bool:
        return self.clips < self.of

    @property
    def reason(self) -> str:
        share, how = (f"{self.clips:,} of ", ", drawn by class") if self.sampled else ("", "")
        return (
            f"{self.epochs} epochs of {share}{self.of:,} training clips{how}: {self.seen:,} clips seen, which is what the "
            "training budget allows for a set of this size"
        )


def plan_for(config: RunConfig, clips: int) -> EpochPlan:
    """What a run will do with a training set of so many clips, as far as that is known before its clips are read."""
    most = clips if config.data.train_clips is None else min(clips, config.data.train_clips)
    if config.optim.epochs is not None:
        return EpochPlan(config.optim.epochs, most, clips)
    chosen = plan(most, config.audio.clip_seconds, config.optim.budget)
    return EpochPlan(chosen.epochs, chosen.clips, clips)


def plan(clips: int, clip_seconds: float | None, budget: int) -> EpochPlan:
    """Epochs and clips for a training set.

    Args:
        clips: to train on.
        clip_seconds: of what the network is given; None: that is not known yet.
        budget: clips of five seconds to be seen in the whole run. Longer clips count for more, shorter ones for less.
    """
    length = max(SHORTEST_SECONDS, clip_seconds or USUAL_SECONDS) / USUAL_SECONDS
    wanted = min(budget * math.sqrt(clips / USUAL_CLIPS), budget / length)
    clips = max(1, clips)
    used = min(clips, max(1, int(wanted / FEWEST_EPOCHS)))
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(wanted / used)))
    return EpochPlan(epochs, used, clips)
