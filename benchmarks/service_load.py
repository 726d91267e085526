"""How much of offline batch inference a service keeps with many clients at once, and what it does when there are too many.

Everything runs on this machine, over real HTTP on loopback: the service as a process of its own, the clients in another. Offline and
service take turns; the network is the default one with fresh weights, since weights do not change the time.

The figure that is asked for is the raw ratio, clips a second of the service over those of the fastest offline way: clients cost the
processor too, and are counted against the service. On a machine that others use the ratio of the processor's time says more, since a
program with more threads gets a larger share there; it stands beside the raw one, with and without the clients.

    python benchmarks/service_load.py --data ../shared/data/esc10
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labcore.workspace import Workspace

CLIENTS, CROWD = 32, 256
WAYS = ("one by one", "batches of 32", "labcore classify")


# --- offline: in a process of its own each time, so that neither disturbs the other


class Clock:
    """Seconds from its making on, by the clock on the wall and of this process's threads together."""

    def __init__(self) -> None:
        self._began, self._processor = time.perf_counter(), time.process_time()

    def taken(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._began, "processor": time.process_time() - self._processor}


def offline(weights: Path, files: list[Path], way: str) -> dict[str, float]:
    """The time from files to answers, decoding beside the network in all ways."""
    from labcore.audio import quantise
    from labcore.audio.ahead import decode_ahead
    from labcore.batch.predicting import predict_files
    from labcore.device import usable_cores
    from labcore.inference.classifier import Classifier

    classifier = Classifier.load(weights)
    classifier.classify(files[0])
    clock = Clock()
    if way == "labcore classify":
        answers = [answer for _, answer in predict_files(classifier, files)]
        assert not any("error" in answer for answer in answers)
        return clock.taken()
    waiting: list = []
    for _, sound in decode_ahead(files, classifier.sample_rate, usable_cores()):
        if way == "one by one":
            classifier.classify_waveform(sound.waveform)
            continue
        samples, scale = quantise(sound.waveform)
        bounds = classifier.windows_of(len(samples))
        waiting.append((samples, bounds, classifier.input_windows(samples, scale, bounds)))
        if len(waiting) == 32:
            _answer_batch(classifier, waiting)
    if waiting:
        _answer_batch(classifier, waiting)
    return clock.taken()


def _answer_batch(classifier, waiting: list) -> None:
    rows = classifier.predict_proba(np.concatenate([windows for _, _, windows in waiting]))
    first = 0
    for samples, bounds, _ in waiting:
        classifier.prediction(samples, bounds, rows[first : first + len(bounds)])
        first += len(bounds)
    waiting.clear()


# --- clients


@dataclass
class Load:
    """What clients saw: status and seconds of each request, and the time from first to last."""

    answers: list[tuple[int, float]]
    taken: dict[str, float]


def clients(port: int, bodies: list[bytes], count: int, requests: int, polite: bool) -> Load:
    """``count`` clients, each asking again as soon as it was answered, until ``requests`` were sent together.

    Args:
        polite: who is told to ask later does so later, as ``Retry-After`` says.
    """
    heads = [
        b"POST /v1/classify?windows=none HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
        for body in bodies
    ]
    tickets, answers = iter(range(requests)), []
    drawing = threading.Lock()

    def client(number: int) -> None:
        picks, connection = random.Random(number), None
        while True:
            with drawing:
                if next(tickets, None) is None:
                    break
            pick = picks.randrange(len(bodies))
            began = time.perf_counter()
            status, later, close = 0, 0.0, True
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as every client of HTTP does
                connection.sendall(heads[pick])
                connection.sendall(bodies[pick])
                head, _, rest = _head_of(connection).partition(b"\r\n\r\n")
                lines = {k.lower(): v for k, _, v in (line.partition(b": ") for line in head.split(b"\r\n"))}
                missing = int(lines[b"content-length"]) - len(rest)
                while missing > 0:
                    missing -= len(connection.recv(missing))
                status, later = int(head.split(b" ", 2)[1]), float(lines.get(b"retry-after", b"0"))
                close = lines.get(b"connection", b"").lower() == b"close"
            except (OSError, KeyError):
                pass
            if close and connection is not None:
                connection.close()
                connection = None
            answers.append((status, time.perf_counter() - began))
            if polite:
                time.sleep(later)
        if connection is not None:
            connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    clock = Clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(answers, clock.taken())


