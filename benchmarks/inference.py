"""How fast a classifier answers: one clip of 5 s from its bytes, and an hour of 44.1 kHz stereo with the start of Python.

    python benchmarks/inference.py                          # the demo network that ships with the lab
    python benchmarks/inference.py --run RUN --rounds 15 --compile

Every route (:mod:`labcore.inference.routes`) that gives what PyTorch gives is timed in turn: the network alone with 1 and 32 clips, and
a clip from WAV bytes to probabilities, in the process. ``--compile`` adds torch.compile, which takes a minute. The hour, decaying chords
over noise, is given to ``labcore classify``, a new process each time; its wall clock and peak memory are told.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
import torch

from labcore import builtin
from labcore.device import cpu_name
from labcore.errors import LabError
from labcore.inference.classifier import Classifier
from labcore.inference.route_choice import BATCHES, Probe
from labcore.inference.route_finder import find_now
from labcore.inference.routes import WORDS
from labcore.workspace import Workspace

RATE, SECONDS, HOUR = 44100, 5.0, 3600
CLIPS = 10
"""Answers of one round."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--run", help="a run's folder or weights (default: the demo network)")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--hours", type=int, default=3, help="times that the hour is classified; 0 leaves it out")
    arguments.add_argument("--threads", type=int, help="of the network and of log-mels (default: torch's)")
    arguments.add_argument("--compile", action="store_true", help="time torch.compile as well")
    options = arguments.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    weights = Path(options.run) if options.run else builtin.require_weights().path
    print(f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    one_clip(weights, options.rounds, options.compile)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hour.wav"
        if options.hours:
            make_hour(file)
        for _ in range(options.hours):
            an_hour(file, weights)


def one_clip(weights: Path, rounds: int, compiled: bool) -> None:
    """Every route that gives what PyTorch gives, in turn: its network alone, and a clip from WAV bytes to probabilities; medians."""
    routes = routes_of(weights, compiled)
    for batch in BATCHES:
        images = next(iter(routes.values())).probe_images.repeat(-(-batch // 8), 1, 1, 1)[:batch]
        tell(
            f"network, {batch} clips",
            in_turn({name: partial(each.network, images) for name, each in routes.items()}, rounds),
        )
    sound = np.random.default_rng(0).standard_normal(round(RATE * SECONDS)) * 0.1
    encoded = io.BytesIO()
    soundfile.write(encoded, sound, RATE, format="WAV")
    wav = encoded.getvalue()
    ways = {name: partial(each.classifier.classify, wav) for name, each in routes.items()}
    tell(f"one clip of {SECONDS:g} s, WAV bytes to probabilities", in_turn(ways, rounds))


class Routed:
    """A classifier by one route."""

    def __init__(self, classifier: Classifier, workspace: Workspace, name: str) -> None:
        self.classifier = classifier
        self.choice = find_now(classifier, workspace, name)
        self.probe_images = Probe(classifier, classifier.routes.eager(classifier)).images[:8]

    @torch.inference_mode()
    def network(self, images: torch.Tensor) -> None:
        self.classifier.routes.taken.logits(images)


def routes_of(weights: Path, compiled: bool) -> dict[str, Routed]:
    made: dict[str, Routed] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in (each for each in WORDS if compiled or each != "compile"):
            try:
                made[name] = Routed(Classifier.load(weights, "cpu"), Workspace(Path(folder)), name)
            except LabError as error:
                print(f"{name}: {error.what}")
    return made


def in_turn(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, round after round."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, work in ways.items():
            for _ in range(CLIPS if number else 2):
                start = time.perf_counter()
                work()
                if number:  # the first round is the warm-up
                    seconds[way].append(time.perf_counter() - start)
    return seconds


def tell(what: str, seconds: dict[str, list[float]]) -> None:
    base = median(seconds["eager"])
    for way, taken in seconds.items():
        low, high = 1000 * np.quantile(taken, [0.25, 0.75])
        print(
            f"{what}, {way}: {1000 * median(taken):.2f} ms (quartiles {low:.2f} to {high:.2f}), {median(taken) / base:.2f} of eager"
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
