"""Learning curve of the default recipe: 2, 5, 10, 20 and all training recordings per class, beside nearest-centroid baselines.

    python benchmarks/learning_curve.py [--data FOLDER] [--fold 1] [--sizes 2 5 10 20 all] [--samples 2] [--set PATH=VALUE …]

What `labcore curve` does, with the time that each run took. Stopped, it goes on with `labcore jobs resume` in the workspace of --home.
"""

from __future__ import annotations

import time
from typing import Any

from _common import machine, parser, workspace

from labcore import builtin
from labcore.cli.curve import lines
from labcore.cli.output import emit
from labcore.config import RunConfig
from labcore.curve.events import CurvePoint
from labcore.curve.job import SAMPLES, SIZES, LearningCurve, leak_note
from labcore.curve.summary import summarise
from labcore.jobs.process import work


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--fold", default="1")
    arguments.add_argument("--sizes", nargs="+", default=SIZES)
    arguments.add_argument("--samples", type=int, default=SAMPLES)
    arguments.add_argument("--set", nargs="*", default=[], metavar="PATH=VALUE", help="settings to turn, for ablations")
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine(), flush=True)
    changes: dict[str, Any] = {"data.dataset": options.data, "data.fold": options.fold}
    config = RunConfig().replace(changes | dict(word.split("=", 1) for word in options.set))
    curve = LearningCurve.create(home, config, options.sizes, options.samples, builtin.NAME)
    start = time.perf_counter()

    def tell(event: object) -> None:
        if isinstance(event, CurvePoint):
            after = time.perf_counter() - start
            print(
                f"{event.name}: {100 * event.recipe.accuracy:.1f} %, {event.epochs} epochs, {after:.0f} s", flush=True
            )

    work(curve, lambda: False, tell)
    emit(*lines(summarise(curve), leak_note(curve)))


if __name__ == "__main__":
    main()
