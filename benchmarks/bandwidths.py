"""What measuring the clips for the automatic front end costs: a run on each fold, a cross-validation, and all of it once more.

    python benchmarks/bandwidths.py [--data FOLDER] [--folds 1 2 3 4 5]

The set itself is read before. Run it with two versions of the lab in turn (PYTHONPATH) to compare them.
"""

from __future__ import annotations

import time

import numpy as np
from _common import machine, parser, workspace

from labcore.config import DataConfig
from labcore.datasets import find_dataset
from labcore.datasets.bandwidths import bandwidths_in, training_rows


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--folds", nargs="+", default=["1", "2", "3", "4", "5"])
    options = arguments.parse_args()
    home = workspace(options.home)
    home.home.mkdir(parents=True, exist_ok=True)
    dataset = find_dataset(home, options.data)
    wanted: dict[str, np.ndarray] = {
        f"fold {fold}": training_rows(dataset, DataConfig(fold=fold)) for fold in options.folds
    }
    wanted["all folds"] = training_rows(dataset, DataConfig(fold=options.folds[0]), all_folds=True)
    print(machine(), flush=True)
    for turn in ("first", "again"):
        told, whole = [], 0.0
        for name, rows in wanted.items():
            start, cpu = time.perf_counter(), time.process_time()
            bandwidths_in(home, dataset, rows)
            taken, cpu = time.perf_counter() - start, time.process_time() - cpu
            whole += taken
            told.append(f"{name} {taken:.2f} ({cpu:.2f})")
        print(f"{turn}: {whole:.2f} s; seconds (of the processor): {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
