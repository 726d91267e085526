"""From mel powers back to sound.

Two things are lost in a mel spectrogram, and both are put back by guessing: how the power of a band is spread over the bins of the
Fourier transform, and the phases.

The bins are found by ten steps of expectation maximisation (Richardson, Lucy) from an even spread, which keeps powers
positive. On ten clips of ESC-10 the mel powers of what it finds are within 0.06 dB of those given; torchaudio's
``InverseMelScale`` and the pseudo-inverse, which clip negative powers afterwards, are 0.6 dB off and three to eight times
slower. The phases are torchaudio's Griffin-Lim; after 32 iterations the log-mel of the sound is within 0.25 dB of the given one
on average.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from labcore.augment.seeding import seeded
from labcore.config import AudioConfig, RunConfig
from labcore.features import LogMel

ITERATIONS = 32
MEL_STEPS = 10
LEAST = 1e-10
"""Power below which nothing is heard. Smaller numbers would become denormal, with which a CPU is slow."""


def sound_of(power: np.ndarray, config: RunConfig, *, samples: int | None = None) -> np.ndarray:
    """A sound whose mel powers are about these.

    Args:
        power: (n_mels, frames) mel powers.
        config: what the front end is.
        samples: of the result; what the frames hold where it is not given.

    Returns:
        (samples,) float32 at the configuration's sample rate.
    """
    power = np.ascontiguousarray(power, dtype=np.float32)
    features = config.features.model_copy(update=config.framing._asdict())
    front_end = RunConfig(audio=AudioConfig(sample_rate=config.sample_rate), features=features)
    return _sound_of(power.tobytes(), power.shape[1], front_end, samples).copy()


@lru_cache(maxsize=16)
def _sound_of(power: bytes, frames: int, config: RunConfig, samples: int | None) -> np.ndarray:
    """Remembered, since of two sounds that are compared one usually stays."""
    from torchaudio.functional import griffinlim

    frame = config.framing
    with torch.inference_mode():
        bins = linear_power(torch.frombuffer(bytearray(power), dtype=torch.float32).reshape(-1, frames), config)
        bins, hop = _closer(bins, frame.hop_length, frame.win_length)
        least = frame.n_fft // 2 // hop + 3  # shorter, the Fourier transform cannot be taken: silent frames follow
        bins = torch.nn.functional.pad(bins, (0, max(0, least - bins.shape[1])))
        with seeded(0):  # the phases to begin with
            sound = griffinlim(
                bins,
                window=LogMel(config).spectrogram.spectrogram.window,
                n_fft=frame.n_fft,
                hop_length=hop,
                win_length=frame.win_length,
                power=2.0,
                n_iter=ITERATIONS,
                momentum=0.99,
                length=None,
                rand_init=True,
            )
    count = (frames - 1) * frame.hop_length if samples is None else samples
    played = sound.numpy()[:count]
    return np.pad(played, (0, max(0, count - len(played))))


def linear_power(power: Tensor, config: RunConfig) -> Tensor:
    """Powers of the Fourier transform whose mel powers are these: (n_mels, frames) → (bins, frames)."""
    resident = LogMel(config).spectrogram.mel_scale.fb  # (bins, n_mels)
    hears = resident.sum(1, keepdim=True)
    power = power.clamp(min=LEAST)
    bins = resident / resident.sum(0).clamp(min=1e-9) @ power
    for _ in range(MEL_STEPS):
        bins = bins * (resident @ (power / (resident.T @ bins).clamp(min=LEAST))) / hears.clamp(min=1e-9)
        bins = bins.clamp(min=LEAST)
    return bins * (hears > 0)


def _closer(bins: Tensor, hop: int, size: int) -> tuple[Tensor, int]:
    """More frames by interpolation where they overlap by less than half: a window that fades out cannot be undone there."""
    if hop <= size // 2:
        return bins, hop
    shorter = max(1, hop // math.ceil(hop / (size // 2)))
    place = torch.arange((bins.shape[1] - 1) * hop // shorter + 1) * (shorter / hop)
    before = place.floor().long().clamp(max=bins.shape[1] - 1)
    after = (before + 1).clamp(max=bins.shape[1] - 1)
    return torch.lerp(bins[:, before], bins[:, after], place - before), shorter
