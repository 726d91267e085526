"""How much training a small set wants: accuracy of subsets of a data set, at shares of the budget that the lab gives them.

    python benchmarks/training_budget.py [--data FOLDER] [--clips 80 160] [--shares 0.5 1 2] [--folds 1 2] [--seeds 0] [--jobs 2]

Each run trains on so many clips, drawn by class, for a share of the epochs that `labcore.config.budget` plans for that many,
and is judged on
the whole held-out fold. Share 1 is what the lab does. All shares of one subset train on the same clips.
"""

from __future__ import annotations

from itertools import product
from statistics import mean
from typing import Any

from _common import machine, parser, workspace
from esc10 import Result, run_all

from labcore.config import RunConfig
from labcore.config.budget import plan

Cell = tuple[int, float]
"""Clips trained on, and the share of their budget."""


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--clips", nargs="+", type=int, default=[80, 160])
    arguments.add_argument("--shares", nargs="+", type=float, default=[0.5, 1.0, 2.0])
    arguments.add_argument("--folds", nargs="+", default=["1", "2"])
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments.add_argument("--jobs", type=int, default=1, help="runs at a time")
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine(), flush=True)
    fixed: dict[str, Any] = {"data.dataset": options.data} | dict(options.set)
    config = RunConfig().replace(fixed)
    cells = list(product(options.folds, options.seeds, options.clips, options.shares))
    runs = [
        fixed
        | {"data.train_clips": clips, "optim.epochs": epochs_of(config, clips, share)}
        | {"data.fold": fold, "runtime.seed": seed}
        for fold, seed, clips, share in cells
    ]
    results: dict[Cell, list[Result]] = {}
    for number, result in run_all(home, runs, options.jobs):
        *_, clips, share = cells[number]
        results.setdefault((clips, share), []).append(result)
        print(
            f"{clips} clips, {share:g} of the budget, fold {result.fold}, seed {result.seed}: "
            f"{100 * result.accuracy:.1f} % in {result.seconds:.0f} s",
            flush=True,
        )
    table(results, config, options.clips, options.shares)


def epochs_of(config: RunConfig, clips: int, share: float) -> int:
    return max(1, round(share * plan(clips, config.audio.clip_seconds, config.optim.budget).epochs))


def table(results: dict[Cell, list[Result]], config: RunConfig, sizes: list[int], shares: list[float]) -> None:
    """A row a size, a column a share: mean accuracy over folds and seeds, and the epochs."""
    print("\n| clips | " + " | ".join(f"{share:g} of the budget" for share in shares) + " |")
    print("|---" * (len(shares) + 1) + "|")
    for clips in sizes:
        cells = (
            f"{100 * mean(result.accuracy for result in results[clips, share]):.1f} ({epochs_of(config, clips, share)} epochs)"
            for share in shares
        )
        print(f"| {clips} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
