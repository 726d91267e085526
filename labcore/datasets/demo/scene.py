"""Where a demo source stands: its room, its distance, what else is heard there, and the recorder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.datasets.demo.parts import (
    RATE,
    Gain,
    Random,
    Signal,
    Sound,
    band,
    convolved,
    curve,
    decay,
    decibels,
    drift,
    filtered,
    noise,
    product,
    resonances,
    tilt,
)
from labcore.datasets.demo.voices import babble

FADE_SECONDS = 0.012
PEAK = 0.89


def traffic(source: Random) -> Sound:
    """A road some way off: rumble, and tyres that swell and fade."""
    rumble = tilt(source.uniform(-9, -6), 60)
    tyres = product(
        band(300, source.uniform(1500, 3500), 1), resonances([source.uniform(700, 1100)], [500], [1.0], 0.3)
    )
    busy, share = source.uniform(0.3, 1.0), source.uniform(0.2, 1.0)

    def render(rng: Random, samples: int) -> Signal:
        swell = np.clip(drift(rng, samples, busy) + 0.6, 0.1, None)
        return (
            noise(rng, samples, rumble) * (1 + 0.2 * drift(rng, samples, 1))
            + share * noise(rng, samples, tyres) * swell
        )

    return render


def wind(source: Random) -> Sound:
    """Gusts: low noise whose strength and colour change together."""
    low, high = tilt(source.uniform(-12, -8), 70), band(150, source.uniform(600, 1800), 1)
    gusts = source.uniform(0.6, 2.0)

    def render(rng: Random, samples: int) -> Signal:
        strength = np.exp(0.6 * drift(rng, samples, gusts)).astype(np.float32)
        return noise(rng, samples, low) * strength + 0.25 * noise(rng, samples, high) * strength**2

    return render


def hiss(source: Random) -> Sound:
    """Leaves, rain or a fountain: bright noise that hardly changes."""
    colour = product(tilt(source.uniform(-3, 1), 500), band(source.uniform(200, 900), source.uniform(4000, 12000), 1))

    def render(rng: Random, samples: int) -> Signal:
        return noise(rng, samples, colour) * (1 + 0.12 * drift(rng, samples, 2))

    return render


BACKGROUNDS = (traffic, traffic, wind, babble, hiss)


def room(source: Random) -> Signal:
    """The answer of the surroundings to an impulse: some early reflections, then a tail that grows duller.

    From a street canyon (little, short) to a hall, near by or far off; the direct sound is its beginning.
    """
    seconds, wet = source.uniform(0.15, 1.1), decibels(source.uniform(-28, -10))
    samples = int(min(1.0, seconds) * RATE)
    # A tail of exponentially decaying noise (Moorer, 1979) that loses 60 dB in `seconds`.
    tail = noise(source, samples, band(120, source.uniform(1800, 7000), 1)) * decay(samples, seconds / 6.9)
    response = np.float32(wet) * tail * np.float32(0.06)
    early = (source.uniform(0.004, 0.06, 6) * RATE).astype(int)
    response[early] += (wet * source.uniform(-1, 1, 6)).astype(np.float32)
    response[0] = 1.0
    # The air swallows high frequencies, more of them the farther off the source is.
    reach_hz = float(np.exp(source.uniform(np.log(6000), np.log(16_000))))
    return filtered(response, band(0, reach_hz, 1))


@dataclass(frozen=True)
class Scene:
    """All that the clips of one source share besides the source itself.

    ``foreground_db`` is how far the source stands above the background.
    """

    background: Sound
    room: Signal
    recorder: Gain
    foreground_db: float
    level_db: float

    @property
    def salience(self) -> int:
        """As in UrbanSound8K: 1 in the foreground, 2 in the background."""
        return 1 if self.foreground_db >= 16 else 2

    def record(self, sound: Signal, rng: Random) -> Signal:
        """What is recorded of a sound, (samples,) within ±1: no clipping, no constant part, faded at both ends."""
        near = convolved(sound, self.room)
        behind = self.background(rng, len(sound))
        behind *= np.float32(
            loudness(near) / decibels(self.foreground_db + rng.uniform(-2, 2)) / (loudness(behind) + 1e-9)
        )
        clip = filtered(near + behind, self.recorder, 0.1)
        clip *= np.float32(decibels(self.level_db + rng.uniform(-2, 2)) / (loudness(clip) + 1e-9))
        clip *= np.float32(min(1.0, PEAK / (float(np.abs(clip).max()) + 1e-9)))
        ramp = np.sin(np.linspace(0, np.pi / 2, int(FADE_SECONDS * RATE), dtype=np.float32)) ** 2
        clip[: len(ramp)] *= ramp
        clip[-len(ramp) :] *= ramp[::-1]
        return clip


def make_scene(source: Random) -> Scene:
    """Draw a scene. The recorder's colour is strong enough that the mean spectrum alone does not give the class away."""
    octaves = [40, 125, 250, 500, 1000, 2000, 4000, 8000, 16000]
    slope = source.uniform(-1.0, 1.0)
    colour = slope * np.log2(np.array(octaves) / 1000) + source.normal(0, 2.0, len(octaves))
    return Scene(
        background=BACKGROUNDS[source.integers(len(BACKGROUNDS))](source),
        room=room(source),
        recorder=product(curve(octaves, colour.tolist()), band(45, 15_000, 2)),
        foreground_db=float(source.uniform(11, 32)),
        level_db=float(source.uniform(-36, -15)),
    )


def loudness(signal: Signal) -> float:
    """The RMS of the louder stretches of 50 ms (their 95th percentile): what a shot and a steady hum are compared by."""
    step = RATE // 20
    blocks = signal[: len(signal) // step * step].reshape(-1, step)
    return float(np.sqrt(np.percentile(np.mean(np.square(blocks), axis=1), 95))) if len(blocks) else 0.0
