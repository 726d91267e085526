"""Views of a sound, each through the lab's own front end, small enough to be sent to a browser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from labcore.audio.overview import Overview
from labcore.augment import Bands
from labcore.config import RunConfig
from labcore.errors import AudioError
from labcore.explore.snippet import COEFFICIENTS
from labcore.explore.view import BYTES, COLUMNS, Envelope, Spectrum, View
from labcore.features import LogMel

KINDS = ("spectrogram", "mel", "log-mel", "mfcc", "pcen")
"""What :func:`view_of` draws, in this order."""
PCEN_GAIN, PCEN_BIAS, PCEN_POWER, PCEN_SMOOTHING, PCEN_EPS = 0.98, 2.0, 0.5, 0.025, 1e-6
RATES = 4000, 500_000
"""The lowest and the highest sample rate of a configuration."""
CELLS = 2**21
"""Numbers of a Fourier transform that are held at a time, so that an hour takes no more memory than a minute."""


def views_of(
    kinds: Sequence[str],
    recorded: np.ndarray,
    rate: int,
    front: np.ndarray,
    config: RunConfig,
    *,
    of: str = "level",
    start_s: float = 0.0,
) -> dict[str, View | Envelope]:
    """Views on one time axis, by kind, in the order in which they are drawn.

    Args:
        kinds: ``waveform`` and kinds of :class:`~labcore.explore.view.View`; others are left out.
        recorded, rate: for the waveform, as :func:`waveform_view` takes them.
        front: for all else, (samples,) at the configuration's sample rate.
        of: as for :func:`view_of`.

    Raises:
        AudioError: the stretch is empty.
    """
    made: dict[str, View | Envelope] = {}
    if "waveform" in kinds:
        made["waveform"] = waveform_view(recorded, rate, start_s=start_s)
    of_front = (kind for kind in KINDS if kind in kinds)
    return made | {kind: view_of(kind, front, config, of=of, start_s=start_s) for kind in of_front}


def stretch_of(samples: np.ndarray, rate: int, begin_s: float, end_s: float) -> np.ndarray:
    """A stretch of (channels, samples), in seconds from its beginning; at least one sample."""
    first = min(max(0, round(begin_s * rate)), samples.shape[1] - 1)
    return samples[:, first : max(first + 1, round(end_s * rate))]


def outline_view(overview: Overview) -> Envelope:
    """A whole recording, channels apart."""
    blocks = np.arange(overview.low.shape[1]) + 0.5
    return Envelope.of(overview.low, overview.high, blocks * overview.block_seconds, exact=False)


def waveform_view(stretch: np.ndarray, sample_rate: int, *, start_s: float = 0.0) -> Envelope:
    """The waveform, channels apart.

    Args:
        stretch: (channels, samples) or (samples,) float32.
        sample_rate: in Hz.
        start_s: where the stretch begins in its recording.

    Raises:
        AudioError: it is empty.
    """
    stretch = np.atleast_2d(np.asarray(stretch, dtype=np.float32))
    samples = stretch.shape[1]
    if not samples:
        raise AudioError("the selection has no samples", "Choose a longer one")
    edges = np.unique(np.linspace(0, samples, min(COLUMNS, samples) + 1).astype(np.int64))
    low = np.minimum.reduceat(stretch, edges[:-1], axis=1)
    high = np.maximum.reduceat(stretch, edges[:-1], axis=1)
    middle = start_s + (edges[:-1] + edges[1:] - 1) / 2 / sample_rate
    return Envelope.of(low, high, middle, exact=len(edges) == samples + 1)


def view_of(kind: str, waveform: np.ndarray, config: RunConfig, *, of: str = "level", start_s: float = 0.0) -> View:
    """A sound as the front end hears it, before the normalisation.

    Args:
        kind: one of :data:`KINDS`: the ``spectrogram`` that the mel bands are summed from; ``mel`` powers, before the logarithm;
            ``log-mel``, as a run with this configuration would compute it; ``mfcc``, the cosine transform (II, orthonormal) of its
            decibels, of which frames that share a column are averaged, since coefficients have signs; or ``pcen``.
        waveform: (samples,) float32 at the configuration's sample rate.
        of: of a spectrogram: ``level`` in dB, floored as the log-mel is, ``magnitude`` or ``power``.
        start_s: where the waveform begins in its recording.

    Raises:
        AudioError: the waveform is empty.
    """
    log_mel, n_fft = LogMel(config), config.framing.n_fft
    front: Callable[[Tensor], Tensor] = log_mel.power
    make: Callable[[Tensor], Tensor] = torch.positive
    rows = band_centres(config)
    if kind == "spectrogram":
        front, rows = log_mel.spectrogram.spectrogram, np.arange(n_fft // 2 + 1) * config.sample_rate / n_fft
        make = {"level": log_mel.decibels, "magnitude": Tensor.sqrt, "power": make}[of]
    elif kind == "log-mel":
        make = log_mel.decibels
    elif kind == "mfcc":
        from torchaudio.functional import create_dct

        count = min(COEFFICIENTS, config.features.n_mels)
        basis = create_dct(count, config.features.n_mels, norm="ortho").T  # (count, n_mels)
        rows, make = np.arange(count, dtype=np.float64), lambda block: basis @ log_mel.decibels(block)
    elif kind == "pcen":
        make = _pcen()
    unit = "dB" if make == log_mel.decibels else ""
    pooled, x = _over_time(waveform, config, front, make, start_s, mean=kind == "mfcc")
    return _view(kind, pooled, x, rows, unit)


def _pcen() -> Callable[[Tensor], Tensor]:
    """Per-channel energy normalisation of mel powers, block by block: each band against its own recent past, which brings out onsets.

    Source: Wang, Getreuer, Hughes, Lyon, Saurous, "Trainable frontend for robust and far-field keyword spotting", ICASSP
    2017, with the values given there.
    """
    smooth: list[np.ndarray] = []

    def make(block: Tensor) -> Tensor:
        power = block[0].numpy().astype(np.float64)
        past = np.empty_like(power)
        level = smooth.pop() if smooth else power[:, 0]
        for frame in range(power.shape[1]):
            level = (1.0 - PCEN_SMOOTHING) * level + PCEN_SMOOTHING * power[:, frame]
            past[:, frame] = level
        smooth.append(level)
        gained = power / (PCEN_EPS + past) ** PCEN_GAIN
        return torch.from_numpy((gained + PCEN_BIAS) ** PCEN_POWER - PCEN_BIAS**PCEN_POWER)[None]

    return make


def levels_view(levels: np.ndarray, config: RunConfig, *, signed: bool = False) -> View:
    """Levels of the mel bands (n_mels, frames) in dB. Of frames that share a column the strongest counts.

    Args:
        signed: the strongest is the one farthest from zero, as of a difference; else the greatest.
    """
    factor = math.ceil(levels.shape[1] / COLUMNS)
    pooled = _pooled(levels, factor)
    if signed:
        low = -_pooled(-levels, factor)
        pooled = np.where(-low > pooled, low, pooled)
    x = (np.arange(pooled.shape[1]) + 0.5) * (factor * config.framing.hop_length / config.sample_rate)
    return _view("log-mel", pooled, x, band_centres(config), "dB")


def weights_view(weights: np.ndarray, config: RunConfig) -> View:
    """Weights of the cells of a log-mel (n_mels, frames), as those of Grad-CAM, on the axes of a log-mel's view.

    Of frames that share a column the greatest counts.
    """
    factor = math.ceil(weights.shape[1] / COLUMNS)
    x = _middles(weights.shape[1], factor, config, 0.0)
    return _view("weights", _pooled(weights, factor), x, band_centres(config), "")


def average_spectrum(stretch: np.ndarray, config: RunConfig, rate: int | None = None) -> Spectrum:
    """Level over frequency by Welch's method: the mean over frames that overlap by half, without padding at the ends.

    Source: Welch, IEEE Transactions on Audio and Electroacoustics 15(2), 1967. Neighbouring bins are put together by their maximum
    where there are more than a screen shows.

    Args:
        stretch: (channels, samples) or (samples,). One shorter than a frame is padded.
        rate: of the stretch, in Hz, where it is not the configuration's: it is cut into frames as that rate would be.

    Raises:
        AudioError: it is empty.
    """
    waves = torch.from_numpy(np.atleast_2d(np.asarray(stretch, dtype=np.float32)))
    if not waves.shape[1]:
        raise AudioError("the selection has no samples", "Choose a longer one")
    own = rate or config.sample_rate
    if own != config.sample_rate:
        framed = min(RATES[1], max(RATES[0], own))
        config = config.replace({"audio.sample_rate": framed, "features.f_min": 0.0, "features.f_max": None})
    n_fft, size, _ = config.framing
    window = LogMel(config).spectrogram.spectrogram.window
    waves = torch.nn.functional.pad(waves, (0, max(0, size - waves.shape[1])))
    frames = waves.unfold(1, size, max(1, size // 2))  # a view: blocks of it are transformed
    total = torch.zeros(len(waves), n_fft // 2 + 1, dtype=torch.float64)
    block = max(1, CELLS // (n_fft * len(waves)))
    for first in range(0, frames.shape[1], block):
        part = torch.fft.rfft(frames[:, first : first + block] * window, n=n_fft)
        total += part.abs().square().double().sum(1)
    amplitude = total / frames.shape[1] * (2.0 / float(window.sum())) ** 2
    levels = (10.0 * torch.log10(amplitude.clamp(min=1e-15))).float().numpy()
    hz = np.arange(levels.shape[1]) * (own / n_fft)
    factor = math.ceil(len(hz) / COLUMNS)
    return Spectrum(_pooled(hz[None], factor, mean=True)[0].astype(np.float32), _pooled(levels, factor))


def band_centres(config: RunConfig) -> np.ndarray:
    """(n_mels,) the middle of each mel band in Hz."""
    features = config.features
    return Bands(features.n_mels, config.f_min, config.f_max, features.mel_scale).centres.double().numpy()


def _over_time(
    waveform: np.ndarray,
    config: RunConfig,
    front: Callable[[Tensor], Tensor],
    make: Callable[[Tensor], Tensor],
    start_s: float,
    mean: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Powers block by block, what is made of them, and that in at most :data:`COLUMNS` columns: (rows, columns), (columns,) seconds."""
    waveform = np.asarray(waveform, dtype=np.float32)
    if not len(waveform):
        raise AudioError("the waveform has no samples", "Choose a longer part")
    frames = len(waveform) // config.framing.hop_length + 1
    factor = math.ceil(frames / COLUMNS)
    pieces = []
    with torch.inference_mode():
        for power in _blocks(torch.from_numpy(np.ascontiguousarray(waveform)), config, front, factor):
            pieces.append(_pooled(make(power)[0].numpy(), factor, mean))
    pooled = np.concatenate(pieces, axis=1)
    return pooled, _middles(frames, factor, config, start_s)


