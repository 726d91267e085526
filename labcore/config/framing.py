"""How the Fourier transform of the front end follows the sample rate and the clip length, where it is left to the lab."""

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
) -> Framing:
    """FFT size, window and hop; what is None is worked out.

    At 22.05 kHz 1024, 1024 and 512 samples; at other rates the round numbers nearest to the same times. Where a clip would have fewer
    than :data:`FRAMES_A_CLIP` frames, the hop is shortened until it has, and the window with it, down to the shortest above; the FFT
    keeps its size, so that no mel band falls between two bins. What is given is kept, and the others make room for it.

    Args:
        rate: in Hz, above 0.
        clip_seconds: what the network hears at a time, where it is known.
        n_fft, win_length, hop_length: in samples, where they are given.
    """
    whole = nearest_round(REFERENCE_SECONDS * rate)
    hop = whole // 2
    if clip_seconds is not None:
        wanted = max(clip_seconds * rate / FRAMES_A_CLIP, nearest_round(SHORTEST_HOP_SECONDS * rate))
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


def nearest_round(samples: float) -> int:
    """The nearest of 4, 5, 6 or 8 times a power of two, by ratio: lengths that are quick to transform."""
    below, above = _round_below(samples), _round_above(samples)
    return below if samples * samples <= below * above else above


def _round_below(samples: float) -> int:
    return _ROUND[bisect_right(_ROUND, max(samples, _ROUND[0])) - 1]


def _round_above(samples: float) -> int:
    return _ROUND[bisect_left(_ROUND, min(samples, _ROUND[-1]))]


_ROUND = sorted(factor * 2**power for factor in (4, 5, 6) for power in range(2, 18))
