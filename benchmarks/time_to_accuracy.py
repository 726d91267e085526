"""How long the default recipe and the tutorial's ResNet-18 take to the accuracy at which the tutorial ends, on one fold.

    python benchmarks/time_to_accuracy.py [--data FOLDER] [--fold 1] [--epochs 40]

The tutorial trains first, for its epochs; its final accuracy is the mean over its last five epochs, so that one lucky epoch sets
no bar. Then the lab trains with its defaults; its time runs from the start of the run, the clip store being built included.
The held-out accuracy after each epoch only stops the clock here; no choice of the recipe is made on it.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean

from _common import machine, parser, workspace
from _tutorial import Tutorial

from labcore.config import RunConfig
from labcore.datasets.layouts import read_dataset
from labcore.datasets.splits import split
from labcore.events import Epoch, Evaluated
from labcore.runs import Run
from labcore.training.loop import train


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--fold", default="1")
    arguments.add_argument("--epochs", type=int, default=40, help="of the tutorial (default: %(default)s)")
    options = arguments.parse_args()
    print(machine())
    curve = tutorial(options.data, options.fold, options.epochs)
    bar = mean(accuracy for _, accuracy in curve[-5:])
    first = next(seconds for seconds, accuracy in curve if accuracy >= bar)
    print(f"tutorial: ends at {100 * bar:.1f} % after {curve[-1][0]:.0f} s; first there after {first:.0f} s")

    home = workspace(options.home)
    config = RunConfig().replace({"data.dataset": options.data, "data.fold": options.fold, "runtime.device": "cpu"})
    start, reached = time.perf_counter(), None
    for event in train(config, Run.create(home, config), home):
        seconds = time.perf_counter() - start
        if isinstance(event, Epoch) and event.val_accuracy >= bar and reached is None:
            reached = seconds
            print(f"lab: there after {seconds:.0f} s, in epoch {event.epoch} of {event.epochs}", flush=True)
        if isinstance(event, Evaluated):
            print(f"lab: ends at {100 * event.accuracy:.1f} % after {seconds:.0f} s")
    if reached is None:
        print("lab: never reached the tutorial's accuracy")
    else:
        print(
            f"share of the tutorial's time: {reached / curve[-1][0]:.3f} of the whole, {reached / first:.3f} of its first arrival"
        )


def tutorial(data: str, fold: str, epochs: int) -> list[tuple[float, float]]:
    """Seconds of training and held-out accuracy after each epoch; judging does not count as time."""
    dataset = read_dataset(Path(data))
    parts = split(dataset.table, fold)
    paths = dataset.table["path"].astype(str).tolist()
    targets = [dataset.labels.index(label) for label in dataset.table["label"]]
    pick = lambda rows: ([paths[row] for row in rows], [targets[row] for row in rows])  # noqa: E731
    theirs = Tutorial(pick(parts.train), pick(parts.held_out), len(dataset.labels))
    curve, seconds = [], 0.0
    for epoch in range(epochs):
        start = time.perf_counter()
        for _ in theirs.steps():
            pass
        seconds += time.perf_counter() - start
        curve.append((seconds, theirs.accuracy()))
        print(f"tutorial epoch {epoch + 1}: {seconds:.0f} s, {100 * curve[-1][1]:.1f} %", flush=True)
    return curve


if __name__ == "__main__":
    main()
