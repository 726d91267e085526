"""Accuracy of the default network and recipe on the official folds of ESC-10.

    python benchmarks/esc10.py [--data FOLDER] [--folds 1 2] [--seeds 0]

Prints accuracy and time of each run, and the mean. The figures are those of the weights that a run ends with; nothing is chosen
on the held-out fold.
"""

from __future__ import annotations

import time
from statistics import mean, stdev

from _common import machine, parser, workspace

from labcore.config import RunConfig
from labcore.events import Evaluated
from labcore.runs import Run
from labcore.training import train


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--folds", nargs="+", default=["1", "2", "3", "4", "5"])
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments.add_argument("--set", nargs="*", default=[], metavar="PATH=VALUE", help="knobs to turn, for ablations")
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine())
    accuracies = []
    for seed in options.seeds:
        for fold in options.folds:
            changes = {"data.dataset": options.data, "data.fold": fold, "runtime.seed": seed}
            config = RunConfig().changed(changes | dict(word.split("=", 1) for word in options.set))
            start = time.perf_counter()
            result = next(
                event for event in train(config, Run.create(home, config), home) if isinstance(event, Evaluated)
            )
            accuracies.append(result.accuracy)
            seconds = time.perf_counter() - start
            print(f"seed {seed} fold {fold}: {100 * result.accuracy:.1f} % in {seconds:.0f} s", flush=True)
    spread = f" ± {100 * stdev(accuracies):.1f}" if len(accuracies) > 1 else ""
    print(f"mean {100 * mean(accuracies):.1f}{spread} % over {len(accuracies)} runs")


if __name__ == "__main__":
    main()
