"""Sounds with a throat: children playing, a barking dog, and the babble of people in the background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labcore.datasets.demo.parts import (
    RATE,
    Gain,
    Random,
    Signal,
    Sound,
    add,
    band,
    cycles,
    drift,
    envelope,
    filtered,
    noise,
    overtones,
    periodic,
    product,
    resonances,
    tilt,
)

# First three formants of American English vowels of men, in Hz (Peterson and Barney, 1952).
VOWELS = np.array(
    [[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480], [570, 840, 2410], [660, 1720, 2410]]
)


def formants(vowel: Sequence[float] | np.ndarray, scale: float, width: float = 1.0) -> Gain:
    """The filter of a throat: three formants, ``scale`` times as high as a man's, and a weak fourth."""
    centres = [*(float(f) * scale for f in vowel), 3600.0 * scale]
    return resonances(centres, [70 * width, 90 * width, 130 * width, 250 * width], [1.0, 0.7, 0.4, 0.2], floor=0.02)


def voiced(rng: Random, pitch_hz: Signal, first: Gain, last: Gain, breath: float, softness_db: float = -5.0) -> Signal:
    """A voice on a pitch curve whose formants move from ``first`` to ``last``, with ``breath`` from 0 to 1 of noise in it."""
    samples = len(pitch_hz)
    shaky = pitch_hz * (1 + 0.008 * drift(rng, samples, 60))
    phase = cycles(shaky, rng.uniform())
    cords = periodic(phase, overtones(float(pitch_hz.max()), softness_db))
    air = noise(rng, samples, tilt(-1.5, 300)) * (0.6 + 0.4 * np.cos(2 * np.pi * phase)).astype(np.float32)
    source = (1 - breath) * cords + breath * air
    move = np.linspace(0, 1, samples, dtype=np.float32)
    return (1 - move) * filtered(source, first) + move * filtered(source, last)


def arch(samples: int, attack: float = 0.25, release: float = 0.4) -> Signal:
    """A soft envelope over a syllable; attack and release as shares of it."""
    length = samples / RATE
    return envelope(samples, [0, attack * length, (1 - release) * length, length], [0, 1, 0.8, 0])


def children_playing(source: Random) -> Sound:
    """Three to seven children at once: talk in gliding pitches, shouts, laughter, squeals, near and far."""
    children = [
        {
            "pitch": source.uniform(250, 460),
            "scale": source.uniform(1.2, 1.5),
            "breath": source.uniform(0.08, 0.35),
            "level": source.uniform(0.35, 1.0),
            "softness": source.uniform(-8, -3),
        }
        for _ in range(source.integers(3, 8))
    ]
    busy = source.uniform(1.6, 3.0)
    habits = source.dirichlet([3, 2, 1.5, 1])

    def render(rng: Random, samples: int) -> Signal:
        out = np.zeros(samples, np.float32)
        seconds = samples / RATE
        for start in rng.uniform(-0.5, seconds - 0.2, int(busy * (seconds + 0.5)) + 1):
            child = children[rng.integers(len(children))]
            kind = rng.choice(4, p=habits)
            utterance = (_talk, _shout, _laugh, _squeal)[kind]
            add(out, float(start), utterance(rng, child), child["level"] * float(rng.uniform(0.6, 1.0)))
        return out

    return render


def _throat(rng: Random, child: dict[str, float]) -> Gain:
    return formants(VOWELS[rng.integers(len(VOWELS))], child["scale"])


def _talk(rng: Random, child: dict[str, float]) -> Signal:
    syllables = []
    pitch = child["pitch"] * rng.uniform(0.9, 1.3)
    for _ in range(rng.integers(2, 6)):
        samples = int(rng.uniform(0.11, 0.26) * RATE)
        glide = pitch * np.linspace(1, rng.uniform(0.8, 1.3), samples, dtype=np.float32)
        voice = voiced(rng, glide, _throat(rng, child), _throat(rng, child), child["breath"], child["softness"])
        syllables += [voice * arch(samples), np.zeros(int(rng.uniform(0.0, 0.06) * RATE), np.float32)]
        pitch *= rng.uniform(0.85, 1.15)
    return np.concatenate(syllables)


def _shout(rng: Random, child: dict[str, float]) -> Signal:
    samples = int(rng.uniform(0.35, 0.9) * RATE)
    top = child["pitch"] * rng.uniform(1.5, 2.2)
    length = samples / RATE
    pitch = envelope(samples, [0, 0.3 * length, 0.7 * length, length], [0.6 * top, top, 0.95 * top, 0.65 * top])
    voice = voiced(rng, pitch, _throat(rng, child), _throat(rng, child), 0.6 * child["breath"], child["softness"] + 2)
    return 1.2 * voice * arch(samples, 0.15, 0.35)


def _laugh(rng: Random, child: dict[str, float]) -> Signal:
    rate = rng.uniform(4.2, 6.2)
    count = int(rng.integers(4, 10))
    out = np.zeros(int((count + 1) / rate * RATE), np.float32)
    top, throat = child["pitch"] * rng.uniform(1.2, 1.8), formants(VOWELS[0], child["scale"])
    for number in range(count):
        samples = int(rng.uniform(0.55, 0.7) / rate * RATE)
        pitch = top * (1 - 0.04 * number) * np.linspace(1.15, 0.85, samples, dtype=np.float32)
        ha = voiced(rng, pitch, throat, throat, min(0.6, child["breath"] + 0.25), child["softness"])
        add(out, number / rate, ha * arch(samples, 0.3, 0.5), 1 - 0.06 * number)
    return out


