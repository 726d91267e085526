"""The augmentation bench: what training does to a clip, step by step or all at once, to be seen and heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.classifier import Classifier
from labcore.config import RunConfig
from labcore.features import LogMel


@dataclass(frozen=True)
class Step:
    """An augmentation.

    Attributes:
        name: what :func:`draw` takes it by, e.g. ``pitch``.
        title: a few words, the knob's own.
        strength: the path of the knob that switches it on.
        knobs: the paths of the knobs that matter where it is shown alone; the share of the clips is none of them, since
            what is shown alone always happens.
        domain: where it acts: ``time``, ``waveform``, ``power`` (of the mel bands) or ``log-mel``.
        needs_second: it takes a second clip.
    """

    name: str
    title: str
    strength: str
    knobs: tuple[str, ...]
    domain: str
    needs_second: bool = False


STEPS: tuple[Step, ...] = ()
"""In the order of the training chain."""


@dataclass(frozen=True)
class Draw:
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


def only(config: RunConfig, name: str) -> RunConfig:
    """The configuration with one step on, and that one in each clip; all others off."""
    raise NotImplementedError


def draw(
    config: RunConfig,
    waveform: np.ndarray,
    seed: int,
    *,
    second: np.ndarray | None = None,
    steps: str = "all",
    snr_db: float | None = None,
    recording: np.ndarray | None = None,
    log_mel: LogMel | None = None,
    sound: bool = True,
) -> Draw:
    """What training would make of a clip, once: the same window, the same chain, the same random numbers.

    Args:
        config: the strengths. An automatic clip length is the clip's own, at most 10 s.
        waveform: (samples,) float32 at the configuration's sample rate.
        seed: the same seed gives the same draw; another one another.
        second: (samples,) the clip that is mixed in; without it nothing is mixed.
        steps: ``all`` in the order of the chain and with the chances that the configuration gives them, or the name of one
            of :data:`STEPS`, which then always happens. One alone keeps the clip in its place, but for the time shift.
        snr_db: noise is added at this ratio instead of a drawn one.
        recording: (samples,) noise to add in place of made noise; that of the configuration where it is not given.
        log_mel: the front end of a trained classifier, with its normalisation; without it the clip is normalised by itself.
        sound: whether ``sound`` is rebuilt where it must be; without it ``sound`` is then empty, and the draw faster.

    Raises:
        LabError: the waveform is empty, there is no such step, the recorded noise cannot be read.
    """
    raise NotImplementedError


def answers(classifier: Classifier, draw: Draw) -> tuple[dict[str, float], dict[str, float]]:
    """Probabilities by label before and after, for a draw that was made with the classifier's configuration and front end."""
    raise NotImplementedError
