"""The lab's loudness beside pyloudnorm: EBU's minimum requirement signals, and the time and memory of a recording.

    pip install pyloudnorm
    python benchmarks/loudness.py

The signals 1 to 6 of EBU Tech 3341, table 1, are synthesised; the standard asks for the loudness that stands there, within 0.1 LU.
Times are medians of alternating rounds.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc

import numpy as np
import pyloudnorm
from _common import machine, parser

from labcore.audio.loudness import BLOCK, CHUNK, KWeighting, integrated, step_samples

RATE = 48000
STEPS = {  # dB of each channel of a 1 kHz sine and seconds, one after the other
    "1": [((-23, -23), 20)],
    "2": [((-33, -33), 20)],
    "3": [((-36, -36), 10), ((-23, -23), 60), ((-36, -36), 10)],
    "4": [((-72, -72), 10), ((-36, -36), 10), ((-23, -23), 60), ((-36, -36), 10), ((-72, -72), 10)],
    "5": [((-26, -26), 20), ((-20, -20), 20.1), ((-26, -26), 20)],
    "6": [((-28, -28, -24, -30, -30), 20)],
}
WANTED = {"2": -33.0}
"""LUFS; -23 for all others."""


def signal(steps: list[tuple[tuple[float, ...], float]]) -> np.ndarray:
    """(channels, samples) float32."""
    parts = []
    for levels, seconds in steps:
        sine = np.sin(2 * np.pi * 1000 / RATE * np.arange(round(seconds * RATE)))
        parts.append(np.stack([10 ** (level / 20) * sine for level in levels]).astype(np.float32))
    return np.concatenate(parts, axis=1)


def lab(sound: np.ndarray) -> float | None:
    """Chunk by chunk, as the overview of a recording does it."""
    channels, samples = sound.shape
    weighting, step, weighted = KWeighting(RATE, channels), step_samples(RATE), []
    for first in range(0, samples, CHUNK):
        chunk = np.zeros((channels, CHUNK), np.float32)
        chunk[:, : min(CHUNK, samples - first)] = sound[:, first : first + CHUNK]
        weighted.append(np.square(weighting(chunk), dtype=np.float64).sum(axis=2))
    blocks = np.concatenate(weighted, axis=1)
    per_step = blocks.shape[1] * samples // (len(weighted) * CHUNK) // (step // BLOCK) * (step // BLOCK)
    return integrated(blocks[:, :per_step].reshape(channels, -1, step // BLOCK).sum(axis=2), step)


def library(sound: np.ndarray) -> float:
    return float(pyloudnorm.Meter(RATE).integrated_loudness(sound.T.astype(np.float64)))


def main() -> None:
    given = parser(__doc__ or "")
    given.add_argument("--minutes", type=float, default=10, help="length of the timed recording (default: %(default)s)")
    arguments = given.parse_args()
    print(machine())
    for name, steps in STEPS.items():
        sound = signal(steps)
        print(
            f"EBU {name}: wanted {WANTED.get(name, -23.0):.1f}, lab {lab(sound):.3f}, pyloudnorm {library(sound):.3f} LUFS"
        )
    noise = np.random.default_rng(0).normal(0, 0.1, (2, round(arguments.minutes * 60 * RATE))).astype(np.float32)
    seconds: dict[str, list[float]] = {"lab": [], "pyloudnorm": []}
    for _ in range(5):
        for name, way in (("lab", lab), ("pyloudnorm", library)):
            began = time.process_time()
            way(noise)
            seconds[name].append(time.process_time() - began)
    for name, way in (("lab", lab), ("pyloudnorm", library)):
        tracemalloc.start()
        way(noise)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{name}: {statistics.median(seconds[name]):.2f} s of processor time, {peak / 1e6:.0f} MB at its highest")
    print(f"pyloudnorm / lab: {statistics.median(seconds['pyloudnorm']) / statistics.median(seconds['lab']):.2f}")


if __name__ == "__main__":
    main()
