"""About how long a run will take, before it starts: from the speed of runs that this machine has trained, else from what presets say.

Told as about: what other work the machine has, and what augmentation costs, is not known beforehand. An estimate measures.
"""

from __future__ import annotations

from dataclasses import dataclass

from labcore.config import RunConfig
from labcore.config.budget import SHORTEST_SECONDS, USUAL_SECONDS, EpochPlan
from labcore.errors import RunError
from labcore.events import Epoch, TrainingStarted, last_of
from labcore.runs import Run

USUAL_SPEED = 51200 / 300
"""Clips of five seconds a second on two cores by the default recipe: what the summaries of presets go by."""
USUAL_NETWORK = "compact"
WIDTH_COSTS = 1.7
"""The work of the default network grows by this power of its width."""
MOST_RUNS = 30
"""So many of the newest runs are looked at."""


@dataclass(frozen=True)
class TrainingSpeed:
    """How fast an earlier run trained: its epochs' seconds a clip, validation included.

    ``work`` is what the network was given of a clip, in cells of the spectrogram; ``clip_seconds`` the length of that.
    """

    network: str
    width: float
    dataset: str
    device: str
    work: float
    clip_seconds: float
    seconds_per_clip: float


@dataclass(frozen=True)
class RunTime:
    """``measured`` on this machine, or as the presets say for two cores."""

    seconds: float
    measured: bool


def speed_of(run: Run) -> TrainingSpeed | None:
    """How fast a run trained, by its last epoch; None where it tells nothing."""
    try:
        config, events = run.config, run.events()
    except RunError:
        return None
    epoch, started, length = last_of(events, Epoch), last_of(events, TrainingStarted), config.audio.clip_seconds
    if epoch is None or started is None or epoch.seconds <= 0 or started.train_clips <= 0 or not length:
        return None
    device = str(run.load("environment", {}).get("device_name", ""))
    model = config.model
    work = _work(config, length)
    return TrainingSpeed(
        model.name, model.width, config.data.dataset, device, work, length, epoch.seconds / started.train_clips
    )


def estimate(
    config: RunConfig, plan: EpochPlan, known: list[TrainingSpeed], device: str | None = None, *, cpu: bool = True
) -> RunTime | None:
    """About how long a run takes; None where nothing tells.

    Args:
        plan: how many epochs of how many clips.
        known: speeds of earlier runs, newest first.
        device: what it will train on, by its name; None: that is not known yet. Speeds of others do not count.
        cpu: whether that is a CPU, of which the presets tell.
    """
    same = [speed for speed in known if speed.network == config.model.name and device in (None, "", speed.device)]
    same.sort(key=lambda speed: speed.dataset != config.data.dataset)  # the newest of the same data set first
    length = config.audio.clip_seconds or next(
        (speed.clip_seconds for speed in same if speed.dataset == config.data.dataset), USUAL_SECONDS
    )
    work = _work(config, length)
    if same:
        ratio = work / same[0].work
        if config.model.name == USUAL_NETWORK:
            ratio *= (config.model.width / same[0].width) ** WIDTH_COSTS
        return RunTime(plan.seen * same[0].seconds_per_clip * ratio, measured=True)
    if config.model.name != USUAL_NETWORK or not cpu:
        return None
    usual = _work(RunConfig(), USUAL_SECONDS)
    return RunTime(plan.seen / USUAL_SPEED * work / usual * config.model.width**WIDTH_COSTS, measured=False)


def _work(config: RunConfig, clip_seconds: float) -> float:
    """What the network is given of a clip, in cells of the spectrogram."""
    length = max(SHORTEST_SECONDS, clip_seconds)
    hop = config.replace({"audio.clip_seconds": length}).framing.hop_length
    return length * config.sample_rate / hop * config.features.n_mels