def _squeal(rng: Random, child: dict[str, float]) -> Signal:
    samples = int(rng.uniform(0.25, 0.7) * RATE)
    top = rng.uniform(850, 1500)
    length = samples / RATE
    trill = 1 + 0.03 * np.sin(2 * np.pi * rng.uniform(6, 11) * np.arange(samples, dtype=np.float32) / RATE)
    pitch = envelope(samples, [0, 0.4 * length, length], [0.7 * top, top, 0.8 * top]) * trill.astype(np.float32)
    return 0.5 * voiced(rng, pitch, _throat(rng, child), _throat(rng, child), 0.1, -9) * arch(samples, 0.2, 0.4)


def dog_bark(source: Random) -> Sound:
    """Bursts of barks: a short pitch arch, hoarse and breathy, through a muzzle that opens; now and then a growl or a whine."""
    size = source.uniform(0, 1)
    pitch_hz = 640 * 0.33**size * source.uniform(0.9, 1.1)
    muzzle = 1.5 - 0.75 * size
    bark_s = 0.09 + 0.12 * size + source.uniform(0, 0.05)
    breath, hoarse = source.uniform(0.25, 0.6), source.uniform(0.0, 0.5)
    burst, gap_s, pause_s = int(source.integers(1, 5)), source.uniform(0.16, 0.4), source.uniform(0.4, 1.2)
    growls = source.uniform() < 0.35
    softness = source.uniform(-6, -1)

    def bark(rng: Random) -> Signal:
        samples = int(bark_s * rng.uniform(0.85, 1.2) * RATE)
        length, top = samples / RATE, pitch_hz * rng.uniform(0.9, 1.15)
        pitch = envelope(samples, [0, 0.25 * length, 0.6 * length, length], [0.6 * top, top, 0.85 * top, 0.5 * top])
        shut, wide = formants([450, 1000, 2300], muzzle, 2.0), formants([850, 1500, 2700], muzzle, 2.0)
        voice = voiced(rng, pitch, wide, shut, breath, softness)
        # Hoarseness: every second cycle of the cords is weaker.
        voice = voice * (1 - hoarse * (0.5 + 0.5 * np.cos(np.pi * cycles(pitch)))).astype(np.float32)
        return voice * envelope(samples, [0, 0.12 * length, 0.45 * length, length], [0, 1, 0.6, 0])

    def growl(rng: Random) -> Signal:
        samples = int(rng.uniform(0.4, 0.9) * RATE)
        pitch = np.full(samples, 0.3 * pitch_hz, np.float32) * (1 + 0.05 * drift(rng, samples, 12))
        throat = formants([400, 1000, 2200], muzzle, 1.5)
        flutter = 0.6 + 0.4 * np.sin(2 * np.pi * cycles(np.full(samples, rng.uniform(22, 32), np.float32)))
        return 0.45 * voiced(rng, pitch, throat, throat, 0.5, -4) * flutter.astype(np.float32) * arch(samples)

    def render(rng: Random, samples: int) -> Signal:
        out = np.zeros(samples, np.float32)
        at, end = rng.uniform(0.03, 0.35), samples / RATE
        while at < end - 0.1:
            for _ in range(int(rng.integers(max(1, burst - 1), burst + 1))):
                add(out, at, bark(rng), float(rng.uniform(0.7, 1.0)))
                at += bark_s + gap_s * rng.uniform(0.7, 1.2)
            if growls and rng.uniform() < 0.6:
                add(out, at - 0.5 * gap_s, growl(rng))
                at += 0.3
            at += pause_s * rng.uniform(0.6, 1.4)
        return out

    return render


def babble(source: Random) -> Sound:
    """A crowd some way off: voices of grown-ups over one another, no word of which can be made out."""
    pitches = source.uniform(95, 240, 5)
    pace = source.uniform(3.0, 5.0)
    throats = [formants(vowel, source.uniform(1.0, 1.15), 1.5) for vowel in VOWELS[source.permutation(len(VOWELS))[:3]]]

    def render(rng: Random, samples: int) -> Signal:
        pools = np.zeros((len(throats), samples), np.float32)
        for pitch in pitches:
            tone = (pitch * np.exp2(0.2 * drift(rng, samples, 3))).astype(np.float32)
            voice = periodic(cycles(tone, rng.uniform()), overtones(1.6 * pitch, -6, 6000), rng)
            voice *= np.clip(drift(rng, samples, 1.2) + 0.5, 0, 1)  # whole phrases, with pauses
            for pool in pools:
                pool += voice * np.clip(drift(rng, samples, pace), 0, None)
        crowd = sum(
            filtered(pool, product(throat, band(120, 4000, 1))) for pool, throat in zip(pools, throats, strict=True)
        )
        return np.asarray(crowd, np.float32)

    return render
