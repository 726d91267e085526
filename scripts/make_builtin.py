"""Trains the network that travels with the lab, labcore/builtin/city-sounds, on the demo set: same seed, same network on the same machine.

    python scripts/make_builtin.py          # a few minutes on one core

It is the quick preset with a network of half the width; the clips of fold 1 are held out and tell its accuracy. Nothing is chosen on
them. Of the run stays what tells what it is: weights, labels, configuration, and the events of its result and its end.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from labcore.builtin import FOLD, RUN
from labcore.config.presets import preset
from labcore.datasets.demo import make_demo
from labcore.events import Event
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.workspace import Workspace, write_atomically

MOST_BYTES = 1_000_000
CHANGES = {
    "data.dataset": "demo",
    "data.fold": str(FOLD),
    "model.width": 0.5,
    "runtime.device": "cpu",
    "runtime.threads": 1,
    "runtime.precision": "fp32",
    "runtime.memory_format": "contiguous",
    "runtime.compile": "off",
    "runtime.golden_clips": 2,
}
KEPT_EVENTS = ("evaluated", "run_finished")


def tell(event: Event) -> None:
    print(event.to_json()[:160], flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        make_demo(workspace.datasets / "demo")
        run = Run.create(workspace, preset("quick").replace(CHANGES))
        finished = work(run, on_event=tell)
        if finished.state != "finished":
            sys.exit(f"the training ended as {finished.state}: {finished.error}")
        keep(run)
    size = sum(file.stat().st_size for file in RUN.path.iterdir())
    print(f"{RUN.path}: {size:,} bytes, accuracy {RUN.status().accuracy}")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES:,} bytes")


def keep(run: Run) -> None:
    """Put what tells what the network is into the package."""
    shutil.rmtree(RUN.path, ignore_errors=True)
    RUN.path.mkdir(parents=True)
    for name in ("weights.safetensors", "labels.json", "config.json"):
        shutil.copy(run.path / name, RUN.path / name)
    lines = (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line, event in zip(lines, run.events(), strict=True) if event.type in KEPT_EVENTS]
    write_atomically(RUN.path / "events.jsonl", "".join(kept))


if __name__ == "__main__":
    main()
