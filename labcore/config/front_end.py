"""The automatic front end: sample rate and edges of the mel bands, from what the training clips hold.

A rate that is lower than the usual one is taken where nothing would be lost, a higher one where much would be. Everything else of the
front end follows from these (:mod:`labcore.config.framing`), so that a clip costs about as much at any rate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labcore.config import RunConfig
from labcore.config.bands import lowest_top
from labcore.config.framing import RATES, ULTRASOUND_RATE, USABLE, framing, lowest_hz, rate_for, usable_hz
from labcore.config.presets import PRESETS, preset

SOME = 0.1
"""What this share of the clips holds is kept; what fewer hold counts as an exception."""
LOWER = RATES[:3]
LOWEST_RATE, HIGHEST_RATE = 4_000, 500_000
HUM_HZ, LOWEST_HUM_HZ = 1_000.0, 10.0
"""Of clips whose sound lies below the former the bands begin at the latter: what turns 25 times a second hums at 25 Hz."""
LEAST_TOP_HZ = 200.0
"""Bands that end lower are none."""
NEARLY = 0.9
"""Half a rate may lie so far below the highest frequency of the clips: files that were resampled end in a slope."""


@dataclass(frozen=True)
class Bandwidths:
    """What some clips hold. The lists are of the same clips; those of frequencies are in Hz.

    Attributes:
        rates: sample rates of the files.
        tops: the highest frequency at which there is anything at all.
        lows, quarters, highs: below which 5 %, 25 % and 95 % of the energy lies of what stands out of the noise; 0 where nothing does.
        of: how many clips these were drawn from.
    """

    rates: tuple[int, ...] = ()
    tops: tuple[float, ...] = ()
    lows: tuple[float, ...] = ()
    quarters: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    of: int = 0

    def __post_init__(self) -> None:
        if len({len(each) for each in (self.rates, self.tops, self.lows, self.quarters, self.highs)}) > 1:
            raise ValueError("the lists are not of the same clips")


@dataclass(frozen=True)
class FrontEnd:
    """Settings that were automatic (path → value), and why they are what they are: a sentence without the final stop."""

    changes: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def front_end(config: RunConfig, bandwidths: Bandwidths) -> FrontEnd:
    """Sample rate and edges of the bands for clips, where the rate is left to the lab. What is given stays.

    Args:
        bandwidths: of the training clips. Where that is nothing, the usual rate is taken.
    """
    if config.audio.sample_rate is not None:
        return FrontEnd()
    if not bandwidths.rates:
        return _fitted(config, config.audio.usual_rate, {}, f"{_usual(config)}, since no clip could be measured")
    lost = [clip for clip, each in enumerate(bandwidths.quarters) if each > usable_hz(config.audio.usual_rate)]
    highest = min(HIGHEST_RATE, _reached(bandwidths.rates))
    if len(lost) >= SOME * len(bandwidths.quarters) and highest > config.audio.usual_rate:
        return _wide(config, bandwidths, lost, highest)
    return _narrow(config, bandwidths, highest)


def _narrow(config: RunConfig, bandwidths: Bandwidths, highest: int) -> FrontEnd:
    """The lowest rate that keeps all there is, at most the usual one."""
    usual, top = config.audio.usual_rate, _reached(bandwidths.tops)
    own = Counter(bandwidths.rates).most_common(1)[0][0]
    edges = {"features.f_min": LOWEST_HUM_HZ} if _low(bandwidths) else {}
    rates = sorted({*(rate for rate in (*LOWER, own) if LOWEST_RATE <= rate < usual), usual})
    rate = next((rate for rate in rates if rate / 2 >= NEARLY * top), usual)
    if rate < own < usual and top >= NEARLY * own / 2:  # nothing to be won by resampling
        rate = own
    rate = min(rate, max(LOWEST_RATE, highest))
    low = f"; what stands out of the noise lies below {_khz(_reached(bandwidths.highs))}" if edges else ""
    if rate == own:
        edges["features.f_max"] = min(14_000.0, rate / 2)
        return _fitted(config, rate, edges, "the rate of most clips" + low)
    if rate == usual:
        above = f", which hold sound above {_khz(rate / 2)}" if top > rate / 2 else ""
        return _fitted(config, rate, edges, f"{_usual(config)}, for clips recorded at {_rate(own)}{above}{low}")
    edges["features.f_max"] = _top(config, rate, top, edges)
    return _fitted(config, rate, edges, f"clips recorded at {_rate(own)} hold nothing above {_khz(top)}{low}")


def _usual(config: RunConfig) -> str:
    """What the usual rate of a configuration is: the default, that of a preset, or one that somebody gave."""
    rate = config.audio.usual_rate
    if rate == RunConfig().audio.usual_rate:
        return "the default rate"
    of_presets = {preset(name).audio.usual_rate for name in PRESETS}
    return "the rate of this preset" if rate in of_presets else "the rate that was set"


def _top(config: RunConfig, rate: int, top: float, edges: dict[str, float]) -> float:
    """The upper edge of the bands for clips that hold nothing above ``top`` Hz: so low only that each band still hears something."""
    features = config.features
    f_min = features.f_min if features.f_min is not None else edges.get("features.f_min", lowest_hz(rate, top))
    size = framing(rate, config.audio.clip_seconds, features.n_fft, features.win_length, features.hop_length).n_fft
    least = lowest_top(rate / size, features.n_mels, f_min, features.mel_scale, rate / 2)
    return min(rate / 2, max(float(round(top)), least, LEAST_TOP_HZ))


def _free(config: RunConfig, edges: dict[str, float]) -> dict[str, float]:
    """The edges that were not given, and that fit those that were."""
    given = config.features.f_min, config.features.f_max
    if given[1] is not None and given[1] <= edges.get("features.f_min", 0.0):
        return {}
    free = {path: value for path, value in edges.items() if config.value(path) is None}
    if given[0] is not None and free.get("features.f_max", math.inf) <= given[0]:
        del free["features.f_max"]
    return free


def _low(bandwidths: Bandwidths) -> bool:
    """Whether what stands out is the hum of machines and the like: in most clips something does, and it lies low."""
    highs = [high for high in bandwidths.highs if high > 0]
    return len(highs) > len(bandwidths.highs) / 2 and _reached(highs) <= HUM_HZ


def _wide(config: RunConfig, bandwidths: Bandwidths, lost: Sequence[int], highest: int) -> FrontEnd:
    """The lowest rate that keeps what lies above the usual one's reach."""
    wanted = _reached([bandwidths.highs[clip] for clip in lost])
    rates = sorted(
        {*(rate for rate in (*RATES, *bandwidths.rates) if config.audio.usual_rate < rate <= highest), highest}
    )
    rate = next((rate for rate in rates if USABLE * rate >= wanted), highest)
    edges = {"features.f_max": USABLE * rate}
    if rate > ULTRASOUND_RATE:
        low = sorted(bandwidths.lows[clip] for clip in lost)[int(SOME * len(lost))]
        edges["features.f_min"] = max(lowest_hz(rate, USABLE * rate), min(50_000.0, 100.0 * round(low / 2 / 100)))
    share = f"{100 * len(lost) / len(bandwidths.quarters):.0f} % of the clips"
    beyond = _khz(usable_hz(config.audio.usual_rate))
    return _fitted(config, rate, edges, f"in {share} most of the sound lies above {beyond}, up to {_khz(wanted)}")


