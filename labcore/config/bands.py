"""How wide mel bands are, and how far up they have to reach so that each hears something. Needs no torch."""

from __future__ import annotations

import math
from typing import Literal

Scale = Literal["htk", "slaney"]
BREAK_HZ, BREAK_MEL, STEP = 1000.0, 15.0, math.log(6.4) / 27
"""Slaney's mel is linear up to the first, which is the second; above it each mel is so much of a natural logarithm."""


def mel_of(hertz: float, scale: Scale = "htk") -> float:
    """A frequency in mel."""
    if scale == "htk":
        return 2595.0 * math.log10(1.0 + hertz / 700.0)
    if hertz < BREAK_HZ:
        return hertz * BREAK_MEL / BREAK_HZ
    return BREAK_MEL + math.log(hertz / BREAK_HZ) / STEP


def hertz_of(mel: float, scale: Scale = "htk") -> float:
    """A mel in Hz."""
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    if mel < BREAK_MEL:
        return mel * BREAK_HZ / BREAK_MEL
    return BREAK_HZ * math.exp(STEP * (mel - BREAK_MEL))


def lowest_top(bins: float, bands: int, f_min: float, scale: Scale, highest: float) -> float:
    """The lowest upper edge in Hz, in steps of 10 Hz, with which even the narrowest band is as wide as a bin; at most ``highest``.

    Args:
        bins: Hz from one bin of the Fourier transform to the next.
        bands: how many.
        f_min: their lower edge in Hz; the bands there are the narrowest.
    """
    low = mel_of(f_min, scale)
    second = mel_of(f_min + bins, scale)  # where the first band has to end at least: two of the steps between the bands
    return min(highest, 10.0 * math.ceil(hertz_of(low + (bands + 1) * (second - low) / 2, scale) / 10 - 1e-9))
