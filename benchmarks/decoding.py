"""What it costs to read a clip: 5 s at 44.1 kHz from a file, by format. Medians with quartiles, in turn.

Run it on two commits to compare them: ``PYTHONPATH=. python benchmarks/decoding.py``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from labcore.audio import decode

RATE, SECONDS = 44100, 5
FORMATS = ("WAV", "FLAC", "OGG", "MP3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    times = parser.parse_args().times
    noise = (0.1 * np.random.default_rng(0).standard_normal(RATE * SECONDS)).astype(np.float32)
    taken: dict[str, list[float]] = {name: [] for name in FORMATS}
    with tempfile.TemporaryDirectory() as folder:
        for name in FORMATS:
            soundfile.write(Path(folder, f"clip.{name.lower()}"), noise, RATE, format=name)
        for _ in range(times):
            for name in FORMATS:
                begun = time.perf_counter()
                decode(Path(folder, f"clip.{name.lower()}"))
                taken[name].append(1000 * (time.perf_counter() - begun))
    for name, each in taken.items():
        low, middle, high = statistics.quantiles(each, n=4)
        print(f"{name:5} {middle:.3f} ms ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
