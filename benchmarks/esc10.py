"""Accuracy of the default network and recipe on the official folds of ESC-10.

    python benchmarks/esc10.py [--data FOLDER] [--folds 1 2] [--seeds 0 1 2] [--jobs 2] [--set PATH=VALUE …]

Prints accuracy and time of each run, a table of folds and seeds, the mean with its deviation over seeds, and the accuracy of the
seeds' ensemble (the mean of their probabilities). The figures are those of the weights that a run ends with; nothing is chosen on
the held-out fold. With several jobs the cores are divided among them: the accuracies are the same sort, the times are longer.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np
from _common import machine, parser, session, workspace

from labcore.config import RunConfig
from labcore.device import usable_cores
from labcore.events import Evaluated
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.workspace import Workspace


class Result(NamedTuple):
    """Of one run. ``probabilities`` are of the held-out clips (clips, classes), ``targets`` (clips,)."""

    fold: str
    seed: int
    accuracy: float
    seconds: float
    probabilities: np.ndarray
    targets: np.ndarray


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--folds", nargs="+", default=["1", "2", "3", "4", "5"])
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments.add_argument("--jobs", type=int, default=1, help="runs at a time")
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine(), flush=True)
    changes: dict[str, Any] = {"data.dataset": options.data} | dict(options.set)
    runs = [{"data.fold": fold, "runtime.seed": seed} for seed in options.seeds for fold in options.folds]
    results: list[Result] = []
    for _, result in run_all(home, [changes | run for run in runs], options.jobs):
        results.append(result)
        print(
            f"seed {result.seed} fold {result.fold}: {100 * result.accuracy:.1f} % in {result.seconds:.0f} s",
            flush=True,
        )
    table(results, options.folds, options.seeds)


def run_all(home: Workspace, runs: Sequence[dict[str, Any]], jobs: int) -> Iterator[tuple[int, Result]]:
    """The number of each run with what came of it, as they end; several jobs divide the cores among them."""
    threads = {"runtime.threads": max(1, usable_cores() // jobs)} if jobs > 1 else {}
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = {pool.submit(one_run, str(home.home), run | threads): number for number, run in enumerate(runs)}
        for future in as_completed(work):
            yield work[future], future.result()


def one_run(home: str, changes: dict[str, Any]) -> Result:
    """Train and judge one fold with one seed, in a process of the pool."""
    from labcore.training.loop import train

    place = Workspace(Path(home))
    config = RunConfig().replace(changes)
    run = Run.create(place, config)
    start = time.perf_counter()
    (evaluated,) = (event for event in train(config, run, place) if isinstance(event, Evaluated))
    seconds = time.perf_counter() - start
    made = session(run.config.replace({"runtime.compile": "off"}), place)
    made.classifier.load_state_dict(Classifier.load(run.path).state_dict())
    return Result(
        str(changes["data.fold"]),
        int(changes["runtime.seed"]),
        evaluated.accuracy,
        seconds,
        made.held_out.probabilities(),
        made.held_out_targets,
    )


def table(results: list[Result], folds: list[str], seeds: list[int]) -> None:
    """Folds as columns, seeds as rows, and below the ensemble of the seeds."""
    by = {(result.seed, result.fold): result for result in results}
    print("\n| seed | " + " | ".join(f"fold {fold}" for fold in folds) + " | mean |")
    print("|---" * (len(folds) + 2) + "|")
    means = []
    for seed in seeds:
        row = [by[seed, fold].accuracy for fold in folds]
        means.append(mean(row))
        print(f"| {seed} | " + " | ".join(f"{100 * value:.1f}" for value in row) + f" | {100 * means[-1]:.1f} |")
    if len(seeds) > 1:
        row = []
        for fold in folds:
            together = sum(by[seed, fold].probabilities for seed in seeds)
            row.append(float((together.argmax(1) == by[seeds[0], fold].targets).mean()))
        print("| ensemble | " + " | ".join(f"{100 * value:.1f}" for value in row) + f" | {100 * mean(row):.1f} |")
    spread = f" ± {100 * stdev(means):.1f} over seeds" if len(means) > 1 else ""
    seconds = sorted(result.seconds for result in results)
    print(
        f"\nmean {100 * mean(means):.1f}{spread} %, {len(results)} runs, {seconds[len(seconds) // 2]:.0f} s a run (median)"
    )


if __name__ == "__main__":
    main()
