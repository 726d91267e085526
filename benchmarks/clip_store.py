"""How long building the clip store takes beside decoding alone, on all cores, alternating in one run.

    python benchmarks/clip_store.py ../shared/data/esc10

Measured in turn, round after round:

* ``decoding``: every file through ``soundfile.read`` on a pool of as many threads as there are cores, the results dropped;
* ``with resampling``: the same through ``labcore.audio.decode`` at the store's rate;
* ``clip store``: ``labcore.datasets.open_store`` into an empty folder: decode, resample, quantise, write, fsync.

Prints the median and quartiles of each and the ratios to the first, of the rounds one by one and of the medians.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from labcore.audio import decode
from labcore.datasets import Dataset, open_store, read_dataset
from labcore.device import cpu_name, usable_cores
from labcore.workspace import Workspace


def on_all_cores(work: Callable[[str], object], paths: list[str]) -> None:
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(lambda path: work(path) is None, paths):
            pass


def build(dataset: Dataset, sample_rate: int, folder: Path | None) -> float:
    """Seconds that a build takes; making and emptying the folder is not in them."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        started = time.perf_counter()
        open_store(Workspace(Path(home)), dataset, sample_rate)
        return time.perf_counter() - started


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rates", type=int, nargs="+", default=[32000], help="of the store, in Hz")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--folder", type=Path, help="where the stores are written; the system's temporary folder by default"
    )
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    paths = list(dataset.table["path"])
    measurements: dict[str, Callable[[], float]] = {
        "decoding": lambda: timed(lambda: on_all_cores(lambda path: soundfile.read(path, dtype="float32"), paths))
    }
    for rate in arguments.rates:
        measurements[f"with resampling, {rate} Hz"] = lambda rate=rate: timed(
            lambda: on_all_cores(lambda path: decode(path, rate), paths)
        )
        measurements[f"clip store, {rate} Hz"] = lambda rate=rate: build(dataset, rate, arguments.folder)
    print(f"{shlex.join(['python', *sys.argv])}")
    print(f"{len(paths)} clips, {usable_cores()} threads, {cpu_name()}, load {os.getloadavg()[0]:.1f}")
    times: dict[str, list[float]] = {name: [] for name in measurements}
    for turn in range(arguments.rounds + 1):  # the first warms the file cache and is not counted
        for name, measure in measurements.items():
            seconds = measure()
            if turn:
                times[name].append(seconds)
    base = np.array(times["decoding"])
    for name, seconds in times.items():
        low, middle, high = np.percentile(seconds, [25, 50, 75])
        ratios = np.array(seconds) / base
        print(
            f"{name:28s} {middle:6.2f} s ({low:.2f} to {high:.2f})   {middle / np.median(base):5.2f} times decoding"
            f"   (round by round {np.median(ratios):.2f}, {ratios.min():.2f} to {ratios.max():.2f})"
        )


if __name__ == "__main__":
    main()