def _fitted(config: RunConfig, rate: int, edges: dict[str, float], why: str) -> FrontEnd:
    """The choice with what was given kept: the rate is raised where given edges of the bands need that."""
    features = config.features
    given = {name: value for name in ("f_min", "f_max") if (value := getattr(features, name)) is not None}
    needed = rate_for(rate, features.f_min, features.f_max)
    if needed != rate:
        rate, edges = needed, {}
        why = "the bands were given from or up to " + _khz(max(given.values()))
    fitted = config.replace({"audio.sample_rate": rate, **_free(config, edges)})
    changes = {"audio.sample_rate": rate, "features.f_min": fitted.f_min, "features.f_max": fitted.f_max}
    low, high = _khz(fitted.f_min), _khz(fitted.f_max)
    return FrontEnd(changes, f"sample rate {_rate(rate)}, mel bands from {low} to {high}: {why}")


def _reached(values: Sequence[Any]) -> Any:
    """The highest of some values, the exceptions aside."""
    return sorted(values)[max(0, math.ceil((1 - SOME) * len(values)) - 1)]


def _rate(rate: float) -> str:
    return f"{rate / 1000:g} kHz"


def _khz(frequency: float) -> str:
    return f"{frequency:.0f} Hz" if frequency < 1000 else f"{frequency / 1000:.3g} kHz"
