"""What follows from the settings of the front end, in numbers and in sentences; also of settings that cannot work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from labcore.config import RunConfig, knobs
from labcore.features import LogMel

NOISE_BANDWIDTH = {"hann": 1.5, "hamming": 1.3628, "blackman": 1.7268, "rectangular": 1.0}
"""Bandwidth of a window in 1 / its length. Source: Harris, "On the use of windows for harmonic analysis", 1978, table 1."""


@dataclass(frozen=True)
class Consequences:
    """What the settings lead to. A number that has no meaning, since a setting has none, is not a number (nan) or 0.

    Attributes:
        frames_per_second: columns of the spectrogram in a second.
        hop_ms: from one of them to the next.
        bin_hz: from one bin of the Fourier transform to the next.
        resolution_hz: how near two tones may lie and still be told apart: the bandwidth of the window.
        resolution_ms: how long a frame listens: the window's length.
        clip_seconds: what the network hears at a time.
        rows, columns: the size of the network's input for it: mel bands and frames.
        empty_bands: mel bands that hear nothing; None where it cannot be worked out.
        problems: why these settings cannot work, a sentence each. Empty where they can.
        warnings: why they work less well than they could, a sentence each.
    """

    frames_per_second: float
    hop_ms: float
    bin_hz: float
    resolution_hz: float
    resolution_ms: float
    clip_seconds: float
    rows: int
    columns: int
    empty_bands: int | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """Whether pictures can be drawn and a network trained."""
        return not self.problems


def unchecked(changes: dict[str, Any]) -> RunConfig:
    """The defaults with some knobs turned, whether or not it can work: for :func:`consequences` and nothing else.

    Args:
        changes: path → value, e.g. ``{"features.hop_length": 4096}``.

    Raises:
        KeyError: there is no such knob.
    """
    base = RunConfig()
    tree = base.model_dump()
    for path, value in changes.items():
        part, _, name = path.partition(".")
        tree[part][name]  # a misspelt path is a bug
        tree[part][name] = value
    parts = {name: type(getattr(base, name)).model_construct(**values) for name, values in tree.items()}
    return RunConfig.model_construct(**parts)


def consequences(config: RunConfig, clip_seconds: float = 5.0) -> Consequences:
    """What the settings of audio and features lead to. Raises nothing, whatever they are.

    Args:
        config: also one that :func:`unchecked` made.
        clip_seconds: the clip length where the configuration leaves it to the data.
    """
    features = config.features
    problems = _out_of_bounds(config)
    rate = _number(config.audio.sample_rate)
    frame = (features.n_fft, features.win_length, features.hop_length) if problems else config.framing
    n_fft, size, hop = (_number(value) for value in frame)
    n_mels, f_min = _number(features.n_mels), _number(features.f_min)
    f_max = _number(features.f_max) if features.f_max is not None else min(14000.0, 0.45 * rate)
    seconds = _number(config.audio.clip_seconds if config.audio.clip_seconds is not None else clip_seconds)

    empty = None if problems or f_min >= f_max else LogMel(config).empty_bands
    if size > n_fft:
        problems.append(
            f"The window of {size:g} samples is longer than the FFT of {n_fft:g}: shorten the window, or take a larger FFT."
        )
    if hop > size:
        problems.append(
            f"The hop of {hop:g} samples is longer than the window of {size:g}: the samples between two frames would be lost. "
            "Shorten the hop."
        )
    if f_max > rate / 2:
        problems.append(
            f"The highest frequency, {f_max:g} Hz, is above half the sample rate, {rate / 2:g} Hz: nothing is recorded there. "
            "Lower it, or raise the sample rate."
        )
    if f_min >= f_max:
        problems.append(
            f"The lowest frequency, {f_min:g} Hz, is not below the highest, {f_max:g} Hz: no band is left. Lower it."
        )
    samples = max(1, round(seconds * rate)) if 0 < seconds * rate < math.inf else 0
    return Consequences(
        frames_per_second=_ratio(rate, hop),
        hop_ms=1000 * _ratio(hop, rate),
        bin_hz=_ratio(rate, n_fft),
        resolution_hz=NOISE_BANDWIDTH.get(features.window, math.nan) * _ratio(rate, size),
        resolution_ms=1000 * _ratio(size, rate),
        clip_seconds=seconds,
        rows=max(0, int(n_mels)) if math.isfinite(n_mels) else 0,
        columns=int(samples // hop) + 1 if samples and hop >= 1 else 0,
        empty_bands=empty,
        problems=tuple(problems),
        warnings=tuple(_warnings(empty, n_mels, n_fft, size, hop, samples)),
    )


def _warnings(empty: int | None, n_mels: float, n_fft: float, size: float, hop: float, samples: int) -> list[str]:
    told = []
    if empty:
        bands = "1 mel band lies" if empty == 1 else f"{empty} of {n_mels:g} mel bands lie"
        told.append(
            f"{bands} between the bins of the Fourier transform and will always be silent: take fewer bands or a larger FFT."
        )
    if size / 2 < hop <= size:
        told.append(
            "Frames overlap by less than half: what falls between two of them is hardly heard. Shorten the hop to half the window."
        )
    if 0 < samples < size <= n_fft:
        told.append("The clip is shorter than a window: most of each frame is silence. Shorten the window.")
    return told


def _out_of_bounds(config: RunConfig) -> list[str]:
    """A sentence for each knob of audio and features that is outside its bounds or no number."""
    told = []
    for path, knob in knobs().items():
        part, name = path.split(".")
        if part not in ("audio", "features"):
            continue
        value = getattr(getattr(config, part), name)
        if knob.kind == "choice":
            if value not in knob.choices:
                told.append(f"{knob.title} {value!r} is not known: choose {', '.join(knob.choices)}.")
        elif value is not None or not knob.optional:
            number, unit = _number(value), f" {knob.unit}" if knob.unit else ""
            low, high = knob.ge, knob.le
            if not math.isfinite(number):
                told.append(f"{knob.title} {value!r} is no number.")
            elif (low is not None and number < low) or (high is not None and number > high):
                told.append(f"{knob.title} {number:g}{unit} is out of bounds: from {low:g} to {high:g}{unit}.")
    return told


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
