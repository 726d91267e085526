"""The augmentation bench: what training does to a clip, step by step or all at once, to be seen and heard."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labcore.augment import AddNoise, Augmentation, Mix
from labcore.augment.seeding import seeded
from labcore.augment.waveform import NoiseAt, ratio_db
from labcore.config import RunConfig, all_settings
from labcore.config.budget import LONGEST_SECONDS
from labcore.errors import AudioError, ConfigError
from labcore.explore.placing import Placing
from labcore.explore.sonify import sound_of
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.training.pipeline import recorded_noise
from labcore.workspace import Workspace

ROUNDING_DB = 1e-3
"""Smaller differences come from rounding."""
SEEN_DB = 0.5


@dataclass(frozen=True)
class Step:
    """An augmentation.

    Attributes:
        name: what :func:`preview` takes it by, e.g. ``pitch``.
        title: a few words, the setting's own.
        strength: the path of the setting that switches it on.
        settings: the paths of the settings that matter where it is shown alone; the share of the clips is none of them, since
            what is shown alone always happens.
        domain: where it acts: ``time``, ``waveform``, ``power`` (of the mel bands) or ``log-mel``.
        needs_second: it takes a second clip.
    """

    name: str
    title: str
    strength: str
    settings: tuple[str, ...]
    domain: str
    needs_second: bool = False


def _step(name: str, setting: str, domain: str, *settings: str, needs_second: bool = False) -> Step:
    paths = tuple(f"augment.{other}" for other in settings or (setting,) if other)
    return Step(name, _SETTINGS[f"augment.{setting}"].title, f"augment.{setting}", paths, domain, needs_second)


_SETTINGS = all_settings()
STEPS = {
    step.name: step
    for step in (
        _step("time_shift", "time_shift_seconds", "time"),
        _step("reverb", "reverb", "waveform", "reverb_seconds"),
        _step("noise", "noise", "waveform", "noise_snr_db", "noise_colour", "noise_file"),
        _step("speed", "speed", "power"),
        _step("time_scale", "time_scale", "power"),
        _step("pitch", "pitch_semitones", "power"),
        _step("equaliser", "equaliser_db", "power"),
        _step("gain", "gain_db", "power"),
        _step("mixing", "mixup", "power", "", needs_second=True),
        _step("time_mask", "time_mask", "log-mel", "time_mask", "masks"),
        _step("freq_mask", "freq_mask", "log-mel", "freq_mask", "masks"),
    )
}
"""By name, in the order of the training chain."""
_SHARES = ("augment.reverb", "augment.noise", "augment.mixup")
"""Settings that say how many clips are changed, not by how much."""


@dataclass(frozen=True)
class Preview:
    """A clip before and after.

    Attributes:
        before, after: (n_mels, frames) float32, levels in dB.
        difference: after minus before.
        image: (n_mels, frames) float32: what the network is given, ``after`` normalised.
        image_before: the same of ``before``.
        sound_before, sound: (samples,) float32 at ``sample_rate``.
        sample_rate: in Hz.
        rebuilt: ``sound`` was rebuilt from ``after`` (Griffin-Lim), since the change was made to the spectrogram.
        before_rebuilt: ``before`` rebuilt in the same way, to hear the change apart from the rebuilding; None where ``sound`` is not.
        ratio: the share of the first clip where two were mixed, as the label counts it; else None.
        snr_db: the signal-to-noise ratio that was drawn, where noise was added; else None.
        steps: the names of the steps that were switched on.
    """

    before: np.ndarray
    after: np.ndarray
    difference: np.ndarray
    image: np.ndarray
    image_before: np.ndarray
    sound_before: np.ndarray
    sound: np.ndarray
    sample_rate: int
    rebuilt: bool
    before_rebuilt: np.ndarray | None
    ratio: float | None
    snr_db: float | None
    steps: tuple[str, ...]

    def colour_range(self, decibels: float = 80.0) -> tuple[float, float]:
        """The levels of the first and the last colour of both pictures: at most so many dB below the highest."""
        low = float(min(self.before.min(), self.after.min()))
        high = float(max(self.before.max(), self.after.max()))
        return max(low, high - decibels), high

    @property
    def reach(self) -> float:
        """The same of the difference: as far on either side of zero."""
        return max(3.0, float(np.abs(self.difference).max(initial=0.0)))

    def changed(self) -> tuple[float, float]:
        """The share of the cells that changed by :data:`SEEN_DB` or more, and by how many dB all changed on average."""
        difference = np.abs(self.difference)
        return float(np.mean(difference >= SEEN_DB)), float(difference.mean())


def only(config: RunConfig, name: str) -> RunConfig:
    """The configuration with one step on, and that one in each clip; all others off.

    Raises:
        ConfigError: there is no such step.
    """
    if name not in STEPS:
        raise ConfigError(f"there is no augmentation {name!r}", f"Choose {', '.join(STEPS)}")
    step = STEPS[name]
    off = {other.strength: 0.0 for other in STEPS.values() if other is not step}
    return config.replace({**off, step.strength: 1.0} if step.strength in _SHARES else off)


def preview(
    config: RunConfig,
    waveform: np.ndarray,
    seed: int,
    *,
    second: np.ndarray | None = None,
    steps: str = "all",
    snr_db: float | None = None,
    mix_ratio: float | None = None,
    recording: np.ndarray | None = None,
    log_mel: LogMel | None = None,
    sound: bool = True,
    workspace: Workspace | None = None,
) -> Preview:
    """What training would make of a clip, once: it goes through the same pipeline, with the same random numbers.

    Args:
        config: the strengths. An automatic clip length is the clip's own, at most 10 s.
        waveform: (samples,) float32 at the configuration's sample rate.
        seed: the same seed gives the same draw; another one another.
        second: (samples,) the clip that is mixed in; without it nothing is mixed.
        steps: ``all`` in the order of the chain and with the chances that the configuration gives them, or the name of one
            of :data:`STEPS`, which then always happens. One alone keeps the clip in its place, but for the time shift.
        snr_db: noise is added at this ratio instead of a drawn one.
        mix_ratio: the share of the first clip where one is mixed in, instead of a drawn one.
        recording: (samples,) noise to add in place of made noise; that of the configuration where it is not given.
        log_mel: the front end of a trained classifier, with its normalisation; without it the clip is normalised by itself.
        sound: whether ``sound`` is rebuilt where it must be; without it ``sound`` is then empty, and the draw faster.
        workspace: where recorded noise is looked for that moved with it.

    Raises:
        LabError: the waveform is empty, there is no such step, the recorded noise cannot be read.
    """
    clips = [_checked(waveform)] if second is None else [_checked(waveform), _checked(second)]
    config = _with_length(config if steps == "all" else only(config, steps), clips[0])
    augment = config.augment
    mixing = second is not None and augment.mixup > 0
    on = [step for step in STEPS.values() if config.value(step.strength) and (mixing or not step.needs_second)]
    front_end = LogMel(config) if log_mel is None else deepcopy(log_mel).cpu()
    noise = None if recording is None else torch.from_numpy(_checked(recording))
    if noise is None:
        noise = recorded_noise(augment, config.sample_rate, workspace)
    with seeded(seed), torch.inference_mode():
        placing = Placing(clips, front_end, config.clip_samples, augment, noise)
        if log_mel is None:  # for want of training clips
            placing.pipeline.fit_normalisation()
        told = _listen(placing.pipeline.chain, snr_db, mix_ratio, augment.noise_colour, noise)
        placed = steps in ("all", "time_shift")
        starts = placing.pipeline.starts(placing.rows) if placed else placing.middle_starts(placing.margin)
        images, targets = placing.pipeline.chain(
            placing.pipeline.cut(placing.rows, starts), torch.eye(len(clips)), mixing
        )
    if mixing:
        told["ratio"] = float(targets[0, 0])
    return _shown(config, placing, images[0], int(starts[0]), on, told, sound)


@torch.inference_mode()
def _shown(
    config: RunConfig, placing: Placing, image: Tensor, start: int, on: list[Step], told: dict[str, Any], sound: bool
) -> Preview:
    """What came out of the pipeline, as it is seen and heard, beside the clip as it is."""
    log_mel = placing.log_mel
    levels = log_mel.decibels(placing.plain())
    before, after = levels[0].numpy(), (image * log_mel.deviation + log_mel.mean).numpy()
    difference = after - before
    difference[np.abs(difference) < ROUNDING_DB] = 0.0
    samples = config.clip_samples if placing.on_mels else placing.plain_window
    rebuilt = any(step.domain in ("power", "log-mel") for step in on)
    played, before_rebuilt = np.zeros(0, dtype=np.float32), None
    if rebuilt and sound:
        played, before_rebuilt = (
            sound_of(10.0 ** (decibels / 10.0), config, samples=samples) for decibels in (after, before)
        )
    elif not rebuilt:
        played = placing.sound(start, samples) if placing.on_mels else told["waveform"]
    return Preview(
        before=before,
        after=after,
        difference=difference,
        image=image.numpy(),
        image_before=log_mel.normalise(levels)[0].numpy(),
        sound_before=placing.sound(int(placing.middle_starts()[0]), samples),
        sound=played,
        sample_rate=config.sample_rate,
        rebuilt=rebuilt,
        before_rebuilt=before_rebuilt,
        ratio=told.get("ratio"),
        snr_db=told.get("snr_db"),
        steps=tuple(step.name for step in on),
    )


class MixAt(Mix):
    """Mixes at a ratio that is given, as the chain does at one that it draws."""

    def __init__(self, ratio: float) -> None:
        super().__init__(1.0)
        self.ratio = ratio

    def ratios(self, power: Tensor) -> Tensor:
        return torch.full((len(power),), self.ratio, device=power.device)


def predictions(classifier: Classifier, augmented: Preview) -> tuple[dict[str, float], dict[str, float]]:
    """Probabilities by label before and after, for a draw that was made with the classifier's configuration and front end."""
    with torch.inference_mode():
        classifier.eval()
        images = torch.from_numpy(np.stack([augmented.image_before, augmented.image])).to(classifier.device)
        shares = classifier.shares(classifier.network(images[:, None])).tolist()
    before, after = (dict(zip(classifier.labels, row, strict=True)) for row in shares)
    return before, after


