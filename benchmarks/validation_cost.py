"""What the validation of an epoch costs beside its training and its checkpoint, and the last look at the held-out clips.

    python benchmarks/validation_cost.py DATASET [--fold 1] [--recordings N] [--seconds 10] [--device cpu]

Run it with two versions of the lab in turn (PYTHONPATH) to compare them. Times are medians, those of the processor in brackets.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from _common import session

from labcore.config import RunConfig
from labcore.events import Epoch
from labcore.runs import Run
from labcore.training.checkpoint import save_checkpoint
from labcore.training.trainer import Trainer
from labcore.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--fold", default="1")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long it is measured")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--recordings", type=int, help="per class, to train on (default: all)")
    options = parser.parse_args()
    changes = {
        "data.dataset": options.dataset,
        "data.fold": options.fold,
        "runtime.device": options.device,
        "runtime.precision": "fp32",
        "runtime.threads": 1,
        "optim.epochs": 1,
        "data.train_recordings": options.recordings,
    }
    with tempfile.TemporaryDirectory() as home:
        made = session(RunConfig().replace(changes), Workspace(Path(home)))
        trainer = Trainer(made)
        print(f"{len(made.train_rows)} training clips, {len(made.watched_rows)} watched")
        report("an epoch's training", lambda: steps_of(trainer), options.seconds)
        report("an epoch's validation", lambda: trainer.validate(), options.seconds)
        run = Run(Path(home) / "checkpoint")
        run.checkpoint.parent.mkdir(parents=True)
        report("an epoch's checkpoint", lambda: save_checkpoint(run, trainer.state(event_of(trainer))), options.seconds)
        report("the last look, with embeddings", lambda: list(made.held_out.parts()), options.seconds)


def steps_of(trainer: Trainer) -> None:
    for step in range(trainer.steps_of_epoch()):
        trainer.step(step)


def event_of(trainer: Trainer) -> Epoch:
    return Epoch(
        epoch=trainer.epoch, epochs=1, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.5, lr=0.1,
        clips_per_second=1.0, seconds=1.0, seconds_left=1.0, averaged=False,
    )  # fmt: skip


def report(name: str, work: Callable[[], object], seconds: float) -> None:
    taken, busy, end = [], [], time.monotonic() + seconds
    work()
    while time.monotonic() < end or len(taken) < 3:
        start, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append(time.perf_counter() - start)
        busy.append(time.process_time() - cpu)
    print(
        f"{name}: {1000 * median(taken):.1f} ms (fastest {1000 * min(taken):.1f}) of {len(taken)} "
        f"({1000 * median(busy):.1f} ms of the processor)",
        flush=True,
    )


if __name__ == "__main__":
    main()
