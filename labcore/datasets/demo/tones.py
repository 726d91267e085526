"""Sounds of a pitch: car horn, siren, street music."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from labcore.datasets.demo.parts import (
    RATE,
    Random,
    Signal,
    Sound,
    add,
    band,
    cycles,
    decay,
    drift,
    envelope,
    filtered,
    noise,
    overtones,
    periodic,
    resonances,
    tilt,
)


def car_horn(source: Random) -> Sound:
    """Two trumpets a third or so apart, rich in harmonics; long and cross, or a few short ones. Some cars have but one."""
    low_hz = source.uniform(300, 480)
    high_hz = low_hz * source.choice([6 / 5, 5 / 4, 4 / 3]) * source.uniform(0.995, 1.005)
    second = 0.0 if source.uniform() < 0.2 else source.uniform(0.6, 1.0)
    rolloff = source.uniform(-6, -2)
    bells = [overtones(low_hz, rolloff, 11_000), overtones(high_hz, rolloff, 11_000)]
    mouth = resonances([source.uniform(900, 1700), source.uniform(2000, 3600)], [300, 500], [1.0, 0.8], 0.25)
    long_one = source.uniform() < 0.5
    phases = int(source.integers(2**31))

    def render(rng: Random, samples: int) -> Signal:
        seconds, at = samples / RATE, rng.uniform(0.02, 0.3)
        times, levels = [-1.0], [0.0]
        while at < seconds - 0.08:
            hold = rng.uniform(0.7, 2.6) if long_one else rng.uniform(0.1, 0.4)
            times += [at, at + 0.02, at + hold, at + hold + 0.05]
            levels += [0, 1, 0.95, 0]
            at += hold + (rng.uniform(0.3, 1.2) if long_one else rng.choice([0.12, 0.2, 0.9]) * rng.uniform(0.9, 1.3))
        loud = envelope(samples, times, levels)
        # The membrane sounds a little flat until it swings fully.
        bend = 1 - 0.03 * (1 - np.clip(loud * 1.02, 0, 1)) + 0.001 * drift(rng, samples, 20)
        chord = periodic(cycles(low_hz * bend), bells[0], np.random.default_rng(phases))
        chord += second * periodic(cycles(high_hz * bend), bells[1], np.random.default_rng(phases + 1))
        return filtered(chord * loud, mouth)

    return render


def siren(source: Random) -> Sound:
    """An emergency vehicle: a slow wail, a quick yelp or two notes in turn, passing by."""
    kind = source.choice(["wail", "yelp", "two-tone"], p=[0.4, 0.3, 0.3])
    low_hz = source.uniform(400, 750)
    high_hz = low_hz * (source.uniform(1.7, 2.5) if kind != "two-tone" else source.choice([1.2, 1.33, 1.5]))
    period_s = {
        "wail": source.uniform(2.0, 5.0),
        "yelp": source.uniform(0.22, 0.45),
        "two-tone": source.uniform(0.7, 1.5),
    }[kind]
    rise = source.uniform(0.3, 0.6)
    timbre = overtones(high_hz, source.uniform(-14, -6), 10_000)
    timbre[1::2] *= source.uniform(0.1, 1.0)
    horn = resonances([source.uniform(700, 1400), source.uniform(1800, 3200)], [350, 600], [1.0, 0.7], 0.2)
    passing = source.uniform(0.0, 0.05)

    def render(rng: Random, samples: int) -> Signal:
        turn = (np.arange(samples) / RATE / period_s + rng.uniform()) % 1
        if kind == "two-tone":
            place = np.clip((np.abs(turn - 0.5) - 0.25) * period_s / 0.012, -0.5, 0.5) + 0.5
        else:
            place = np.interp(turn, [0, rise, 1], [0, 1, 0])
            place = np.sin(0.5 * np.pi * place) ** 1.3
        pitch = low_hz * (high_hz / low_hz) ** place
        moment = rng.uniform(-2, 2)  # when it passes, in widths of the clip from its middle
        course = np.tanh(np.linspace(-2, 2, samples) - moment)
        tone = periodic(cycles((pitch * (1 - passing * course)).astype(np.float32), rng.uniform()), timbre)
        near = 1 / (1 + np.float32(4 * passing * 5) * np.abs(course).astype(np.float32))
        return filtered(tone, horn) * near * (1 + 0.05 * drift(rng, samples, 6))

    return render


SCALES = ([0, 2, 4, 7, 9], [0, 3, 5, 7, 10], [0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10])
Note = tuple[float, float, float]
"""Start and length in seconds, pitch in Hz."""


def street_music(source: Random) -> Sound:
    """A busker or two: a melody on one scale and beat over plucked chords or a bass, sometimes with a shaker."""
    beat_s = 60 / source.uniform(76, 144)
    scale = np.array(SCALES[source.integers(len(SCALES))])
    key_hz = 110 * 2 ** (source.integers(12) / 12)
    lead = INSTRUMENTS[source.integers(len(INSTRUMENTS))](source)
    backing = _pluck(source) if source.uniform() < 0.8 else None
    lead_octave = int(source.integers(1, 3))
    shaker = source.uniform(0, 0.25) * (source.uniform() < 0.5)
    bass, chords = source.uniform(0, 0.8), source.uniform(0.2, 0.7)

    def pitch(step: int, octave: int) -> float:
        octaves, place = divmod(step, len(scale))
        return float(key_hz * 2 ** (octave + octaves + scale[place] / 12))

    def render(rng: Random, samples: int) -> Signal:
        seconds, offset = samples / RATE, rng.uniform(0, beat_s)
        out = np.zeros(samples, np.float32)
        melody: list[Note] = []
        at, step = -offset, int(rng.integers(0, len(scale)))
        while at < seconds:
            length = beat_s * rng.choice([0.5, 0.5, 1.0, 1.0, 2.0])
            if rng.uniform() > 0.1:
                melody.append((at, length, pitch(step, lead_octave)))
            step = int(np.clip(step + rng.choice([-2, -1, -1, 0, 1, 1, 2, 4]), -2, len(scale) + 3))
            at += length
        out += lead(rng, samples, melody)
        if backing is not None:
            for bar in range(int(seconds / (2 * beat_s)) + 2):
                start, root = 2 * beat_s * bar - offset, int(rng.choice([0, 2, 3, 4]))
                add_notes = [(start, 2 * beat_s, pitch(root, 0))]
                out += bass * backing(rng, samples, add_notes)
                for third in range(3):
                    strum = [
                        (start + (k + 1) * beat_s * 0.5 + 0.012 * third, beat_s, pitch(root + 2 * third, 1))
                        for k in (0, 2)
                    ]
                    out += chords * 0.6 * backing(rng, samples, strum)
        if shaker:
            tap = (np.arange(samples) / RATE + offset) % (beat_s / 2)
            out += shaker * noise(rng, samples, band(4000, 12000, 1)) * np.exp(-tap / 0.03).astype(np.float32)
        return out

    return render


Instrument = Callable[[Random, int, list[Note]], Signal]


def _line(samples: int, notes: list[Note]) -> tuple[Signal, npt.NDArray[np.int64], Signal]:
    """A line of single notes over time: pitch, number of the note that sounds, seconds since it began."""
    starts = np.array([start for start, _, _ in notes])
    times = np.arange(samples) / RATE
    number = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    return np.array([hz for _, _, hz in notes], np.float32)[number], number, (times - starts[number]).astype(np.float32)


def _pluck(source: Random) -> Instrument:
    """Strings: the high harmonics die first."""
    ring_s, bright = source.uniform(0.25, 0.8), source.uniform(0.3, 1.0)

    def play(rng: Random, samples: int, notes: list[Note]) -> Signal:
        out = np.zeros(samples, np.float32)
        for start, length, hertz in notes:
            size = int(min(2.5 * length, 3 * ring_s, 2.0) * RATE)
            times = np.arange(size, dtype=np.float32) / RATE
            phase = times.astype(np.float64) * hertz
            soft = periodic(phase, [1, 0.5, 0.3, 0.15]) * np.exp(-times / ring_s)
            sharp = periodic(phase, overtones(hertz, -3, 9000)[4:] if hertz < 1500 else [0.1], rng) * np.exp(
                -times / (0.2 * ring_s)
            )
            add(
                out,
                start,
                (soft + bright * sharp) * envelope(size, [0, 0.004, size / RATE - 0.05, size / RATE], [0, 1, 1, 0]),
            )
        return out

    return play


def _sustained(source: Random) -> Instrument:
    """Fiddle, clarinet or accordion: held notes with vibrato or with a second reed that beats."""
    vibrato_hz, vibrato = source.uniform(4.5, 6.5), source.uniform(0.0, 0.012)
    reeds, rolloff, odd = source.uniform(0, 1) < 0.5, source.uniform(-9, -4), source.uniform(0.1, 1.0)
    attack_s = source.uniform(0.02, 0.08)
    box = resonances(np.sort(source.uniform(300, 3500, 3)).tolist(), [150, 250, 400], [1.0, 0.8, 0.6], 0.4)

    def play(rng: Random, samples: int, notes: list[Note]) -> Signal:
        pitch, number, since = _line(samples, notes)
        pitch = pitch * (1 + vibrato * np.sin(2 * np.pi * vibrato_hz * since) * np.clip(since / 0.3, 0, 1)).astype(
            np.float32
        )
        amplitudes = overtones(float(pitch.max()), rolloff, 11_000)
        amplitudes[1::2] *= odd
        tone = periodic(cycles(pitch), amplitudes)
        if reeds:
            tone = 0.6 * tone + 0.6 * periodic(cycles(pitch * 1.006), amplitudes)
        lengths = np.array([length for _, length, _ in notes], np.float32)[number]
        loud = np.clip(since / attack_s, 0, 1) * np.clip((lengths - since) / 0.05, 0, 1)
        return filtered(tone * loud.astype(np.float32), box)

    return play


def _flute(source: Random) -> Instrument:
    """A flute or whistle: few harmonics and the breath of the player."""
    breath, second = source.uniform(0.03, 0.2), source.uniform(0.1, 0.5)

    def play(rng: Random, samples: int, notes: list[Note]) -> Signal:
        pitch, number, since = _line(samples, notes)
        pitch = pitch * 2 * (1 + 0.006 * np.sin(2 * np.pi * 5 * since)).astype(np.float32)
        lengths = np.array([length for _, length, _ in notes], np.float32)[number]
        loud = (np.clip(since / 0.05, 0, 1) * np.clip((lengths - since) / 0.06, 0, 1)).astype(np.float32)
        air = noise(rng, samples, tilt(-3, 800))
        return (periodic(cycles(pitch), [1, second, 0.15]) + breath * air) * loud

    return play


def _pan(source: Random) -> Instrument:
    """Steel pan, marimba, music box: struck, with partials off the harmonic series."""
    ratio, ring_s, hard = source.choice([2.76, 3.0, 4.0]), source.uniform(0.15, 0.6), source.uniform(0.2, 0.7)

    def play(rng: Random, samples: int, notes: list[Note]) -> Signal:
        out = np.zeros(samples, np.float32)
        for start, _, hertz in notes:
            size = int(3 * ring_s * RATE)
            phase = np.arange(size) / RATE * hertz * 2
            tone = periodic(phase, [1, 0.25]) * decay(size, ring_s) + hard * periodic(phase * ratio, [1]) * decay(
                size, 0.3 * ring_s
            )
            add(out, start, tone * envelope(size, [0, 0.002, size / RATE - 0.03, size / RATE], [0, 1, 1, 0]))
        return out

    return play


INSTRUMENTS = (_pluck, _sustained, _sustained, _flute, _pan)
