"""How fast the lab trains a set of the shape of UrbanSound8K: ten folds, each epochs of ResNet-18, one after the other in one process.

    python benchmarks/urbansound_speed.py                                 on a GPU: 8,732 clips, ten folds of 50 epochs
    python benchmarks/urbansound_speed.py --fraction 0.02 --epochs 2 --folds 2      on a CPU, at a small fraction of the size

The set is made of noise in as many clips a class and fold as the real one has on average, 4 s at 22.05 kHz; nothing is learned from it and
no accuracy is told. Prints seconds of training steps, of validation and of what comes before the first step, where the steps' time
went, and the share of the device's matrix-product peak that the network's operations amount to, in a step and in its network alone.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import soundfile
from _common import machine, parser, workspace
from torch.utils.flop_counter import FlopCounterMode

from labcore.benchmark.peak import measure_peak
from labcore.config import ModelConfig, RunConfig
from labcore.events import Epoch, Log, TrainingStarted
from labcore.models import build_network
from labcore.runs import Run
from labcore.training.loop import train

CLIPS, CLASSES, FOLDS, SECONDS, RATE, N_MELS = 8732, 10, 10, 4.0, 22050, 64


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--fraction", type=float, default=1.0, help="of the clips (default: %(default)s)")
    arguments.add_argument("--epochs", type=int, default=50)
    arguments.add_argument("--folds", type=int, default=FOLDS, help="how many of the ten are trained")
    arguments.add_argument("--batch-size", type=int, default=256)
    arguments.add_argument("--device", default="auto")
    arguments.add_argument("--model", default="resnet18")
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine())
    start = time.perf_counter()
    folder = home.home / "urbansound-shape"
    clips = make_set(folder, round(CLIPS * options.fraction))
    print(f"{clips} clips of {SECONDS:g} s at {RATE} Hz made in {time.perf_counter() - start:.0f} s", flush=True)
    config = settings(folder, options).replace({"optim.epochs": options.epochs})
    began = time.perf_counter()
    steps_seconds, epoch_seconds, trained, spent = 0.0, 0.0, 0.0, dict[str, float]()
    started: TrainingStarted | None = None
    for fold in range(1, options.folds + 1):
        chosen = config.replace({"data.fold": str(fold)})
        first = time.perf_counter()
        before = 0.0
        for event in train(chosen, Run.create(home, chosen), home):
            if isinstance(event, TrainingStarted):
                started, before = event, time.perf_counter() - first
            if isinstance(event, Log) and fold == 1:
                print(event.message)
            if isinstance(event, Epoch):
                assert started is not None
                clips_seen = started.train_clips // options.batch_size * options.batch_size
                steps_seconds += clips_seen / event.clips_per_second
                epoch_seconds += event.seconds
                trained += clips_seen
                for kind, seconds in event.spent.items():
                    spent[kind] = spent.get(kind, 0.0) + seconds
        print(
            f"fold {fold}: {time.perf_counter() - first:.1f} s, {before:.1f} s of them before the first step",
            flush=True,
        )
        if fold == 1 and started is not None:
            print(f"on {started.device}, {started.precision} {started.memory_format}: {started.precision_reason}")
    assert started is not None
    total = time.perf_counter() - began
    print(f"whole           {total:8.1f} s for {options.folds} folds of {options.epochs} epochs")
    print(f"epochs          {epoch_seconds:8.1f} s, validation included")
    print(f"training steps  {steps_seconds:8.1f} s, {trained / steps_seconds:.0f} clips/s")
    for kind, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {kind:12}  {100 * seconds / steps_seconds:5.1f} %")
    flops = trained * flops_a_clip(config.model)
    precision = "fp32" if started.precision == "fp32" else started.precision
    peak = measure_peak(started.device, precision, 2.0)
    if peak is not None:
        of_network = steps_seconds * spent.get("network", steps_seconds) / max(1e-9, sum(spent.values()))
        for what, seconds in (("step", steps_seconds), ("network", of_network)):
            print(
                f"{what:15} {flops / seconds / 1e12:8.2f} TFLOP/s, {100 * flops / seconds / peak.flops_per_second:.1f} % "
                f"of the {precision} matrix product's {peak.flops_per_second / 1e12:.0f}"
            )


def settings(folder: Path, options: argparse.Namespace) -> RunConfig:
    """A run of ResNet-18 on the set, as the command line says."""
    return RunConfig().replace(
        {
            "data.dataset": str(folder),
            "audio.sample_rate": RATE,
            "features.n_mels": N_MELS,
            "model.name": options.model,
            "optim.batch_size": options.batch_size,
            "runtime.device": options.device,
        }
        | dict(options.set)
    )


def make_set(folder: Path, clips: int) -> int:
    """Class folders in folders of folds, a few seconds of noise each."""
    generator = np.random.default_rng(0)
    noise = (generator.standard_normal(RATE * 60) * 3000).astype(np.int16)
    samples = round(RATE * SECONDS)
    for number in range(clips):
        fold, label = number % FOLDS + 1, number // FOLDS % CLASSES
        file = folder / f"fold{fold}" / f"class{label}" / f"{number}.wav"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            start = int(generator.integers(0, len(noise) - samples))
            soundfile.write(file, noise[start : start + samples], RATE)
    return clips


def flops_a_clip(model: ModelConfig) -> float:
    """Operations of forward and backward for one clip's spectrogram, multiply and add being two; counted by shapes alone."""
    import torch

    network = build_network(model, CLASSES).to("meta").train()
    images = torch.empty(2, 1, N_MELS, round(RATE * SECONDS) // 512 + 1, device="meta")
    with FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    return counter.get_total_flops() / 2


if __name__ == "__main__":
    main()
