"""What follows from the settings of the front end, in numbers and in sentences; and why settings that cannot work cannot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from labcore.config import RunConfig, all_settings
from labcore.features import LogMel

BANDWIDTH = {"hann": 2.0, "hamming": 1.81, "blackman": 2.35, "rectangular": 1.21}
"""Bandwidth of a window at -6 dB, in 1 / its length: of two tones that lie nearer only one peak is seen. Source: Harris, "On the use of
windows for harmonic analysis", 1978, table 1."""


@dataclass(frozen=True)
class Consequences:
    """What the settings lead to. Settings that cannot work lead to problems alone: their numbers are 0.

    Attributes:
        problems: why these settings cannot work, a sentence each. Empty where they can.
        warnings: why they work less well than they could, a sentence each.
        frames_per_second: columns of the spectrogram in a second.
        hop_ms: from one of them to the next.
        bin_hz: from one bin of the Fourier transform to the next.
        resolution_hz: how near two tones may lie and still be told apart: the bandwidth of the window at -6 dB.
        resolution_ms: how long a frame listens: the window's length.
        rows: of the network's input, mel bands.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    frames_per_second: float = 0.0
    hop_ms: float = 0.0
    bin_hz: float = 0.0
    resolution_hz: float = 0.0
    resolution_ms: float = 0.0
    rows: int = 0

    @property
    def possible(self) -> bool:
        """Whether pictures can be drawn and a network trained."""
        return not self.problems


def unchecked(changes: dict[str, Any]) -> RunConfig:
    """The defaults with some settings changed, whether or not it can work: for :func:`consequences` and nothing else.

    Args:
        changes: path → value, e.g. ``{"features.hop_length": 4096}``.

    Raises:
        KeyError: there is no such setting.
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
    problems = _out_of_bounds(config) or _impossible(config)
    if problems:
        return Consequences(problems=tuple(problems))
    rate, (n_fft, size, hop) = config.sample_rate, config.framing
    return Consequences(
        warnings=tuple(_warnings(config, config.audio.clip_seconds or clip_seconds)),
        frames_per_second=rate / hop,
        hop_ms=1000 * hop / rate,
        bin_hz=rate / n_fft,
        resolution_hz=BANDWIDTH[config.features.window] * rate / size,
        resolution_ms=1000 * size / rate,
        rows=config.features.n_mels,
    )


def _impossible(config: RunConfig) -> list[str]:
    """A sentence for each pair of settings that are within their bounds and do not go together."""
    n_fft, size, hop = config.framing
    f_min, f_max, half = config.f_min, config.f_max, config.sample_rate / 2
    told = []
    if size > n_fft:
        told.append(
            f"The window of {size:g} samples is longer than the FFT of {n_fft:g}: shorten the window, or use a larger FFT."
        )
    if hop > size:
        told.append(
            f"The hop of {hop:g} samples is longer than the window of {size:g}: the samples between two frames would be lost. "
            "Shorten the hop."
        )
    if f_max > half:
        told.append(
            f"The highest frequency, {f_max:g} Hz, is above half the sample rate, {half:g} Hz: nothing is recorded there. "
            "Lower it, or raise the sample rate."
        )
    if f_min >= f_max:
        told.append(
            f"The lowest frequency, {f_min:g} Hz, is not below the highest, {f_max:g} Hz: no band is left. Lower it."
        )
    return told


def _warnings(config: RunConfig, clip_seconds: float) -> list[str]:
    _, size, hop = config.framing
    told, empty = [], LogMel(config).empty_bands
    if empty:
        bands = "1 mel band lies" if empty == 1 else f"{empty} of {config.features.n_mels:g} mel bands lie"
        told.append(
            f"{bands} between the bins of the Fourier transform and will always be silent: use fewer bands or a larger FFT."
        )
    if hop > size / 2:
        told.append(
            "Frames overlap by less than half, so sounds between two frames are attenuated. Shorten the hop to half the window."
        )
    if clip_seconds * config.sample_rate < size:
        told.append("The clip is shorter than the window: most of each frame is silence. Shorten the window.")
    return told


def _out_of_bounds(config: RunConfig) -> list[str]:
    """A sentence for each setting of audio and features that is outside its bounds or no number."""
    told = []
    for path, setting in all_settings().items():
        part, name = path.split(".")
        if part not in ("audio", "features"):
            continue
        value = getattr(getattr(config, part), name)
        if setting.kind == "choice":
            if value not in setting.choices:
                told.append(f"{setting.title} {value!r} is not known: choose {', '.join(setting.choices)}.")
        elif value is not None or not setting.optional:
            number, unit = _number(value), f" {setting.unit}" if setting.unit else ""
            low, high = setting.ge, setting.le
            if not math.isfinite(number):
                told.append(f"{setting.title} {value!r} is not a number.")
            elif (low is not None and number < low) or (high is not None and number > high):
                told.append(f"{setting.title} {number:g}{unit} is out of bounds: from {low:g} to {high:g}{unit}.")
    return told


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
