"""Learning curve of the default recipe: 2, 5, 10, 20 and all training recordings per class, beside nearest-centroid baselines.

    python benchmarks/learning_curve.py [--data FOLDER] [--folds 1] [--sizes 2 5 10 20 all] [--samples 2] [--set PATH=VALUE …]

What `labcore curve` does, on one test fold after the other, with the time that each run took, and at the end the means over folds and
samples. Stopped, a fold goes on with `labcore jobs resume` in the workspace of --home.
"""

from __future__ import annotations

import argparse
import time
from statistics import mean
from typing import Any

from _common import machine, parser, workspace

from labcore import builtin
from labcore.cli.curve import lines
from labcore.cli.output import Content, emit, table
from labcore.config import RunConfig
from labcore.curve.events import CurvePoint
from labcore.curve.job import SAMPLES, SIZES, LearningCurve, leak_note, parted
from labcore.curve.summary import baseline_text, summarise
from labcore.jobs.process import work
from labcore.workspace import Workspace


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--folds", nargs="+", default=["1"])
    arguments.add_argument("--sizes", nargs="+", default=SIZES)
    arguments.add_argument("--samples", type=int, default=SAMPLES)
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine(), flush=True)
    curves = [one_curve(home, options, fold) for fold in options.folds]
    if len(curves) > 1:
        emit(means([point for curve in curves for point in curve.points.items()]))


def one_curve(home: Workspace, options: argparse.Namespace, fold: str) -> LearningCurve:
    """The learning curve of a test fold, told as it comes."""
    changes: dict[str, Any] = {"data.dataset": options.data, "data.fold": fold}
    config = RunConfig().replace(changes | dict(options.set))
    curve = LearningCurve.create(home, config, options.sizes, options.samples, builtin.NAME)
    start = time.perf_counter()

    def tell(event: object) -> None:
        if isinstance(event, CurvePoint):
            after = time.perf_counter() - start
            accuracy = 100 * event.recipe.accuracy
            print(f"fold {fold}, {event.name}: {accuracy:.1f} %, {event.epochs} epochs, {after:.0f} s", flush=True)

    work(curve, lambda: False, tell)
    emit(*lines(summarise(curve), leak_note(curve)))
    return curve


def means(points: list[tuple[str, CurvePoint]]) -> Content:
    """A line a size: the mean accuracy over folds and samples, and how many runs are at or above each baseline."""
    rows = []
    for size in dict.fromkeys(parted(name)[0] for name, _ in points):
        runs = [point for name, point in points if parted(name)[0] == size]
        row = [size, len(runs), f"{100 * mean(point.recipe.accuracy for point in runs):.1f} %"]
        for name in runs[0].baselines:
            row.append(f"{100 * mean(point.baselines[name].accuracy for point in runs):.1f} %")
            row.append(sum(point.recipe.accuracy >= point.baselines[name].accuracy for point in runs))
        rows.append(row)
    names = [text for name in points[0][1].baselines for text in (f"centroid, {baseline_text(name)}", "at or above")]
    return table(["recordings per class", "runs", "recipe", *names], rows)


if __name__ == "__main__":
    main()
