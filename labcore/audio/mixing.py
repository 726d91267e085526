"""Several channels to one: their mean, but where that would lose the sound.

Two channels of opposite phase (a microphone wired the wrong way round, a cable from balanced to stereo) add up to silence, and a
dead channel takes 6 dB from the other one. What is left is heard then, and it is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEAD = 1e-6
"""A channel 60 dB below the loudest is dead."""

CANCELLED = 1e-2
"""A mean 20 dB below each of its channels is not the sound that they hold."""


@dataclass(frozen=True)
class Mixdown:
    """``channels`` are those whose mean is heard, counted from 0; ``note`` is what is told, in words that follow the file's name."""

    channels: tuple[int, ...]
    note: str = ""


class ChannelPowers:
    """Powers of channels and of their mean, gathered block by block; what does not change in a channel does not count.

    Attributes:
        sums, squares: of the samples of each channel, and of the mean as the last: float64 (channels + 1,).
        frames: that were gathered.
    """

    def __init__(self, channels: int) -> None:
        self.sums = np.zeros(channels + 1)
        self.squares = np.zeros(channels + 1)
        self.frames = 0

    def add(self, block: np.ndarray, mean: np.ndarray) -> None:
        """``block`` is (frames, channels), ``mean`` their mean (frames,)."""
        self.frames += len(block)
        with np.errstate(all="ignore"):  # samples that are no numbers are told where they are checked
            for number, channel in enumerate((*block.T, mean)):
                exact = channel.astype(np.float64)  # several times as fast as sums along the short rows of a block
                self.sums[number] += exact.sum()
                self.squares[number] += np.einsum("i,i->", exact, exact)  # BLAS would start threads for it

    def then(self, after: ChannelPowers) -> None:
        """Add what was gathered in the stretch that follows."""
        self.sums += after.sums
        self.squares += after.squares
        self.frames += after.frames

    def mixdown(self) -> Mixdown:
        """Which channels are to be heard."""
        powers = self._powers()
        return _chosen(powers[:-1], float(powers[-1]))

    @property
    def lost_db(self) -> float:
        """How far the mean of the channels lies below the quietest one that is not dead, in dB; 0 where it does not, and for one channel.

        Channels that have nothing in common lose 3 dB of two, those of opposite phase all there is: then it is 100 dB at most.
        """
        powers = self._powers()
        live = powers[:-1][powers[:-1] > DEAD * powers[:-1].max(initial=0.0)]
        if len(live) < 2:
            return 0.0
        of_mean = powers[-1] * ((len(powers) - 1) / len(live)) ** 2
        return float(np.clip(10 * np.log10(live.min() / max(of_mean, 1e-10 * live.min())), 0.0, 100.0))

    def _powers(self) -> np.ndarray:
        frames = max(1, self.frames)
        with np.errstate(all="ignore"):
            powers: np.ndarray = np.maximum(0.0, self.squares / frames - (self.sums / frames) ** 2)
        return powers


def _chosen(of_channel: np.ndarray, of_mean: float) -> Mixdown:
    count, loudest = len(of_channel), float(of_channel.max(initial=0.0))
    beyond = np.flatnonzero(~np.isfinite(of_channel))
    if count > 1 and len(beyond):  # whoever hears it refuses it, where the mean of two such might be a number
        return Mixdown((int(beyond[0]),))
    if count < 2 or not loudest > 0:
        return Mixdown(tuple(range(count)))
    live = np.flatnonzero(of_channel > DEAD * loudest)
    of_mean *= (count / len(live)) ** 2  # the dead ones add nothing to it
    if len(live) > 1 and of_mean < CANCELLED * of_channel[live].min():
        chosen = int(np.flatnonzero(of_channel > loudest / 2)[0])  # the first of those that are about as loud
        return Mixdown(
            (chosen,), f"its channels cancel each other (opposite phase): channel {chosen + 1} alone is used"
        )
    if len(live) == count:
        return Mixdown(tuple(range(count)))
    dead = [str(channel + 1) for channel in range(count) if channel not in live]
    silent = f"channel {dead[0]} is silent" if len(dead) == 1 else f"channels {', '.join(dead)} are silent"
    rest = f"channel {live[0] + 1} alone" if len(live) == 1 else "the mean of the others"
    return Mixdown(tuple(map(int, live)), f"{silent}: {rest} is used")


def mean_of(block: np.ndarray, channels: tuple[int, ...] | None = None) -> np.ndarray:
    """(frames, channels) → (frames,), the mean of all channels, or of those that are named."""
    first, *others = taken = range(block.shape[1]) if channels is None else channels
    if not others:
        return block[:, first]
    mixed = block[:, first].copy()
    with np.errstate(all="ignore"):  # as above
        for channel in others:  # a sum over columns is several times faster than a mean along short rows
            mixed += block[:, channel]
        mixed *= np.float32(1 / len(taken))
    return mixed


def mix(block: np.ndarray) -> tuple[np.ndarray, str]:
    """What is heard of a whole sound: float32 (frames, channels) → (frames,), and what is told of it."""
    mixed = mean_of(block)
    if block.shape[1] == 1:
        return mixed, ""
    powers = ChannelPowers(block.shape[1])
    powers.add(block, mixed)
    chosen = powers.mixdown()
    return (mixed if len(chosen.channels) == block.shape[1] else mean_of(block, chosen.channels)), chosen.note
