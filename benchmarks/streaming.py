"""Clips a second from a clip store that does not lie in memory, beside those from one that does, and what the network takes.

    python benchmarks/streaming.py [--gigabytes 2] [--folder FOLDER] [--batches 40]

A file in the form of the clip store's ``samples.i16`` is written in the folder (noise; it is removed at the end), and random batches
of windows are cut from it as the training loop does, through ``labcore.inference.resident_clips.ResidentClips``:

- warm: the file was read before and lies in the page cache;
- cold: the kernel was told to forget the file (posix_fadvise DONTNEED) and every clip is cut once, so each comes from the disk,
  as it does for data much larger than memory;
- and the same as whole training steps (cut, log-mel, network), which is what counts: the share of a step that waiting for the disk adds.

How much of the file the page cache holds (by mincore) is printed beside each: a disk may have a cache of its own underneath.
With a limit on memory in place of forgetting: ``systemd-run --user --scope -p MemoryMax=1G python benchmarks/streaming.py``.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from _common import machine
from torch import Tensor
from torch.nn.functional import cross_entropy

from labcore.config import RunConfig
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import ResidentClips, random_starts

BATCH = 32
LABELS = [str(number) for number in range(10)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0, help="size of the store (default: %(default)s)")
    parser.add_argument("--clip-seconds", type=float, default=5.0, help="length of its clips (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=40, help="so many are cut a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each kind, in turn (default: %(default)s)")
    parser.add_argument("--folder", default=".", help="where the store is written (default: here)")
    options = parser.parse_args()
    config = RunConfig().replace({"audio.clip_seconds": options.clip_seconds})
    print(machine())
    with TemporaryDirectory(dir=options.folder, prefix="streaming-") as folder:
        path, clips = Path(folder) / "samples.i16", round(options.gigabytes * 1e9 / 2 / config.clip_samples)
        write(path, clips, config.clip_samples)
        batches = min(options.batches, clips // BATCH)
        print(
            f"{clips} clips of {options.clip_seconds:g} s at {config.sample_rate} Hz, {path.stat().st_size / 1e9:.2f} GB; "
            f"{batches} random batches of {BATCH} a round, median of {options.rounds} rounds"
        )
        compare(config, path, clips, batches, options.rounds)


def compare(config: RunConfig, path: Path, clips: int, batches: int, rounds: int) -> None:
    """Measure in turn, print a line for each."""
    classifier = Classifier(config, LABELS).train()
    step = stepper(classifier)
    noise = torch.randn(BATCH, config.clip_samples)
    step(noise)
    rates: dict[str, list[float]] = {}
    held: dict[str, float] = {}
    for number in range(rounds):
        for kind in ("warm", "cold"):
            for what, work in (("cuts", lambda waveforms: None), ("whole steps", step)):
                name = f"{what}, {kind}"
                (warm if kind == "warm" else forget)(path)
                held[name] = resident(path)
                rates.setdefault(name, []).append(measure(config, path, clips, batches, number, work))
        start = time.perf_counter()
        for _ in range(batches):
            step(noise)
        rates.setdefault("network and log-mel alone", []).append(batches * BATCH / (time.perf_counter() - start))
    size = 2 * config.clip_samples / 1e6
    for name, values in rates.items():
        cached = f"  {100 * held[name]:3.0f} % in the page cache at the start" if name in held else ""
        print(f"{name:26} {median(values):8.0f} clips/s {median(values) * size:7.0f} MB/s{cached}")
    needed = median(rates["network and log-mel alone"])
    print(f"cold cuts give {median(rates['cuts, cold']) / needed:.1f} times what the network takes")
    slower = 1 - median(rates["whole steps, cold"]) / median(rates["whole steps, warm"])
    print(f"whole steps from the disk are {100 * slower:.0f} % slower than from memory")


def measure(
    config: RunConfig, path: Path, clips: int, batches: int, seed: int, work: Callable[[Tensor], object]
) -> float:
    """Clips a second over random batches, no clip twice. The file is mapped anew: pages that a process has mapped are not forgotten."""
    samples = torch.from_numpy(np.memmap(path, dtype=np.int16, mode="c"))
    offsets = torch.arange(clips + 1) * config.clip_samples
    resident = ResidentClips(samples, offsets, torch.full((clips,), 1 / 32768), torch.device("cpu"))
    shift = round(config.augment.time_shift_seconds * config.sample_rate)
    torch.manual_seed(seed)
    order = torch.randperm(clips)
    start = time.perf_counter()
    for number in range(batches):
        rows = order[number * BATCH : (number + 1) * BATCH]
        starts = random_starts(resident.lengths[rows], config.clip_samples, shift)
        work(resident.windows(rows, starts, config.clip_samples, around=True))
    return batches * BATCH / (time.perf_counter() - start)


def stepper(classifier: Classifier) -> Callable[[Tensor], object]:
    """A training step of the default network on a batch of waveforms: (batch, samples)."""
    optimizer = torch.optim.SGD(classifier.network.parameters(), lr=1e-3)
    targets = torch.arange(BATCH) % len(LABELS)

    def step(waveforms: Tensor) -> None:
        with torch.no_grad():
            images = classifier.log_mel(waveforms)[:, None]
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(classifier.network(images), targets).backward()
        optimizer.step()

    return step


def write(path: Path, clips: int, samples: int) -> None:
    """Noise: a sparse or compressible file would be read too quickly."""
    generator = np.random.default_rng(0)
    with path.open("wb", buffering=0) as file:
        for _ in blocks(clips):
            file.write(generator.integers(-20000, 20000, (64, samples), dtype=np.int16).tobytes())
        file.truncate(2 * clips * samples)
        os.fsync(file.fileno())


def blocks(clips: int) -> Iterator[int]:
    return iter(range(0, clips, 64))


def warm(path: Path) -> None:
    """Read the file once, so that it lies in the page cache where it fits."""
    with path.open("rb", buffering=0) as file:
        while file.read(2**24):
            pass


def forget(path: Path) -> None:
    """Ask the kernel to drop the file from the page cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(path: Path) -> float:
    """The share of a file that lies in the page cache (mincore), without touching it."""
    size = path.stat().st_size
    pages = -(-size // mmap.PAGESIZE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as mapped:
        states = (ctypes.c_ubyte * pages)()
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        failed = ctypes.CDLL(None).mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), states)
        return float("nan") if failed else float((np.frombuffer(states, np.uint8) & 1).mean())


if __name__ == "__main__":
    main()
