"""Whether the defaults carry over to sounds that nobody tuned them on: short words at 8 kHz, city sounds, bird song, hums, bat calls.

    python benchmarks/carry_over.py [--sets words city …] [--folds 1 2] [--seeds 0] [--rate 22050] [--course] [--set PATH=VALUE …]

The words are synthesised by a source-filter model: ten made-up words of two syllables, each said once by forty voices that differ in pitch,
length of the vocal tract, pace, loudness, microphone and background; a fold holds eight voices that are in no other. The city sounds are
the demo set, ten synthesised kinds; ``_sets.py`` tells of the others. All are easier than recordings: the figures show that nothing
breaks, and serve to compare variants of the recipe (``--rate`` sets a sample rate in place of the automatic one), not to boast.
``--course`` tells how the runs went: how often the held-out clips were right at which share of the epochs, and what the averaged
weights are worth.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import soundfile
from _common import machine, parser, workspace
from _course import Course, course, table
from _sets import make_bats, make_birds, make_hums
from scipy.signal import lfilter

from labcore.config import RunConfig
from labcore.datasets.demo import make_demo
from labcore.events import Evaluated, each_of
from labcore.runs import Run
from labcore.runs.asked import front_end_reason
from labcore.training.loop import train

RATE, VOICES, FOLDS = 8000, 40, 5
VOWELS = {
    "a": (750, 1250, 2500),
    "e": (450, 1950, 2600),
    "i": (280, 2250, 3000),
    "o": (450, 850, 2450),
    "u": (310, 800, 2300),
}
"""Formants in Hz of an average voice, from textbooks of phonetics."""
NOISES = {
    "s": (3000, 3900),
    "f": (1200, 3800),
    "h": (700, 2200),
    "k": (1400, 2600),
    "t": (2400, 3900),
    "p": (300, 1200),
}
"""Bands of consonants in Hz; the last three are bursts after a closure."""
WORDS = ("sato", "fiku", "tape", "kosi", "hufa", "peti", "soku", "tifo", "kahe", "pusa")


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--sets", nargs="+", default=[*MAKERS], choices=[*MAKERS])
    arguments.add_argument("--folds", nargs="+", default=["1", "2"])
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments.add_argument("--rate", type=int, help="sample rate (default: automatic)")
    arguments.add_argument(
        "--course", action="store_true", help="accuracy over the epochs, and without averaged weights"
    )
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine())
    for name in options.sets:
        folder = home.home / f"carry-over-{name}"
        if not folder.exists():
            MAKERS[name](folder)
        base: dict[str, Any] = {"data.dataset": str(folder), "audio.sample_rate": options.rate}
        base |= dict(options.set)
        results: list[Evaluated] = []
        courses: list[Course] = []
        seconds = 0.0
        for seed in options.seeds:
            for fold in options.folds:
                config = RunConfig().replace(base | {"data.fold": fold, "runtime.seed": seed})
                run, start = Run.create(home, config), time.process_time()
                events = list(train(config, run, home))
                seconds += time.process_time() - start
                results += each_of(events, Evaluated)
                if options.course:
                    courses.append(course(config, run, events, home))
        listed = ", ".join(f"{100 * result.accuracy:.1f}" for result in results)
        accuracy = mean(result.accuracy for result in results)
        print(f"{name}: mean {100 * accuracy:.1f} % ({listed}), {seconds / len(results):.0f} s of the processor a run")
        print(f"    {front_end_reason(run) or f'sample rate {options.rate} Hz'}", flush=True)
        if courses:
            print(table(courses), flush=True)


def make_words(folder: Path) -> None:
    """Class folders in folders of folds: a word a class, a voice a clip, 0.35 to 0.9 s at 8 kHz."""
    for voice in range(VOICES):
        generator = np.random.default_rng(voice)
        manner = {
            "pitch": generator.uniform(85, 260),
            "tract": generator.uniform(0.85, 1.2),
            "pace": generator.uniform(0.75, 1.3),
        }
        tilt, noise = generator.uniform(-0.6, 0.3), 10 ** generator.uniform(-3.5, -2.0)
        loudness = 10 ** generator.uniform(-1.5, -0.3)
        for word in WORDS:
            speech = say(word, generator, **manner)
            speech = lfilter([1.0, tilt], [1.0], speech)
            speech *= loudness / np.abs(speech).max()
            speech += noise * generator.standard_normal(len(speech))
            file = folder / f"fold{voice % FOLDS + 1}" / word / f"{word}-{voice}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, np.clip(speech, -1, 1), RATE)


def say(word: str, generator: np.random.Generator, pitch: float, tract: float, pace: float) -> np.ndarray:
    """A word by a voice: (samples,)."""
    parts = [np.zeros(int(RATE * generator.uniform(0.02, 0.1)))]
    for sound in word:
        if sound in VOWELS:
            parts.append(vowel(sound, generator, pitch * generator.uniform(0.93, 1.07), tract, 0.13 / pace))
        else:
            parts.append(consonant(sound, generator, tract, 0.08 / pace))
    parts.append(np.zeros(int(RATE * generator.uniform(0.02, 0.1))))
    return np.concatenate(parts)


def vowel(name: str, generator: np.random.Generator, pitch: float, tract: float, seconds: float) -> np.ndarray:
    """A train of glottal pulses through three resonances."""
    samples = int(RATE * seconds * generator.uniform(0.8, 1.25))
    phase = np.cumsum(pitch * np.linspace(1.04, 0.94, samples) / RATE)
    source = np.diff(np.floor(phase), prepend=0.0) + 0.02 * generator.standard_normal(samples)
    for formant in VOWELS[name]:
        source = resonate(source, formant * tract * generator.uniform(0.95, 1.05), 80.0)
    return np.hanning(samples) ** 0.4 * source / max(1e-9, np.abs(source).max())


def consonant(name: str, generator: np.random.Generator, tract: float, seconds: float) -> np.ndarray:
    """Noise in a band; for stops a closure and a short burst."""
    low, high = NOISES[name]
    samples = int(RATE * seconds * generator.uniform(0.8, 1.25))
    centre, width = min(3800.0, (low + high) / 2 * tract), (high - low) / 2
    noise = resonate(generator.standard_normal(samples), centre, width)
    noise *= 0.25 / max(1e-9, np.abs(noise).max())
    if name in "ktp":
        closure = samples // 2
        noise[:closure] = 0.0
        noise[closure:] *= np.exp(-np.arange(samples - closure) / (0.012 * RATE)) * 2.5
        return noise
    return noise * np.hanning(samples) ** 0.3


def resonate(signal: np.ndarray, frequency: float, width: float) -> np.ndarray:
    """A resonance of two poles at ``frequency``, ``width`` wide, in Hz."""
    radius, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * min(frequency, 0.48 * RATE) / RATE
    return lfilter([1.0 - radius], [1.0, -2.0 * radius * np.cos(angle), radius**2], signal)


MAKERS = {"words": make_words, "city": make_demo, "birds": make_birds, "hums": make_hums, "bats": make_bats}

if __name__ == "__main__":
    main()
