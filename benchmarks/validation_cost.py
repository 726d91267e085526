"""What the validation of an epoch costs, and what the last look at the held-out clips does with predictions and embeddings kept.

    python benchmarks/validation_cost.py DATASET [--fold 1] [--seconds 10] [--device cpu]

Run it with two versions of the lab in turn (PYTHONPATH) to compare them. Times are medians.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from labcore.config import RunConfig
from labcore.runs import Run
from labcore.training.prepare import prepare
from labcore.training.session import Session
from labcore.training.trainer import Trainer
from labcore.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--fold", default="1")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long it is measured")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    changes = {
        "data.dataset": options.dataset,
        "data.fold": options.fold,
        "runtime.device": options.device,
        "runtime.precision": "fp32",
        "runtime.threads": 1,
        "optim.epochs": 1,
    }
    with tempfile.TemporaryDirectory() as home:
        session = session_of(RunConfig().replace(changes), Workspace(Path(home)))
        trainer = Trainer(session)
        report("an epoch's validation", lambda: trainer.validate(), options.seconds)
        if hasattr(session.held_out, "parts"):  # versions before knew no embeddings
            report("the last look, with embeddings", lambda: list(session.held_out.parts()), options.seconds)


def session_of(config: RunConfig, workspace: Workspace) -> Session:
    preparing = prepare(config, Run.create(workspace, config), workspace, lambda: False)
    while True:
        try:
            next(preparing)
        except StopIteration as stop:
            return stop.value


def report(name: str, work: Callable[[], object], seconds: float) -> None:
    taken, end = [], time.monotonic() + seconds
    work()
    while time.monotonic() < end or len(taken) < 3:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    print(f"{name}: {1000 * median(taken):.1f} ms (fastest {1000 * min(taken):.1f}) of {len(taken)}", flush=True)


if __name__ == "__main__":
    main()
