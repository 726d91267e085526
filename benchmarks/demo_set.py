"""How long the demo set takes to make, and what it takes to tell its classes apart.

    python benchmarks/demo_set.py                 # making time, nearest centroid, and the network on fold 1
    python benchmarks/demo_set.py --no-network    # without training

The nearest centroid knows each class by its mean spectrum alone: log-mel bands averaged over a clip, the mean of each class over the
training folds, Euclidean distance. A set that it solves would ask nothing of a network; the network must stand at least 15 points
above it.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from labcore.datasets.demo import CLASSES, make_demo

N_FFT, N_MELS, LEAST_LEAD = 1024, 64, 0.15


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """A mono WAV of 16 bits: samples within ±1, (samples,), and their rate in Hz."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768), file.getframerate()


def mel_matrix(rate: int) -> np.ndarray:
    """Triangles, evenly spaced in mel from 50 Hz to 14 kHz, (N_MELS, bins)."""
    edges_mel = np.linspace(2595 * np.log10(1 + 50 / 700), 2595 * np.log10(1 + 14_000 / 700), N_MELS + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    frequencies = np.fft.rfftfreq(N_FFT, 1 / rate)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


def mean_spectrum(waveform: np.ndarray, rate: int) -> np.ndarray:
    """The log-mel bands of a clip in dB, averaged over its frames, (N_MELS,)."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, N_FFT)[:: N_FFT // 2]
    power = np.abs(np.fft.rfft(frames * np.hanning(N_FFT).astype(np.float32))) ** 2
    return (10 * np.log10(power @ mel_matrix(rate).T + 1e-8)).mean(0)


def nearest_centroid(folder: Path) -> dict[str, float]:
    """Accuracy over all folds, each held out once, with the spectra as they are, freed of their level, and standardised by band."""
    with (folder / "metadata" / "UrbanSound8K.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    files = [folder / "audio" / f"fold{row['fold']}" / row["slice_file_name"] for row in rows]
    spectra = np.stack([mean_spectrum(*read_wav(file)) for file in files])
    targets, folds = np.array([int(row["classID"]) for row in rows]), np.array([int(row["fold"]) for row in rows])
    shapes = spectra - spectra.mean(1, keepdims=True)
    kinds = {"as they are": spectra, "level removed": shapes, "standardised": None}
    hits = {kind: np.zeros(len(rows), bool) for kind in kinds}
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        for kind, features in kinds.items():
            x = (spectra - spectra[train].mean(0)) / spectra[train].std(0) if features is None else features
            centroids = np.stack([x[train & (targets == target)].mean(0) for target in range(len(CLASSES))])
            distances = ((x[test][:, None] - centroids) ** 2).sum(2)
            hits[kind][test] = distances.argmin(1) == targets[test]
    return {kind: float(hit.mean()) for kind, hit in hits.items()}


def network(folder: Path, home: Path, preset_name: str, fold: str) -> float | None:
    """Accuracy of a preset on a held-out fold; None where this copy of the lab cannot train."""
    try:
        from labcore.training.loop import train
    except ImportError:
        return None
    from labcore.config.presets import preset
    from labcore.runs import Run
    from labcore.workspace import Workspace

    workspace = Workspace(home)
    config = preset(preset_name).replace({"data.dataset": str(folder), "data.fold": fold})
    accuracy = None
    for event in train(config, Run.create(workspace, config), workspace, lambda: False):
        accuracy = getattr(event, "accuracy", accuracy)
    return accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick", help="the preset that is trained (default: quick)")
    parser.add_argument("--fold", default="1", help="the fold it is held to (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the demo set (default: 0)")
    parser.add_argument("--no-network", action="store_true", help="leave the training out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        folder = make_demo(Path(scratch) / "demo", seed=arguments.seed)
        print(f"making: {time.perf_counter() - start:.1f} s")
        centroid = nearest_centroid(folder)
        for kind, accuracy in centroid.items():
            print(f"nearest centroid, mean spectra {kind}: {accuracy:.1%} (all folds)")
        if arguments.no_network:
            return
        start = time.perf_counter()
        reached = network(folder, Path(scratch), arguments.preset, arguments.fold)
        if reached is None:
            print("network: labcore.training is not there")
            return
        print(
            f"network, preset {arguments.preset}, fold {arguments.fold}: {reached:.1%} in {time.perf_counter() - start:.0f} s"
        )
        lead = reached - max(centroid.values())
        print(f"lead over the best nearest centroid: {100 * lead:.1f} points, at least {100 * LEAST_LEAD:.0f} wanted")


if __name__ == "__main__":
    main()
