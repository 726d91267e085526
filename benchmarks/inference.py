"""How fast a classifier answers: one clip of 5 s from its bytes, and an hour of 44.1 kHz stereo with the start of Python.

    python benchmarks/inference.py                          # the demo network that ships with the lab
    python benchmarks/inference.py --run RUN --rounds 15

The clip is timed from WAV bytes to probabilities, in the process, with the network as it was trained and with the copy that a loaded
classifier predicts from (:mod:`labcore.models.folded`), in turn. The hour, decaying chords over noise, is given to ``labcore classify``, a
new process each time; its wall clock and peak memory are told.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
import torch

from labcore import builtin
from labcore.device import cpu_name
from labcore.inference.classifier import Classifier

RATE, SECONDS, HOUR = 44100, 5.0, 3600
CLIPS = 40
"""Answers of one round."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--run", help="a run's folder or weights (default: the demo network)")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--hours", type=int, default=3, help="times that the hour is classified; 0 leaves it out")
    options = arguments.parse_args()
    weights = Path(options.run) if options.run else builtin.require_weights().path
    print(f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    one_clip(weights, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hour.wav"
        if options.hours:
            make_hour(file)
        for _ in range(options.hours):
            an_hour(file, weights)


def one_clip(weights: Path, rounds: int) -> None:
    """Medians of a clip, in turn."""
    quick, plain = Classifier.load(weights), Classifier.from_bytes(Classifier.load(weights).to_bytes())
    sound = np.random.default_rng(0).standard_normal(round(RATE * SECONDS)) * 0.1
    encoded = io.BytesIO()
    soundfile.write(encoded, sound, RATE, format="WAV")
    wav = encoded.getvalue()
    ways = {"as it was trained": plain, "folded, as loaded": quick}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, classifier in ways.items():
            for _ in range(CLIPS):
                start = time.perf_counter()
                classifier.classify(wav)
                if number:  # the first round is the warm-up
                    seconds[way].append(time.perf_counter() - start)
    for way, taken in seconds.items():
        low, high = np.quantile(taken, [0.25, 0.75])
        print(
            f"one clip of {SECONDS:g} s, {way}: {1000 * median(taken):.2f} ms (quartiles {1000 * low:.2f} to {1000 * high:.2f})"
        )


def make_hour(file: Path) -> None:
    """An hour of 44.1 kHz stereo, 16 bits."""
    generator, clock = np.random.default_rng(0), np.arange(RATE * 60) / RATE
    with soundfile.SoundFile(file, "w", RATE, 2, "PCM_16") as target:
        for minute in range(HOUR // 60):
            chord = 0.2 * np.sin(2 * np.pi * (200 + 20 * minute) * clock)[:, None] * np.exp(-(clock % 1.0) * 3)[:, None]
            target.write((chord + 0.05 * generator.standard_normal((len(clock), 2))).astype(np.float32))


def an_hour(file: Path, weights: Path) -> None:
    """`labcore classify`, from the start of Python to its end."""
    start = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "labcore",
        "classify",
        str(file),
        "--run",
        str(weights),
        "--device",
        "cpu",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    assert status == 0, "labcore classify failed"
    print(
        f"an hour of stereo: {taken:.2f} s, {HOUR / taken:.0f} × real time, {used.ru_maxrss / 2**20:.2f} GiB at most, "
        f"{used.ru_utime + used.ru_stime:.1f} s of the processor"
    )


if __name__ == "__main__":
    main()
