"""How the Fourier transform of the front end follows the sample rate, the highest frequency and the clip length, where it is left to
the lab."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

REFERENCE_SECONDS = 1024 / 22050
"""A frame: long enough for bins of about 21.5 Hz at any rate, in which 64 mel bands each hear something."""
SHORTEST_FRAME_SECONDS = 0.025
"""A frame of a short clip: what is usual for speech."""
SHORTEST_HOP_SECONDS = 0.006
"""Below it neighbouring frames say the same."""
FRAMES_A_CLIP = 100
"""A network that halves the time axis three or four times needs about so many frames to tell a course in time."""

AUDIBLE_HZ = 14_400.0
"""Up to here the times above hold. Higher calls are the shorter: a bat that is played ten times slower sounds like a bird."""
ULTRASOUND_RATE = 96_000
"""In Hz; who asks for a higher rate wants to hear what people do not."""
RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 250_000, 256_000, 384_000, 500_000)
"""Usual ones, in Hz."""
USABLE = 0.45
"""Share of a sample rate up to which resampling leaves the sound as it is."""

WHOLE_SHIFT_SECONDS = 4.0
"""Clips of this length or longer are shifted in time as far as it is set."""


class Framing(NamedTuple):
    """In samples."""

    n_fft: int
    win_length: int
    hop_length: int


def framing(
    rate: float,
    clip_seconds: float | None = None,
    n_fft: int | None = None,
    win_length: int | None = None,
    hop_length: int | None = None,
    *,
    f_max: float = 0.0,
) -> Framing:
    """FFT size, window and hop; what is None is worked out.

    At 22.05 kHz 1024, 1024 and 512 samples; at other rates the round numbers nearest to the same times. Where a clip would have fewer
    than :data:`FRAMES_A_CLIP` frames, the hop is shortened until it has, and the window with it, down to the shortest above; the FFT
    keeps its size, so that no mel band falls between two bins. For bands above :data:`AUDIBLE_HZ` all times are shorter by as much as
    they reach above it. What is given is kept, and the others make room for it.

    Args:
        rate: in Hz, above 0.
        clip_seconds: what the network hears at a time, where it is known.
        n_fft, win_length, hop_length: in samples, where they are given.
        f_max: the highest frequency of the bands in Hz.
    """
    given, rate = rate, rate * tempo(f_max)
    whole = nearest_round(REFERENCE_SECONDS * rate)
    hop = whole // 2
    if clip_seconds is not None:
        wanted = max(clip_seconds * given / FRAMES_A_CLIP, nearest_round(SHORTEST_HOP_SECONDS * rate))
        hop = min(hop, _round_below(wanted))
    window = min(whole, max(2 * hop, nearest_round(SHORTEST_FRAME_SECONDS * rate)))
    if win_length is None:
        win_length = max(window, _round_above(hop_length or 0))
        win_length = win_length if n_fft is None else min(win_length, n_fft)
    if n_fft is None:
        n_fft = max(whole, _round_above(win_length))
    if hop_length is None:
        hop_length = max(1, min(hop, win_length // 2))
    return Framing(n_fft, win_length, hop_length)


def tempo(f_max: float) -> float:
    """By what times of the front end are multiplied for bands up to a frequency in Hz: 1, less for ultrasound."""
    return min(1.0, AUDIBLE_HZ / max(f_max, 1.0))


def shift_share(clip_seconds: float, f_max: float) -> float:
    """What share of the time shift that is set clips of a length get: all from four seconds on, less of short ones, by the square of
    their length, and none to speak of where one holds a word.

    What is shifted goes round the end of the clip. Of rain that is rain; a word is cut in two, and its halves change places.

    Args:
        clip_seconds: of the network's input.
        f_max: upper edge of the bands in Hz; sounds of ultrasound are shorter.
    """
    return min(1.0, (clip_seconds / (tempo(f_max) * WHOLE_SHIFT_SECONDS)) ** 2)


def usable_hz(rate: float) -> float:
    """The highest frequency of the bands in Hz at a sample rate, where nobody gives one and no clips are known."""
    return USABLE * rate if rate > ULTRASOUND_RATE else min(14_000.0, USABLE * rate)


def rate_for(rate: int, f_min: float | None, f_max: float | None) -> int:
    """A sample rate in Hz, or the lowest one above it at which bands with given edges are possible."""

    def possible(rate: int) -> bool:
        return (f_max or 0.0) <= rate / 2 and (f_min or 0.0) < (f_max or usable_hz(rate))

    return next((each for each in (rate, *(high for high in RATES if high > rate)) if possible(each)), rate)


def lowest_hz(rate: float, f_max: float) -> float:
    """The lowest frequency of the bands in Hz, where nobody gives one and no clips are known. Short frames tell no lower ones apart."""
    return f_max / 20 if rate > ULTRASOUND_RATE else 50.0


def nearest_round(samples: float) -> int:
    """The nearest of 4, 5, 6 or 8 times a power of two, by ratio: lengths that are quick to transform."""
    below, above = _round_below(samples), _round_above(samples)
    return below if samples * samples <= below * above else above


def _round_below(samples: float) -> int:
    return _ROUND[bisect_right(_ROUND, max(samples, _ROUND[0])) - 1]


def _round_above(samples: float) -> int:
    return _ROUND[bisect_left(_ROUND, min(samples, _ROUND[-1]))]


_ROUND = sorted(factor * 2**power for factor in (4, 5, 6) for power in range(2, 18))