def _head_of(connection: socket.socket) -> bytes:
    content = b""
    while b"\r\n\r\n" not in content:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("the connection ended")
        content += piece
    return content


# --- the processes


class Service:
    """``labcore serve`` on a free port."""

    def __init__(self, weights: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "labcore", "serve", "--run", str(weights), "--port", "0", "--json", "--device", "cpu", *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["url"].rpartition(":")[2])

    def memory_mb(self) -> float:
        import psutil

        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def processor_seconds(self) -> float:
        import psutil

        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def run_part(*words: str) -> dict:
    """A part of this script in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    return json.loads(done.stdout.splitlines()[-1])


def fresh_weights(folder: Path, seconds: float) -> Path:
    import torch

    from labcore.config import RunConfig
    from labcore.inference.classifier import Classifier

    torch.manual_seed(0)
    classifier = Classifier(RunConfig().replace({"audio.clip_seconds": seconds}), [f"class {i}" for i in range(10)])
    classifier.remember(np.random.default_rng(0).normal(0, 0.1, (4, classifier.config.clip_samples)).astype(np.float32))
    classifier.save(folder / "weights.safetensors")
    return folder / "weights.safetensors"


def as_wav(files: list[Path], folder: Path, seconds: float) -> list[Path]:
    """The same clips as WAV at their own rate, 16 bit, of exactly so many seconds."""
    from labcore.audio import decode, encode_wav

    made = []
    for file in files:
        waveform, rate = decode(file)
        target = folder / f"{file.stem}.wav"
        target.write_bytes(encode_wav(np.resize(waveform, round(seconds * rate)), rate))
        made.append(target)
    return made


def percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else float("nan")


def compare(weights: Path, files: list[Path], rounds: int, requests: int, folder: Path, kind: str) -> None:
    listed = folder / f"{kind}.txt"
    listed.write_text("\n".join(map(str, files)))
    rates: dict[str, list[float]] = {way: [] for way in (*WAYS, "service")}
    costs: dict[str, list[float]] = {way: [] for way in (*WAYS, "service", "its clients")}  # ms of the processor a clip
    latencies, alone, statuses = [], [], Counter()
    service = Service(weights)
    ask = ("--clients-of", str(service.port), "--files", str(listed))

    def note(way: str, clips: int, taken: dict[str, float]) -> None:
        rates[way].append(clips / taken["seconds"])
        costs[way].append(1000 * taken["processor"] / clips)

    try:
        run_part(*ask, "--count", str(CLIENTS), "--requests", "64")
        for number in range(rounds):
            order = [*WAYS, "service"]
            for way in order if number % 2 else reversed(order):
                if way != "service":
                    rest = ("--weights", str(weights), "--files", str(listed), "--requests", str(requests))
                    note(way, requests, run_part("--offline", way, *rest))
                    continue
                before = service.processor_seconds()
                seen = run_part(*ask, "--count", str(CLIENTS), "--requests", str(requests))
                taken = {**seen["taken"], "processor": service.processor_seconds() - before}
                good = [seconds for status, seconds in seen["answers"] if status == 200]
                statuses.update(status for status, _ in seen["answers"])
                latencies += good
                note(way, len(good), taken)
                costs["its clients"].append(1000 * seen["taken"]["processor"] / len(good))
            seen = run_part(*ask, "--count", "1", "--requests", "40")
            alone += [seconds for _, seconds in seen["answers"]]
    finally:
        service.close()
    print(f"\n{kind}, {len(files)} clips, {rounds} rounds of {requests}, {CLIENTS} clients\n")
    tell(rates, costs)
    print(f"\nanswers {dict(statuses)}; milliseconds a request: median {1000 * percentile(latencies, 50):.0f}, "
          f"p95 {1000 * percentile(latencies, 95):.0f}, p99 {1000 * percentile(latencies, 99):.0f}; "
          f"of one client alone: median {1000 * percentile(alone, 50):.1f}")  # fmt: skip


def tell(rates: dict[str, list[float]], costs: dict[str, list[float]]) -> None:
    """The table: each way, and the service over the offline ways, round by round."""

    def spread(values: list[float], digits: int) -> str:
        return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"

    print("| | clips/s, median (lowest to highest) | ms of the processor a clip |\n|---|---|---|")
    for way, values in costs.items():
        print(f"| {way} | {spread(rates[way], 1) if way in rates else ''} | {spread(values, 2)} |")
    best = max(WAYS, key=lambda way: statistics.median(rates[way]))
    least = min(WAYS, key=lambda way: statistics.median(costs[way]))
    raw = [a / b for a, b in zip(rates["service"], rates[best], strict=True)]
    own = [b / a for a, b in zip(costs["service"], costs[least], strict=True)]
    both = [b / (a + c) for a, b, c in zip(costs["service"], costs[least], costs["its clients"], strict=True)]
    print(f"| service over the fastest offline way ({best}) | {spread(raw, 3)} | |")
    print(f"| the least work offline ({least}) over the work of the service | | {spread(own, 3)} |")
    print(f"| the same, the clients' work with the service's | | {spread(both, 3)} |")


def overload(weights: Path, files: list[Path], requests: int, folder: Path, polite: bool) -> None:
    listed = folder / "overload.txt"
    listed.write_text("\n".join(map(str, files)))
    service = Service(weights, "--max-clips", "64")
    ask = ("--clients-of", str(service.port), "--files", str(listed))
    try:
        run_part(*ask, "--count", str(CLIENTS), "--requests", "64")
        before = service.memory_mb()
        seen = run_part(*ask, "--count", str(CROWD), "--requests", str(requests), *(("--polite",) if polite else ()))
        after = service.memory_mb()
    finally:
        service.close()
    manner = "who ask later when told to" if polite else "who ask again at once"
    good, seconds = sum(status == 200 for status, _ in seen["answers"]), seen["taken"]["seconds"]
    print(f"\noverload: {CROWD} clients {manner}, 64 clips in hand at most, {requests} requests in {seconds:.1f} s: "
          f"{good / seconds:.0f} clips/s answered; memory {before:.0f} MiB before, {after:.0f} MiB after\n")  # fmt: skip
    print("| answer | requests | median ms | p99 ms |\n|---|---|---|---|")
    for status in sorted({status for status, _ in seen["answers"]}):
        values = [1000 * seconds for code, seconds in seen["answers"] if code == status]
        print(
            f"| {status or 'connection lost'} | {len(values)} | {percentile(values, 50):.0f} | {percentile(values, 99):.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", default="../shared/data/esc10", help="a folder with sound files of 5 s (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a clip")
    for name in ("--offline", "--clients-of", "--files", "--weights"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--polite", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    listed = [Path(line) for line in Path(options.files).read_text().splitlines()] if options.files else []
    if options.offline:
        files = [listed[number % len(listed)] for number in range(options.requests)]
        print(json.dumps(offline(Path(options.weights), files, options.offline)))
        return
    if options.clients_of:
        bodies = [file.read_bytes() for file in listed]
        seen = clients(int(options.clients_of), bodies, options.count, options.requests, options.polite)
        print(json.dumps({"answers": seen.answers, "taken": seen.taken}))
        return
    from _common import machine

    print(machine())
    files = sorted(path for path in Path(options.data).rglob("*") if path.suffix in (".ogg", ".wav", ".flac"))[:200]
    if not files:
        parser.error(f"there are no clips in {options.data}: name a folder of some with --data")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = fresh_weights(Workspace(folder).cache, options.seconds)
        wavs = as_wav(files, folder, options.seconds)
        compare(weights, wavs, options.rounds, options.requests, folder, "WAV")
        compare(weights, files, options.rounds, options.requests, folder, files[0].suffix[1:].upper())
        for polite in (True, False):
            overload(weights, wavs, 3 * options.requests, folder, polite)


if __name__ == "__main__":
    main()