def _with_length(config: RunConfig, clip: np.ndarray) -> RunConfig:
    """The configuration with a clip length: where it is automatic, that of the clip."""
    if config.audio.clip_seconds is not None:
        return config
    seconds = len(clip) / config.sample_rate
    return config.replace({"audio.clip_seconds": min(max(0.1, seconds), LONGEST_SECONDS)})


def _checked(waveform: np.ndarray) -> np.ndarray:
    if not len(waveform):
        raise AudioError("the clip has no samples", "Choose a longer part")
    return np.ascontiguousarray(waveform, dtype=np.float32)


def _listen(
    chain: Augmentation, snr_db: float | None, mix_ratio: float | None, colour: str, recording: Tensor | None
) -> dict[str, Any]:
    """Have a chain mix and add noise as it was chosen, and tell what becomes of the first clip: filled once it has run."""
    told: dict[str, Any] = {}
    if mix_ratio is not None:
        chain.mix = MixAt(mix_ratio)
    for place, module in enumerate(chain.on_waveform):
        if isinstance(module, AddNoise):
            if snr_db is not None:
                chain.on_waveform[place] = NoiseAt(snr_db, colour, recording, module.lowest)
            chain.on_waveform[place].register_forward_hook(
                lambda _, given, made: told.update(snr_db=ratio_db(given[0][0], made[0]))
            )
    chain.on_waveform.register_forward_hook(lambda _, given, made: told.update(waveform=made[0].numpy().copy()))
    return told
