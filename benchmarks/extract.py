"""`labcore extract` beside what a shell script would do, and beside decoding alone, alternating in one run.

    python benchmarks/extract.py ../shared/data/esc10

Measured in turn, round after round:

* ``decoding``: every file through ``labcore.audio.decode`` at the front end's rate, in as many processes as there are cores (of a
  pool that is running already), the results dropped: the bound, since nothing can be faster than the files are read;
* ``labcore extract``: the command as a user gives it, a fresh process and an empty output folder;
* ``loop``: one process a file, as ``for f in …; do python mel.py $f; done`` does it, on a sample of the files and reckoned up to all
  of them: soundfile, soxr, torchaudio's MelSpectrogram, ``numpy.save``. ``loop, lean`` is the same with the mel by hand in NumPy,
  so that no torch is loaded: the quickest that such a script can be.

Prints medians with quartiles, files a second, and the ratios.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from labcore.audio import decode
from labcore.datasets.scan import find_audio
from labcore.device import cpu_name, usable_cores

ROOT = Path(__file__).resolve().parents[1]
READ = """
import sys, numpy as np, soundfile, soxr
samples, rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
mono = soxr.resample(samples.mean(1), rate, RATE)
"""
TORCH = (
    READ
    + """
import torch, torchaudio
mel = torchaudio.transforms.MelSpectrogram(RATE, n_fft=1024, hop_length=512, n_mels=64, pad_mode="constant")
np.save(sys.argv[2], 10 * torch.log10(mel(torch.from_numpy(mono)).clamp(min=1e-10)).numpy())
"""
)
LEAN = (
    READ
    + """
frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, 512), 1024)[::512] * np.hanning(1024)
power = np.abs(np.fft.rfft(frames)) ** 2
edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 1400), 66) / 2595) - 1)
bins = np.linspace(0, RATE / 2, 513)
bank = np.maximum(0, np.minimum((bins - edges[:-2, None]) / np.diff(edges)[:-1, None], (edges[2:, None] - bins) / np.diff(edges)[1:, None]))
np.save(sys.argv[2], 10 * np.log10(np.maximum(bank @ power.T, 1e-10)))
"""
)


def decode_one(job: tuple[str, int]) -> None:
    decode(job[0], job[1])


def loop(files: list[Path], rate: int, script: str) -> float:
    """Seconds of one process a file, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for number, file in enumerate(files):
            target = str(Path(folder) / f"{number}.npy")
            subprocess.run([sys.executable, "-c", script.replace("RATE", str(rate)), str(file), target], check=True)
        return time.perf_counter() - began


def command(source: Path, rate: int, more: list[str]) -> float:
    """Seconds of the command, from its start to its exit."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["extract", "--input", str(source), "--output", folder, "--audio.sample_rate", str(rate), *more]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "labcore", *words],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=int, default=22050, help="of the front end, in Hz")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=20, help="files that the loop is timed on")
    parser.add_argument("more", nargs="*", help="more flags of labcore extract, behind --")
    arguments = parser.parse_args()
    files = [arguments.folder.joinpath(*parts) for parts in find_audio(arguments.folder).files]
    sample = random.Random(0).sample(files, min(arguments.sample, len(files)))
    scale = len(files) / len(sample)
    jobs = [(str(file), arguments.rate) for file in files]
    with ProcessPoolExecutor(usable_cores(), multiprocessing.get_context("spawn")) as pool:

        def decoding() -> float:
            began = time.perf_counter()
            list(pool.map(decode_one, jobs, chunksize=8))
            return time.perf_counter() - began

        measurements: dict[str, Callable[[], float]] = {
            "decoding": decoding,
            "labcore extract": lambda: command(arguments.folder, arguments.rate, arguments.more),
            "loop": lambda: scale * loop(sample, arguments.rate, TORCH),
            "loop, lean": lambda: scale * loop(sample, arguments.rate, LEAN),
        }
        print(shlex.join(["python", *sys.argv]))
        print(f"{len(files)} files, loops on {len(sample)} of them, {cpu_name()}, load {os.getloadavg()[0]:.1f}")
        times: dict[str, list[float]] = {name: [] for name in measurements}
        for turn in range(arguments.rounds + 1):  # the first warms the file cache and is not counted
            for name, measure in measurements.items():
                seconds = measure()
                if turn or not arguments.rounds:
                    times[name].append(seconds)
    ours = np.array(times["labcore extract"])
    for name, seconds in times.items():
        low, middle, high = np.percentile(seconds, [25, 50, 75])
        print(
            f"{name:16s} {middle:8.2f} s ({low:.2f} to {high:.2f})  {len(files) / middle:8.1f} files/s"
            f"  {np.median(np.array(seconds) / ours):6.2f} times the command's time"
        )


if __name__ == "__main__":
    main()
