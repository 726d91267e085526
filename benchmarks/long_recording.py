"""How long it takes to open an hour of 44.1 kHz stereo, and how much memory: facts and overview, then ten seconds of detail.

    python benchmarks/long_recording.py
    python benchmarks/long_recording.py --formats wav flac --minutes 10
    python benchmarks/long_recording.py --answers                         # instead: what it takes to classify such recordings
    python benchmarks/long_recording.py --answers silence --ways page

The recording is made here (decaying chords over coloured noise) and written into a temporary folder; writing is not timed, and
takes two minutes for the hour of MP3. Each opening happens in a fresh process that has done nothing but its imports, the
formats in turn, round after round. Prints the median and quartiles of:

* ``overview``: ``labcore.audio.overview.overview``, all of the file;
* ``its CPU time``: of all threads; well above twice the time means that something else was at work, too;
* ``detail``: ``Recording.channels``, ten seconds from the middle;
* the peak memory of the process (most of its own: interpreter, numpy) and how much of it the opening added.

With ``--answers`` the network that travels with the lab classifies, once each and in a process of its own: 5.9 h of silence as FLAC
(``silence``), 2 MB of noise as WAV at 100 Hz (``slow``), and an hour of the chords above as FLAC (``hour``); as the Classify page does
(``page``), with ``labcore classify`` (``cli``), and by the REST service (``rest``, its limits of length, time and windows raised).
Memory is what a recording adds to the peak of a process that has answered a clip of a second.
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
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from labcore.audio import Limits, Recording, probe
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
    detail, _ = Recording(path, start_s=facts.info.seconds / 2, end_s=facts.info.seconds / 2 + 10).channels()
    assert detail.shape == (2, 10 * RATE)
    print(json.dumps([seconds, work, time.perf_counter() - started, peak, peak - own]))


# --- answers

CASES = ("silence", "slow", "hour")
WAYS = ("page", "cli", "rest")
LONGEST_S = 6 * 3600.0


def write_case(path: Path, minutes: int) -> None:
    """5.9 h of silence, 2 MB at 100 Hz, or the chords of :func:`minute`."""
    if path.stem == "hour":
        write(path, minutes, minute())
    elif path.stem == "silence":
        with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC", subtype="PCM_16") as file:
            for _ in range(round(5.9 * 60)):
                file.write(np.zeros(60 * RATE, dtype=np.int16))
    else:
        noise = np.random.default_rng(1).normal(0, 0.1, 1 << 20).astype(np.float32)
        soundfile.write(path, noise[: (1 << 20) if path.stem == "slow" else RATE], 100 if path.stem == "slow" else RATE)


def answerer(way: str) -> Callable[[Path], int]:
    """What answers a file: the number of windows that were heard."""
    from labcore import builtin

    if way == "page":
        from labcore.inference.classifier import Classifier

        classifier = Classifier.load(builtin.RUN.path, device="cpu")
        limits = Limits(max_seconds=LONGEST_S, max_bytes=2**30, max_channels=32, max_samples=2**29)
        return lambda path: len(classifier.classify(path.read_bytes(), name=path.name, limits=limits).windows)
    if way == "cli":
        return by_command
    from starlette.testclient import TestClient

    from labcore.api import classify
    from labcore.api.app import create_app
    from labcore.serving.model_registry import ModelRegistry
    from labcore.serving.settings import ServiceSettings

    classify.MOST_WINDOWS = 10**5
    settings = ServiceSettings(max_seconds=LONGEST_S, timeout_s=3600.0, memory_bytes=2**34, max_bytes=2**30)
    client = TestClient(
        create_app(ModelRegistry([str(builtin.RUN.path)], Path, "cpu"), settings), base_url="http://localhost"
    )
    client.__enter__()

    def ask(path: Path) -> int:
        body, head = path.read_bytes(), {"content-type": "application/octet-stream"}
        told = client.post("/v1/classify", content=body, headers=head)
        told.raise_for_status()
        return len(told.json()["results"][0].get("windows", ()))

    return ask


def by_command(path: Path) -> int:
    from labcore import builtin
    from labcore.cli.main import main as labcore

    table = path.with_suffix(".jsonl")
    labcore(["classify", str(path), "--run", str(builtin.RUN.path), "--device", "cpu", "--output", str(table)])
    windows = len(json.loads(table.read_text()).get("windows", ()))
    for left in (table, table.with_name(f".{table.name}.answers.jsonl")):
        left.unlink()
    return windows


def answer_once(way: str, path: Path, short: Path) -> None:
    """In the fresh process: answer a clip of a second, then the recording; print windows, seconds and memory as JSON."""
    ask = answerer(way)
    ask(short)
    own, started = peak_memory(), time.perf_counter()
    windows = ask(path)
    print(json.dumps([windows, time.perf_counter() - started, peak_memory() - own, own]))


def compare_answers(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        short = Path(folder) / "second.wav"
        write_case(short, 0)
        print(f"{usable_cores()} cores, {cpu_name()}, load average {os.getloadavg()[0]:.1f}", flush=True)
        for case in arguments.answers or CASES:
            path = Path(folder) / f"{case}.{'wav' if case == 'slow' else 'flac'}"
            write_case(path, arguments.minutes)
            for way in arguments.ways:
                command = [sys.executable, __file__, "--open", str(path), "--way", way, "--short", str(short)]
                told = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                windows, seconds, added, own = json.loads(told.stdout.splitlines()[-1])
                print(
                    f"{case:8s} {path.stat().st_size / 1e6:4.0f} MB  {way:5s} {windows:5d} windows {seconds:6.0f} s   "
                    f"{added:5.0f} MB added to {own:.0f} MB",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument(
        "--folder", type=Path, help="where the files are written; the system's temporary folder by default"
    )
    parser.add_argument("--answers", nargs="*", choices=CASES, help="classify such recordings; all where none is named")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    for hidden in ("--open", "--short"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        answer_once(arguments.way, arguments.open, arguments.short) if arguments.way else open_once(arguments.open)
        return
    print(shlex.join(["python", *sys.argv]))
    if arguments.answers is not None:
        compare_answers(arguments)
        return
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