def _middles(frames: int, factor: int, config: RunConfig, start_s: float) -> np.ndarray:
    """(columns,) the middle of each column in seconds, where so many frames share one."""
    first = np.arange(0, frames, factor)
    middles: np.ndarray = (first + np.minimum(first + factor, frames) - 1) / 2 * config.framing.hop_length
    return start_s + middles / config.sample_rate


def _blocks(waveform: Tensor, config: RunConfig, front: Callable[[Tensor], Tensor], factor: int) -> Iterator[Tensor]:
    """(1, rows, frames of a block), together what ``front`` makes of the whole waveform."""
    n_fft, _, hop = config.framing
    frames = len(waveform) // hop + 1
    size = max(factor, CELLS // n_fft // factor * factor)  # whole columns
    margin = math.ceil(n_fft / 2 / hop)  # frames that hear beyond the block's beginning
    for first in range(0, frames, size):
        last = min(frames, first + size)
        lead = min(margin, first)
        part = waveform[(first - lead) * hop : last * hop + n_fft]
        yield front(part[None])[:, :, lead : lead + last - first]


def _pooled(values: np.ndarray, factor: int, mean: bool = False) -> np.ndarray:
    """Every ``factor`` columns as one: (rows, columns) → (rows, ceil(columns / factor))."""
    if factor == 1:
        return values
    starts = np.arange(0, values.shape[1], factor)
    if not mean:
        return np.maximum.reduceat(values, starts, axis=1)
    counts = np.minimum(starts + factor, values.shape[1]) - starts
    return np.add.reduceat(values, starts, axis=1) / counts


def _view(kind: str, values: np.ndarray, x: np.ndarray, y: np.ndarray, unit: str) -> View:
    """Values as whole numbers: decibels as such in 8 bits, all else scaled to 16 bits; rows pooled where they are too many."""
    size = 1 if unit == "dB" else 2
    factor = math.ceil(values.size * size / BYTES)
    if factor > 1:
        values, y = _pooled(values.T, factor).T, _pooled(y[None], factor, mean=True)[0]
    if unit == "dB":
        scale, whole = 1.0, np.rint(values).clip(-128, 127).astype(np.int8)
    else:
        scale = max(float(np.abs(values).max()), 1e-30) / 32767
        whole = np.rint(values / scale).astype(np.int16)
    label = "coefficient" if kind == "mfcc" else "frequency (Hz)"
    low, high = float(whole.min()) * scale, float(whole.max()) * scale
    return View(kind, np.ascontiguousarray(whole), scale, x, y, label, unit, low, high)
