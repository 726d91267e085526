"""What a check of a data set takes, and which copies of a sound it finds.

    python benchmarks/dataset_check.py [--data FOLDER] [--copies 80]

First the data set is checked as it is, twice: the second time nothing is decoded. Then copies of drawn clips are added, each in another
format, at another rate, gain or offset, and it is printed how far their fingerprints lie from those of the clips they were made of, how far
the waveforms agree, and how many are found.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from _common import machine, parser, workspace

from labcore.audio import decode, resample
from labcore.datasets import check_dataset, read_dataset
from labcore.datasets.checks.copies import NEAR_DB, SAME
from labcore.datasets.checks.fingerprint import BANDS, LOW_BANDS, WIDE_RATE, comparable
from labcore.datasets.checks.going_through import Measurements
from labcore.datasets.checks.kept import Kept
from labcore.datasets.checks.measure import Measured
from labcore.datasets.table import Dataset
from labcore.workspace import Workspace

Sound = tuple[np.ndarray, int]


def encoded(sound: Sound, format: str, subtype: str, quality: float | None = None) -> Sound:
    """A sound after it was encoded; ``quality`` is libsndfile's, 0 the best and 1 the worst."""
    content = io.BytesIO()
    more = {} if quality is None else {"compression_level": quality}
    soundfile.write(content, sound[0], sound[1], format=format, subtype=subtype, **more)
    return soundfile.read(io.BytesIO(content.getvalue()), dtype="float32")


COPIES: dict[str, Callable[[Sound], Sound]] = {
    "MP3": lambda sound: encoded(sound, "MP3", "MPEG_LAYER_III"),
    "MP3, lowest quality but one": lambda sound: encoded(sound, "MP3", "MPEG_LAYER_III", 0.9),
    "Vorbis, lowest quality but one": lambda sound: encoded(sound, "OGG", "VORBIS", 0.9),
    "gain of -20 dB": lambda sound: (0.1 * sound[0], sound[1]),
    "offset of 5 %": lambda sound: (0.5 * sound[0] + 0.05, sound[1]),
    "16 kHz": lambda sound: (resample(sound[0], sound[1], 16_000), 16_000),
    "8 kHz": lambda sound: (resample(sound[0], sound[1], 8_000), 8_000),
    "0.1 s cut off at the beginning": lambda sound: (sound[0][sound[1] // 10 :], sound[1]),
    "0.1 s of silence before": lambda sound: (np.pad(sound[0], (sound[1] // 10, 0)), sound[1]),
}


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--copies", type=int, default=80, help="so many clips are copied (default: %(default)s)")
    options = arguments.parse_args()
    print(machine(), flush=True)
    dataset = read_dataset(Path(options.data))
    check_twice(dataset, workspace(options.home))
    with tempfile.TemporaryDirectory() as folder:
        measured = Measurements(dataset, Kept())
        measured.measure(lambda done, total: None)
        tell_nearest(measured)
        rows = np.random.default_rng(0).permutation(len(dataset))[: options.copies].tolist()
        print("\n| copy | fingerprint, median / largest | agreement, median / least | found |\n|---|---|---|---|")
        for number, (name, change) in enumerate(COPIES.items()):
            print(row_of(name, dataset, measured, with_copies(dataset, rows, change, Path(folder) / str(number)), rows))


def check_twice(dataset: Dataset, home: Workspace) -> None:
    for which in ("first", "second"):
        began, cpu = time.perf_counter(), time.process_time()
        health = check_dataset(dataset, workspace=home)
        seconds, of_cpu = time.perf_counter() - began, time.process_time() - cpu
        print(f"{which} check of {len(dataset)} clips: {seconds:.1f} s, {of_cpu:.1f} s of the processor")
    for finding in health.found:
        print(f"{finding.level}: {finding.sentence} {' '.join(Path(path).name for path in finding.files[:4])}")


def tell_nearest(measured: Measurements) -> None:
    prints = np.stack([each.fingerprint for each in measured.found if isinstance(each, Measured)])
    points = comparable(prints, BANDS)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    least = distance.min(axis=1)
    low, median = np.quantile(least, [0.01, 0.5])
    print(f"nearest other clip: {least.min():.2f} dB at least, 1 % within {low:.2f}, median {median:.2f}")


def with_copies(dataset: Dataset, rows: list[int], change: Callable[[Sound], Sound], folder: Path) -> Dataset:
    """The data set and copies of some of its clips, each a recording of its own in another fold."""
    folder.mkdir()
    copies = dataset.table.iloc[rows].copy()
    for number, path in enumerate(copies["path"].tolist()):
        waveform, rate = change(decode(path))
        soundfile.write(folder / f"{number}.wav", waveform, rate, subtype="FLOAT")
    copies["path"] = [str(folder / f"{number}.wav") for number in range(len(rows))]
    copies["group"] = [f"copy {number}" for number in range(len(rows))]
    copies["fold"] = "copies"
    return replace(dataset, table=pd.concat([dataset.table, copies], ignore_index=True))


def row_of(name: str, dataset: Dataset, before: Measurements, planted: Dataset, rows: list[int]) -> str:
    measured = Measurements(planted, Kept(dict(before.kept.found)))
    measured.measure(lambda done, total: None)
    measured.compare(lambda done, total: None)
    found, first = measured.found, len(dataset)
    pairs = {(row, first + number) for number, row in enumerate(rows)}
    low = any(isinstance(each, Measured) and each.rate < WIDE_RATE for each in found)
    points = comparable(
        np.stack([each.fingerprint for each in found if isinstance(each, Measured)]), LOW_BANDS if low else BANDS
    )
    apart = [float(np.linalg.norm(points[one] - points[other])) for one, other in pairs]
    agreement = [agree for one, other in pairs if (agree := measured.agreement(one, other)) is not None]
    same = set(measured.same())
    told = f"{np.median(agreement):.3f} / {min(agreement):.3f}" if agreement else "-"
    return f"| {name} | {np.median(apart):.2f} / {max(apart):.2f} dB | {told} | {len(pairs & same)} of {len(pairs)} |"


if __name__ == "__main__":
    print(f"near: within {NEAR_DB:g} dB; the same: agreement of at least {SAME:g}")
    main()
