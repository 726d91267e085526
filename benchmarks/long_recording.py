"""How long it takes to open an hour of 44.1 kHz stereo, and how much memory: facts and overview, then ten seconds of detail.

    python benchmarks/long_recording.py
    python benchmarks/long_recording.py --formats wav flac --minutes 10

The recording is made here (decaying chords over coloured noise) and written into a temporary folder; writing is not timed, and
takes two minutes for the hour of MP3. Each opening happens in a fresh process that has done nothing but its imports, the
formats in turn, round after round. Prints the median and quartiles of:

* ``overview``: ``labcore.audio.overview.overview``, all of the file;
* ``its CPU time``: of all threads; well above twice the time means that something else was at work, too;
* ``detail``: ``labcore.audio.decode_channels``, ten seconds from the middle;
* the peak memory of the process (most of its own: interpreter, numpy) and how much of it the opening added.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from labcore.audio import decode_channels, probe
from labcore.audio.overview import overview
from labcore.device import cpu_name, usable_cores

RATE = 44100
FORMATS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", None)}
PIECE = 16384  # frames written at once: libvorbis keeps what it is given on the stack


def minute() -> np.ndarray:
    """float32 (frames, 2): a chord each half second, decaying, over noise that falls by 6 dB an octave."""
    draw = np.random.default_rng(4)
    frames = 60 * RATE
    spectrum = np.fft.rfft(draw.standard_normal((frames, 2)), axis=0)
    spectrum /= np.maximum(np.arange(len(spectrum)), 60 * 50)[:, None]
    sound = np.fft.irfft(spectrum, frames, axis=0)
    sound *= 0.02 / np.sqrt(np.mean(sound**2))
    chord = np.arange(RATE // 2) / RATE
    for number in range(120):
        pitch = 110 * 2 ** (draw.integers(0, 25, 3) / 12)
        tones = sum(np.sin(2 * np.pi * pitch * part * chord[:, None]).sum(axis=1) / part**1.5 for part in range(1, 9))
        at = number * len(chord)
        sound[at : at + len(chord)] += 0.08 * (tones * np.exp(-6 * chord))[:, None] * draw.uniform(0.3, 1, 2)
    return np.clip(sound, -1, 1).astype(np.float32)


def write(path: Path, minutes: int, sound: np.ndarray) -> None:
    container, codec = FORMATS[path.suffix[1:]]
    with soundfile.SoundFile(path, "w", RATE, 2, format=container, subtype=codec) as file:
        for _ in range(minutes):
            for at in range(0, len(sound), PIECE):
                file.write(sound[at : at + PIECE])


def peak_memory() -> float:
    """Of this process so far, in MB. On Linux getrusage() tells the peak of the process that started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) * 1024e-6
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def open_once(path: Path) -> None:
    """In the fresh process: measure, and print it as JSON."""
    own = peak_memory()
    started, work = time.perf_counter(), time.process_time()
    facts, picture = overview(path)
    seconds, work = time.perf_counter() - started, time.process_time() - work
    peak = peak_memory()
    assert picture.low.shape == (2, 2000)
    assert facts.loudness_lufs is not None
    started = time.perf_counter()
    detail, _ = decode_channels(path, start_s=facts.info.seconds / 2, end_s=facts.info.seconds / 2 + 10)
    assert detail.shape == (2, 10 * RATE)
    print(json.dumps([seconds, work, time.perf_counter() - started, peak, peak - own]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument(
        "--folder", type=Path, help="where the files are written; the system's temporary folder by default"
    )
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        open_once(arguments.open)
        return
    print(shlex.join(["python", *sys.argv]))
    sound = minute()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        paths = [Path(folder) / f"long.{ending}" for ending in arguments.formats]
        for path in paths:
            write(path, arguments.minutes, sound)
        print(f"{probe(paths[0]).seconds / 60:g} min, {RATE} Hz stereo, {usable_cores()} cores, {cpu_name()}")
        print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
        figures: dict[Path, list[list[float]]] = {path: [] for path in paths}
        for turn in range(arguments.rounds + 1):  # the first warms the file cache and is not counted
            for path in paths:
                command = [sys.executable, __file__, "--open", str(path)]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                if turn:
                    figures[path].append(json.loads(told))
        for path in paths:
            low, middle, high = np.percentile(figures[path], [25, 50, 75], axis=0)
            print(
                f"{path.suffix[1:]:5s} {path.stat().st_size / 1e6:4.0f} MB   "
                f"overview {middle[0]:5.2f} s ({low[0]:.2f} to {high[0]:.2f})   its CPU time {middle[1]:5.2f} s   "
                f"detail {1e3 * middle[2]:4.0f} ms   peak memory {middle[3]:.0f} MB, {middle[4]:.0f} MB of it added"
            )
        print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
