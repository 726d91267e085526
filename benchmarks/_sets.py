"""Made sets of sounds that nobody tuned the recipe on: bird song, machine hums, bat calls. Clips of an individual lie in one fold.

Each function writes class folders in folders of folds. Individuals differ (pitch, pace, loudness, distance, noise), and neighbours
are heard behind them, so that what tells the classes apart is their shape alone and a result is below 100 %.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from scipy.signal import butter, lfilter, sosfilt

INDIVIDUALS, FOLDS = 40, 5
BIRD_RATE, BIRD_SECONDS = 48_000, 3.0
HUM_RATE, HUM_SECONDS = 16_000, 4.0
BAT_RATE, BAT_SECONDS = 250_000, 0.5

Sound = Callable[[str, np.random.Generator, np.random.Generator], np.ndarray]
"""Of a class: the first generator draws the clip, the second the individual."""


class Song(NamedTuple):
    """Syllables of a bird: from and to which frequency in kHz, how long in s, how many a second, and how the pitch bends (power)."""

    start: float
    end: float
    seconds: float
    rate: float
    bend: float


SONGS = {
    "rising": Song(3.0, 5.5, 0.09, 6.0, 1.0),
    "rising late": Song(3.0, 5.5, 0.09, 6.0, 3.0),
    "falling": Song(6.5, 3.5, 0.08, 7.0, 1.0),
    "falling fast": Song(6.5, 3.5, 0.05, 11.0, 1.0),
    "thin": Song(8.0, 8.3, 0.30, 2.2, 1.0),
    "thin high": Song(11.3, 11.7, 0.30, 2.2, 1.0),
    "tick up": Song(9.5, 13.5, 0.03, 9.0, 1.0),
    "tick down": Song(13.5, 9.5, 0.03, 9.0, 1.0),
}
CALLS = {
    "steep": Song(80.0, 35.0, 0.003, 12.0, 1.0),
    "hooked": Song(80.0, 42.0, 0.005, 12.0, 0.35),
    "low hooked": Song(60.0, 26.0, 0.006, 9.0, 0.35),
    "low steep": Song(60.0, 22.0, 0.004, 9.0, 1.0),
    "flat": Song(28.0, 23.0, 0.014, 7.0, 0.5),
    "flat higher": Song(32.0, 26.0, 0.014, 7.0, 0.5),
    "horseshoe": Song(82.0, 80.0, 0.035, 9.0, 1.0),
    "lesser horseshoe": Song(92.0, 90.0, 0.035, 9.0, 1.0),
}
FAULTS = ("sound", "unbalanced", "loose", "slipping", "tooth", "bearing")


def make_birds(folder: Path) -> None:
    """Eight songs of 2 to 15 kHz at 48 kHz, three seconds each, with wind, hiss and another bird behind."""

    def bird(name: str, generator: np.random.Generator, individual: np.random.Generator) -> np.ndarray:
        samples = int(BIRD_RATE * BIRD_SECONDS)
        near = _singing(SONGS[name], generator, BIRD_RATE, BIRD_SECONDS, 0.09)
        other = str(generator.choice([song for song in SONGS if song != name]))
        far = _singing(SONGS[other], generator, BIRD_RATE, BIRD_SECONDS, 0.09)
        near = _far(near, generator.uniform(0.0, 1.0), BIRD_RATE, 9000)
        wind = lfilter([1.0], [1.0, -0.995], generator.standard_normal(samples))
        hiss = generator.standard_normal(samples)
        mixed = _level(near, 0) + _level(far, generator.uniform(-25, -9)) + _level(wind, generator.uniform(-5, 15))
        return mixed + _level(hiss, generator.uniform(-14, 0))

    _write(folder, tuple(SONGS), BIRD_RATE, bird, (1, 0))


def make_bats(folder: Path) -> None:
    """Eight kinds of calls between 20 and 95 kHz at 250 kHz, half a second each, with hiss and another bat behind."""

    def bat(name: str, generator: np.random.Generator, individual: np.random.Generator) -> np.ndarray:
        samples = int(BAT_RATE * BAT_SECONDS)
        near = _singing(CALLS[name], generator, BAT_RATE, BAT_SECONDS, 0.08)
        other = str(generator.choice([call for call in CALLS if call != name]))
        far = _singing(CALLS[other], generator, BAT_RATE, BAT_SECONDS, 0.08)
        near = _far(near, generator.uniform(0.0, 1.0), BAT_RATE, 45_000)
        hiss = generator.standard_normal(samples)
        rumble = lfilter([1.0], [1.0, -0.98], generator.standard_normal(samples))
        mixed = _level(near, 0) + _level(far, generator.uniform(-25, -8)) + _level(hiss, generator.uniform(-8, 6))
        return mixed + _level(rumble, generator.uniform(-20, 0))

    _write(folder, tuple(CALLS), BAT_RATE, bat, (2, 0))


def make_hums(folder: Path) -> None:
    """Machines in six states at 16 kHz, four seconds each, at three loads and speeds: harmonics below 500 Hz."""
    for load in range(3):
        _write(folder, FAULTS, HUM_RATE, _machine, (3, load))


def _machine(state: str, generator: np.random.Generator, voices: np.random.Generator) -> np.ndarray:
    """A machine in a state. ``voices`` draws the machine, so that all its clips have its voice; ``generator`` load and speed."""
    time = np.arange(int(HUM_RATE * HUM_SECONDS)) / HUM_RATE
    voice = 10 ** voices.uniform(-0.9, 0.0, 10)
    body = voices.uniform(60, 300)
    teeth, balls = int(voices.integers(7, 12)), voices.uniform(3.1, 4.4)
    speed = voices.uniform(25.0, 28.5) * generator.uniform(0.95, 1.03)  # turns a second
    turns = speed * time + 0.01 * speed * np.sin(2 * np.pi * generator.uniform(0.1, 0.4) * time)
    severity = generator.uniform(0.4, 1.5)

    def tone(order: np.ndarray | float) -> np.ndarray:
        return np.sin(2 * np.pi * order * turns + generator.uniform(0, 2 * np.pi))

    hum = sum(voice[order - 1] * tone(float(order)) for order in range(1, 11))
    hum = hum + 0.7 * np.sin(2 * np.pi * 100 * time) + 0.5 * tone(float(teeth))
    if state == "unbalanced":
        hum = hum + 3.0 * severity * tone(1.0)
    elif state == "loose":
        hum = hum + severity * (0.8 * tone(0.5) + 0.6 * tone(1.5) + 0.5 * tone(2.5))
    elif state == "slipping":
        slip = generator.uniform(2.0, 5.0)
        hum = hum + severity * sum(np.sin(2 * np.pi * (100 + side * slip) * time) for side in (-2, -1, 1, 2)) * 0.6
    elif state == "tooth":
        hum = hum + severity * 0.6 * (tone(teeth - 1.0) + tone(teeth + 1.0))
    elif state == "bearing":
        clicks = np.diff(np.floor(balls * turns), prepend=0.0)
        hum = hum + 12 * severity * sosfilt(butter(2, [250, 450], "bandpass", fs=HUM_RATE, output="sos"), clicks)
    radius, angle = np.exp(-np.pi * 60 / HUM_RATE), 2 * np.pi * body / HUM_RATE
    hum = hum + 0.02 * lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], hum)
    air = lfilter([1.0], [1.0, -0.97], generator.standard_normal(len(time)))
    return _level(hum, 0) + _level(air, generator.uniform(-22, -8))


def _singing(song: Song, generator: np.random.Generator, rate: int, seconds: float, spread: float) -> np.ndarray:
    """A song by an individual: (samples,). ``spread`` is how far its pitch may lie from that of others, as a share."""
    pitch, pace = generator.uniform(1 - spread, 1 + spread), generator.uniform(0.75, 1.3)
    made = np.zeros(int(rate * seconds))
    at = generator.uniform(0.0, 0.6) / song.rate
    while at < seconds:
        length = max(8, int(rate * song.seconds / pace * generator.uniform(0.9, 1.1)))
        course = np.linspace(0, 1, length) ** song.bend
        own = 1000 * pitch * generator.uniform(0.99, 1.01)
        phase = 2 * np.pi * np.cumsum(own * (song.start + (song.end - song.start) * course)) / rate
        call = np.hanning(length) ** 0.6 * (np.sin(phase) + 0.05 * np.sin(2 * phase))
        begin = int(rate * at)
        part = made[begin : begin + length]
        part += call[: len(part)] * generator.uniform(0.5, 1.0)
        at += 1 / song.rate / pace * generator.uniform(0.85, 1.2)
    return made


def _far(sound: np.ndarray, distance: float, rate: int, corner: float) -> np.ndarray:
    """A sound from a distance of 0 to 1: air takes the high frequencies, walls and leaves smear it."""
    dull = sosfilt(butter(1, corner, fs=rate, output="sos"), sound)
    return (1 - 0.8 * distance) * sound + 0.8 * distance * dull


def _level(sound: np.ndarray, decibels: float) -> np.ndarray:
    return sound / max(1e-9, float(np.sqrt(np.mean(np.square(sound))))) * 10 ** (decibels / 20)


def _write(folder: Path, names: tuple[str, ...], rate: int, sound: Sound, seed: tuple[int, int]) -> None:
    """A clip of every class by every individual; ``seed`` is of the set and of the take."""
    for individual in range(INDIVIDUALS):
        for number, name in enumerate(names):
            generator = np.random.default_rng([*seed, individual, number])
            made = sound(name, generator, np.random.default_rng([seed[0], individual]))
            made *= 10 ** generator.uniform(-1.3, -0.1) / np.abs(made).max()
            file = folder / f"fold{individual % FOLDS + 1}" / name / f"{name}-{individual}-{seed[1]}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, made, rate)
