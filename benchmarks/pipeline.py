"""ResNet-18 on ESC-10: the lab's pipeline against the one a tutorial gives, epoch by epoch in turn.

    python benchmarks/pipeline.py [--data FOLDER] [--rounds 3]

Same network, input (64 mels, 216 frames), batch size and clips. Prints clips a second of both, the ratio, and how much of a
step of ours lies outside the network (forward, backward, optimizer).
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from _common import machine, parser, session, workspace
from _tutorial import BATCH, N_MELS, SAMPLE_RATE, Tutorial

from labcore.config import RunConfig
from labcore.datasets.layouts import read_dataset
from labcore.training.trainer import Trainer


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--model", default="resnet18", help="the lab's network; the tutorial's is always ResNet-18")
    options = arguments.parse_args()
    config = RunConfig().replace(
        {
            "data.dataset": options.data,
            "data.fold": "1",
            "audio.sample_rate": SAMPLE_RATE,
            "features.n_mels": N_MELS,
            "features.f_max": 11025,
            "model.name": options.model,
            "optim.batch_size": BATCH,
            "runtime.device": "cpu",
        }
    )
    ours = session(config, workspace(options.home))
    paths, targets = read_dataset(Path(options.data)).table["path"], ours.clips.targets.tolist()
    rows = ours.train_rows.tolist()
    chosen = ([str(paths[row]) for row in rows], [targets[row] for row in rows])
    theirs = Tutorial(chosen, chosen, len(ours.classifier.labels))
    trainer = Trainer(ours)
    print(
        f"{machine()}\nprecision of ours: {ours.precision.precision} {ours.precision.memory_format}, {ours.precision.reason}"
    )

    speeds: dict[str, list[float]] = {"lab": [], "tutorial": []}
    shares: list[float] = []
    lab_epoch(trainer)  # warm-up
    for round_ in range(options.rounds):
        speed, outside = lab_epoch(trainer)
        speeds["lab"].append(speed)
        shares.append(outside)
        speeds["tutorial"].append(tutorial_epoch(theirs))
        ratio = speeds["lab"][-1] / speeds["tutorial"][-1]
        print(
            f"round {round_ + 1}: lab {speed:.1f}, tutorial {speeds['tutorial'][-1]:.1f} clips/s, ratio {ratio:.2f}",
            flush=True,
        )
    ratios = [a / b for a, b in zip(speeds["lab"], speeds["tutorial"], strict=True)]
    print(f"lab       {median(speeds['lab']):7.1f} clips/s")
    print(f"tutorial  {median(speeds['tutorial']):7.1f} clips/s")
    print(f"ratio     {median(ratios):7.2f}   (median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"outside the network: {100 * median(shares):.1f} % of a step of the lab")


def lab_epoch(trainer: Trainer) -> tuple[float, float]:
    """An epoch of ours: clips a second, and the share of the steps outside the network."""
    start = time.perf_counter()
    steps = trainer.steps_of_epoch()
    for step in range(steps):
        trainer.step(step)
    taken = time.perf_counter() - start
    return steps * trainer.batch / taken, 1.0 - trainer.clock.seconds["network"] / taken


def tutorial_epoch(tutorial: Tutorial) -> float:
    """An epoch of the tutorial's: clips a second."""
    start = time.perf_counter()
    clips = sum(tutorial.steps())
    return clips / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
