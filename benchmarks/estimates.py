"""Whether the time that is told before a run is true: for several runs what was told, and what each took.

    python benchmarks/estimates.py [--data FOLDER] [--cases default quick …] [--seconds 40]

For each case four times are told before: by the usual speed of such a processor; by a few steps of the default network, or by earlier runs
in the cases "known" and "2 folds", as a form tells it; by `labcore train --estimate`; and the same for an idle machine where other work
was seen. Then `labcore train` runs in a process of its own, as `labcore crossval` does. Ratios are time told over time taken, in wall
seconds; beside them stand the processor seconds of the run and the other work meanwhile. A case is cut to about so many seconds by its
number of epochs, since a run twice as long tells no more. All cases take about six minutes; --seconds 10 and three cases about two.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from _common import machine, parser, workspace

from labcore.config import RunConfig
from labcore.config.presets import PRESETS
from labcore.device import usable_cores
from labcore.load import CpuTimes
from labcore.training import machine_speed
from labcore.training.run_time import known_speeds, planned, time_of
from labcore.workspace import Workspace

CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "quick": PRESETS["quick"].changes,
    "resnet18": {"model.name": "resnet18"},
    "short clips": {"data.dataset": "short"},
    "2 recordings": {"data.train_recordings": 2},
    "5 recordings": {"data.train_recordings": 5},
    "known": {},
    "2 folds": {},
}


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--cases", nargs="+", choices=tuple(CASES), default=list(CASES))
    arguments.add_argument(
        "--seconds", type=float, default=15.0, help="of training in each case (default: %(default)s)"
    )
    options = arguments.parse_args()
    home = workspace(options.home)
    home.home.mkdir(parents=True, exist_ok=True)
    print(machine(), flush=True)
    if machine_speed.measure(home) is None:
        print("other work is at the processor: no steps are told by, as on a page", flush=True)
    titles = f"{'case':14} {'epochs':>6} {'taken':>7} {'cpu':>7} | {'usual':>6} {'form':>6} {'estimate':>8} {'idle':>6}"
    print(f"{titles} | others (cores)", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        short = halves(Path(folder) / "short")
        for name in options.cases:
            changes = {"data.dataset": str(Path(options.data).resolve()), "data.fold": "1"} | CASES[name]
            if changes["data.dataset"] == "short":
                changes |= {"data.dataset": str(short), "data.fold": "1"}
            row(name, home, changes, options.seconds)


def row(name: str, home: Workspace, changes: dict[str, Any], seconds: float) -> None:
    """Tell and take one case."""
    config = RunConfig().replace(changes | {"optim.epochs": 2})
    told = estimate(home, config)
    steps = max(1, told["clips"] // told["batch_size"])
    per_epoch = steps * told["step_seconds"] + told["watch_seconds"]
    epochs = max(2, min(400, round(seconds / max(1e-3, per_epoch))))
    config = config.replace({"optim.epochs": epochs})
    plan, steps = planned(home, config), [speed for speed in known_speeds(home) if not speed.trained]
    known = time_of(config, plan, known_speeds(home) if name in ("known", "2 folds") else steps)
    usual = time_of(config, plan, [])
    told = estimate(home, config)
    folds, words = (2, ["crossval", "--folds", "1", "2"]) if name == "2 folds" else (1, ["train"])
    file = home.home / "benchmark.json"
    file.write_text(config.to_json())
    cpu, start = children(), CpuTimes.now()
    command([*words, "--config", str(file)], home)
    end, cpu = CpuTimes.now(), children() - cpu
    taken = end.at - start.at
    others = max(0.0, end.busy - start.busy - (end.own - start.own) - cpu) / taken
    before = [folds * time.seconds / taken if time else float("nan") for time in (usual, known)]
    idle = told["seconds_total"] if told["seconds_idle"] is None else told["seconds_idle"]
    print(
        f"{name:14} {epochs:6} {taken:6.1f}s {cpu:6.1f}s | {before[0]:6.2f} {before[1]:6.2f} {told['seconds_total'] * folds / taken:8.2f} "
        f"{idle * folds / taken:6.2f} | {others:.2f} of {usable_cores()}",
        flush=True,
    )


def estimate(home: Workspace, config: RunConfig) -> dict[str, Any]:
    """What `labcore train --estimate` tells."""
    file = home.home / "benchmark.json"
    file.write_text(config.to_json())
    return json.loads(command(["train", "--config", str(file), "--estimate", "--json"], home).splitlines()[-1])


def command(words: list[str], home: Workspace) -> str:
    environment = os.environ | {"LABCORE_HOME": str(home.home)}
    return subprocess.run(
        [sys.executable, "-m", "labcore", *words], env=environment, check=True, capture_output=True, text=True
    ).stdout


def children() -> float:
    """Processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def halves(folder: Path) -> Path:
    """Clips of half a second: a tone or noise, 160 a class in each of two folds. No two are the same: copies of test clips are left out."""
    generator = np.random.default_rng(0)
    for fold in ("fold1", "fold2"):
        for label in ("tone", "noise"):
            (folder / fold / label).mkdir(parents=True)
            for number in range(160):
                at = np.arange(8000) / 16000
                pitch = 300 + 5 * number + (2 if fold == "fold2" else 0)
                sound = np.sin(2 * np.pi * pitch * at) if label == "tone" else generator.normal(0, 1, 8000)
                soundfile.write(folder / fold / label / f"{fold}-{label}-{number}.wav", 0.2 * sound, 16000)
    return folder


if __name__ == "__main__":
    main()
