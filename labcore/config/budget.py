"""How long to train: from a budget of clips seen to epochs, and to clips where there are more than the budget has room for.

A number of epochs that is right for a few hundred clips takes hours for ten thousand. What a run costs is the clips that the network
sees, so that is what a preset fixes. A small set needs fewer of them: a quarter of the clips half as many, which is still twice the epochs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from labcore.config import OptimConfig, RunConfig
from labcore.config.framing import tempo
from labcore.device import Arithmetic

USUAL_CLIPS = 320
"""From so many training clips on the whole budget is used: those of four folds of ESC-10, with which the recipe was found."""

USUAL_SPEED = 450.0
"""Clips of five seconds a second that the default recipe trains on two cores with bf16: what the presets say of time, and the first
estimate of a machine on which nothing has trained yet. `python benchmarks/estimates.py` measures it."""
USUAL_CORES = 2
SHARES: dict[Arithmetic, float] = {"bf16": 1.0, "avx512": 0.5, "other": 0.17}
"""The share of that speed which a processor has, by what it computes in. docs/LOG.md has the figures."""
WATCH_COSTS = 0.35
"""Evaluating a clip takes this share of training with it."""
FIXED_SECONDS = 8.0
"""What a run takes before its first step and after its last epoch, where the clips are decoded."""
WIDTH_COSTS = 1.7
"""The work of the default network grows by this power of its width."""
SERIAL = 0.14
"""The share of a training step on one thread that more threads do not speed up."""

LONGEST_SECONDS = 10.0
"""The longest input that is chosen automatically: longer clips are cut into such windows."""
USUAL_SECONDS = 5.0
SHORTEST_SECONDS = 0.5
"""Shorter clips cost about as much as such a one."""

FEWEST_EPOCHS, MOST_EPOCHS = 5, 640
"""Where the budget has no room for the fewest epochs of all clips, some of the clips are drawn."""


@dataclass(frozen=True)
class EpochPlan:
    """``clips`` are those that are trained on, of ``of``, in whole batches; ``reason`` is a sentence without the final stop."""

    epochs: int
    clips: int
    of: int
    batch_size: int = 1

    @property
    def seen(self) -> int:
        return self.epochs * trained_clips(self.clips, self.batch_size)

    @property
    def sampled(self) -> bool:
        return self.clips < self.of

    @property
    def reason(self) -> str:
        share, how = (f"{self.clips:,} of ", ", drawn by class") if self.sampled else ("", "")
        return (
            f"{self.epochs} epochs of {share}{self.of:,} training clips{how}: {self.seen:,} clips seen, the "
            "training budget for a set of this size"
        )


def trained_clips(clips: int, batch_size: int) -> int:
    """The clips that an epoch trains on: whole batches."""
    batch = max(1, min(batch_size, clips))
    return clips // batch * batch


def speed_up(threads: int) -> float:
    """How many times as fast as one thread so many train."""
    return 1.0 / (SERIAL + (1.0 - SERIAL) / max(1, threads))


def work_of(config: RunConfig, clip_seconds: float) -> float:
    """What the network is given of a clip, in cells of the spectrogram."""
    length = max(SHORTEST_SECONDS, clip_seconds)
    hop = config.replace({"audio.clip_seconds": length}).framing.hop_length
    return length * config.sample_rate / hop * config.features.n_mels


def usual_seconds_per_clip(
    config: RunConfig, clip_seconds: float, cores: int = USUAL_CORES, computes: Arithmetic = "bf16"
) -> float:
    """Seconds of training on a clip with the default network, on a processor about which no more is known."""
    work = work_of(config, clip_seconds) / work_of(RunConfig(), USUAL_SECONDS) * config.model.width**WIDTH_COSTS
    return work / USUAL_SPEED * speed_up(USUAL_CORES) / speed_up(cores) / SHARES[computes]


def usual_seconds(config: RunConfig) -> float:
    """What a run on the usual set takes on two cores: 320 training clips of five seconds, 80 held out."""
    made, held_out = plan_for(config, USUAL_CLIPS), USUAL_CLIPS // 4
    clips = made.seen + WATCH_COSTS * made.epochs * held_out
    return FIXED_SECONDS + clips * usual_seconds_per_clip(config, config.audio.clip_seconds or USUAL_SECONDS)


def covering(lengths: Sequence[float], f_max: float) -> float:
    """The automatic length of the input, in seconds: it covers 95 % of the training clips, up to a longest that is less for ultrasound.

    Args:
        lengths: seconds of the clips, ascending or not; at least one.
        f_max: of the run's bands, in Hz.
    """
    import numpy as np

    return round(min(max(0.1, float(np.quantile(lengths, 0.95))), tempo(f_max) * LONGEST_SECONDS), 2)


def plan_for(config: RunConfig, clips: int) -> EpochPlan:
    """What a run will do with a training set of so many clips, as far as that is known before its clips are read."""
    most = clips if config.data.train_clips is None else min(clips, config.data.train_clips)
    if config.optim.epochs is not None:
        return EpochPlan(config.optim.epochs, most, clips, config.optim.batch_size)
    return replace(plan(most, cost_of(config), config.optim), of=clips)


def plan(clips: int, cost: float, optim: OptimConfig) -> EpochPlan:
    """Epochs and clips for a training set.

    Args:
        clips: to train on.
        cost: of a clip, see :func:`cost_of`.
        optim: its budget is of clips of cost 1 to be seen in the whole run.
    """
    wanted = min(optim.budget * math.sqrt(clips / USUAL_CLIPS), optim.budget / cost)
    clips = max(1, clips)
    used = min(clips, max(1, int(wanted / FEWEST_EPOCHS)))
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(wanted / used)))
    return EpochPlan(epochs, used, clips, optim.batch_size)


def cost_of(config: RunConfig) -> float:
    """What training on a clip of a run costs, in clips of five seconds of the usual front end: by its frames.

    That is more than by its length for short clips, which are looked at more finely, and for ultrasound. More bands and a wider network
    are not counted: who asks for a larger network wants no shorter training.
    """
    seconds = config.audio.clip_seconds or tempo(config.f_max) * USUAL_SECONDS
    usual = RunConfig()
    return work_of(config, seconds) / config.features.n_mels / (work_of(usual, USUAL_SECONDS) / usual.features.n_mels)
