"""Are wrong labels found? Some are planted into ESC-10, networks are trained on them, and the list of suspicious labels is read.

    python benchmarks/label_errors.py [--data FOLDER] [--home WORKSPACE] [--by clip|recording] [--plantings 5] [--epochs 20]

A planting gives a share of the clips (5 %), drawn at random, another class, drawn at random; with ``--by recording`` all clips of drawn
recordings the same other class. Five networks are trained on what the labels say then, one a fold, so that each clip is predicted by a
network that was not trained on its recording. Printed is how many of the planted clips are among the first 10 % of the list.
Predictions are kept in the workspace: with the same ``--home`` a second call trains only what is missing.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
from _common import machine, parser, workspace

from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.datasets import read_dataset
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.label_errors import suspicions
from labcore.evaluation.mistakes import predicted_labels
from labcore.runs import Run
from labcore.sheets import csv_of_frame
from labcore.workspace import Workspace

SHARE, FIRST = 0.05, 0.1
"""Of the clips that get a wrong label, and of the list that is read."""


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--by", choices=("clip", "recording"), default="clip", help="what gets a wrong label")
    arguments.add_argument("--plantings", type=int, default=5, help="how often (default: %(default)s)")
    arguments.add_argument("--epochs", type=int, default=20, help="of each run (default: %(default)s)")
    arguments.add_argument("--width", type=float, default=0.5, help="of the network (default: %(default)s)")
    options = arguments.parse_args()
    print(machine(), flush=True)
    home = workspace(options.home)
    config = preset("quick").replace(
        {"optim.epochs": options.epochs, "model.width": options.width, "runtime.compile": "off", "runtime.threads": 1}
    )
    clean = read_dataset(Path(options.data)).table
    print(
        "| planting | accuracy | look wrong | wrong labels among them | wrong labels in the first 10 % |\n|---|---|---|---|---|"
    )
    shares = []
    for seed in range(options.plantings):
        folder = home.cache / "planted" / f"{options.by}-{seed}-{options.epochs}-{options.width:g}"
        planted = clean.assign(label=plant(clean, options.by, seed))
        predictions = ClipPredictions.read(trained(config, planted, folder, home))
        shares.append(row(seed, predictions, clean))
    print(f"\nmean {100 * mean(shares):.1f} %, least {100 * min(shares):.1f} %")


def row(seed: int, predictions: ClipPredictions, clean: pd.DataFrame) -> float:
    """Print what is found of a planting; the share of its wrong labels in the first part of the list."""
    names = {Path(path).name: label for path, label in zip(clean["path"], clean["label"], strict=True)}
    true = np.array([names[Path(clip).name] for clip in predictions.frame["clip"]], dtype=object)
    wrong = true != predictions.frame["label"].to_numpy()
    found = suspicions(predictions)
    first = np.concatenate([each.rows for each in found])[: round(FIRST * len(predictions))]
    suspicious = np.concatenate([each.rows for each in found if each.suspicious])
    accuracy = float((predicted_labels(predictions) == true).mean())
    print(
        f"| {seed} | {100 * accuracy:.1f} | {len(suspicious)} | {wrong[suspicious].sum()} of {wrong.sum()} "
        f"| {wrong[first].sum()} of {wrong.sum()} |",
        flush=True,
    )
    return float(wrong[first].sum() / wrong.sum())


def plant(clean: pd.DataFrame, by: str, seed: int) -> np.ndarray:
    """The labels of the clips, a share of them wrong: (clips,) of text."""
    random = np.random.default_rng(seed)
    labels = clean["label"].to_numpy(dtype=object).copy()
    wanted = round(SHARE * len(labels))
    named = clean["group"].to_numpy() if by == "recording" else np.arange(len(labels))
    wrong = 0
    for unit in random.permutation(np.unique(named)):
        rows = named == unit
        if wrong + rows.sum() <= wanted:
            labels[rows] = random.choice(sorted(set(labels) - set(labels[rows])))
            wrong += int(rows.sum())
    return labels


def trained(config: RunConfig, planted: pd.DataFrame, folder: Path, home: Workspace) -> list[Path]:
    """Train on planted labels, a network a fold; the files of what each says of its held-out clips."""
    from labcore.training.loop import train

    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "esc10.csv"
    listed.write_text(csv_of_frame(planted[["path", "label", "fold", "group"]]), encoding="utf-8")
    files = []
    for fold in sorted(set(planted["fold"])):
        file = folder / f"{fold}.parquet"
        files.append(file)
        if file.exists():
            continue
        asked = config.replace({"data.dataset": str(listed), "data.fold": fold})
        run = Run.create(home, asked)
        for _ in train(asked, run, home):
            pass
        run.predictions.replace(file)
        shutil.rmtree(run.path)
    return files


if __name__ == "__main__":
    main()
