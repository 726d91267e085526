"""What a moved slider costs: each view of a clip, and a draw of each augmentation, with and without sound.

    python benchmarks/explore_views.py [--file SOUND] [--seconds 5] [--rounds 21]

Prints median and quartiles in milliseconds, the kilobytes that go to the browser, and whether all stay under 300 ms. Every round
takes the views and draws in turn. Without a file the clip is pink noise with tones. Each draw has another
seed, so its sound is rebuilt anew; the sound that it is compared with is rebuilt once, as in use.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from _common import machine

from labcore.audio import decode
from labcore.config import RunConfig
from labcore.explore import views
from labcore.explore.augment_preview import STEPS, preview
from labcore.explore.geometry import consequences
from labcore.explore.render import png
from labcore.explore.sonify import sound_of
from labcore.explore.view import Envelope, Spectrum, View

LIMIT_MS = 300.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--file", help="a sound file (default: noise and tones)")
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--rounds", type=int, default=21)
    chosen = options.parse_args()
    config = RunConfig()
    clip = sound(chosen.file, chosen.seconds, config.sample_rate)
    second = np.roll(clip, len(clip) // 3)[::-1].copy()
    strong = config.replace(
        {"augment.speed": 0.2, "augment.pitch_semitones": 2.0, "augment.equaliser_db": 9.0, "augment.reverb": 1.0, "augment.noise": 1.0}
    )  # fmt: skip
    rate = config.sample_rate
    power = 10 ** (views.view_of("log-mel", clip, config).levels / 10)

    works: dict[str, Callable[[int], object]] = {
        "waveform": lambda _: views.waveform_view(clip, rate),
        "spectrogram": lambda _: views.view_of("spectrogram", clip, config),
        "mel": lambda _: views.view_of("mel", clip, config),
        "log-mel": lambda _: views.view_of("log-mel", clip, config),
        "mfcc": lambda _: views.view_of("mfcc", clip, config),
        "pcen": lambda _: views.view_of("pcen", clip, config),
        "average spectrum": lambda _: views.average_spectrum(clip, config),
        "consequences": lambda _: consequences(config),
        "picture as PNG": lambda _: png(views.view_of("log-mel", clip, config)),
    }
    for step in STEPS:
        works[f"draw {step}"] = lambda seed, name=step: preview(
            strong, clip, seed, second=second, steps=name, sound=False
        )
        works[f"draw {step}, sound"] = lambda seed, name=step: preview(strong, clip, seed, second=second, steps=name)
    works["rebuild a sound"] = lambda seed: sound_of((1 + 1e-6 * seed) * power, config)  # none that is remembered
    works["draw all"] = lambda seed: preview(strong, clip, seed, second=second, sound=False)
    works["draw all, sound"] = lambda seed: preview(strong, clip, seed, second=second)

    taken: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, float] = {}
    for round_ in range(chosen.rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            made = work(round_)
            if round_:  # the first is a warm-up
                taken[name].append(1000 * (time.perf_counter() - start))
            sizes[name] = kilobytes(made)
    print(f"{machine()}\nclip of {len(clip) / rate:g} s at {rate} Hz, {chosen.rounds} rounds\n")
    print(f"{'':24}{'median':>9}{'quartiles':>18}   ms{'':6}kB")
    for name, all_ in taken.items():
        q1, middle, q3 = np.percentile(all_, [25, 50, 75])
        size = f"{sizes[name]:8.1f}" if sizes[name] else ""
        print(f"{name:24}{middle:9.1f}{q1:9.1f} to {q3:6.1f}{size:>13}")
    slow = [name for name, all_ in taken.items() if np.median(all_) > LIMIT_MS]
    print(f"\nmedian above {LIMIT_MS:g} ms: {', '.join(slow) or 'none'}")


def sound(file: str | None, seconds: float, rate: int) -> np.ndarray:
    """(samples,) float32 of so many seconds, a recording repeated where it is shorter."""
    samples = round(seconds * rate)
    if file:
        return np.resize(decode(file, rate)[0], samples)
    random = np.random.default_rng(0)
    spectrum = np.fft.rfft(random.normal(size=samples))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), n=samples)
    tones = sum(np.sin(2 * np.pi * hz * np.arange(samples) / rate) for hz in (220, 1000, 3500))
    return (0.1 * pink / pink.std() + 0.05 * tones).astype(np.float32)


def kilobytes(made: object) -> float:
    """Of what is sent to the browser, before it is packed; 0 for what is not sent as such."""
    if isinstance(made, bytes):
        return len(made) / 1000
    arrays = {
        View: ("values", "x_seconds", "y"),
        Envelope: ("low", "high", "x_seconds"),
        Spectrum: ("hz", "decibels"),
    }.get(type(made), ())
    return sum(getattr(made, name).nbytes for name in arrays) / 1000


if __name__ == "__main__":
    main()
