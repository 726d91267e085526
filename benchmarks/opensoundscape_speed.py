"""Training speed against OpenSoundscape's trainer: same clips, ResNet-18 from scratch, the same 64 × 216 input, batch 32.

    pip install opensoundscape==0.13.2      (not among the lab's requirements: take an environment of its own that has both)
    python benchmarks/opensoundscape_speed.py [--data FOLDER] [--rounds 3] [--steps 10]

Both run on the CPU in one process and take turns. OpenSoundscape reads, resamples and augments each clip anew in two worker
processes, as its own tutorial has it; the lab trains as `labcore train --model resnet18` does.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import pandas as pd
from _common import machine, parser, session, workspace
from pipeline import lab_epoch

from labcore.config import RunConfig
from labcore.datasets.layouts import read_dataset
from labcore.training.trainer import Trainer

SAMPLE_RATE, N_MELS, BATCH, SECONDS, WIDTH, WORKERS = 22050, 64, 32, 5.0, 216, 2


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=10, help="of OpenSoundscape's trainer in a round")
    options = arguments.parse_args()
    config = RunConfig().replace(
        {
            "data.dataset": options.data,
            "data.fold": "1",
            "audio.sample_rate": SAMPLE_RATE,
            "features.n_mels": N_MELS,
            "model.name": "resnet18",
            "optim.batch_size": BATCH,
            "runtime.device": "cpu",
        }
    )
    trainer = Trainer(session(config, workspace(options.home)))
    choice = trainer.session.precision
    print(f"{machine()}\nprecision of the lab: {choice.precision} {choice.memory_format}, {choice.reason}")
    theirs, clips = opensoundscape(options.data)
    lab_epoch(trainer)  # warm-up
    ratios, ours_all, theirs_all = [], [], []
    for round_ in range(options.rounds):
        ours_all.append(lab_epoch(trainer)[0])
        theirs_all.append(their_speed(theirs, clips, options.steps))
        ratios.append(ours_all[-1] / theirs_all[-1])
        print(f"round {round_ + 1}: lab {ours_all[-1]:.1f}, OpenSoundscape {theirs_all[-1]:.1f} clips/s", flush=True)
    print(f"lab             {median(ours_all):7.1f} clips/s")
    print(f"OpenSoundscape  {median(theirs_all):7.1f} clips/s")
    print(f"ratio           {median(ratios):7.2f}   ({min(ratios):.2f} to {max(ratios):.2f})")


def opensoundscape(data: str):
    """Their network and the clips as their trainer wants them: a table of files, one column a class."""
    warnings.simplefilter("ignore")
    from opensoundscape import CNN
    from opensoundscape.ml.cnn_architectures import resnet18

    dataset = read_dataset(Path(data))
    table = dataset.table[dataset.table["fold"].astype(str) != "1"]
    clips = pd.get_dummies(table.set_index("path")["label"])[dataset.labels].astype(float)
    network = resnet18(num_classes=len(dataset.labels), weights=None, num_channels=1)
    model = CNN(
        network, dataset.labels, sample_duration=SECONDS, sample_rate=SAMPLE_RATE, single_target=True,
        height=N_MELS, width=WIDTH, channels=1,
    )  # fmt: skip
    model.device = "cpu"
    return model, clips


def their_speed(model, clips: pd.DataFrame, steps: int) -> float:
    """Clips a second over some steps of their trainer, the start of its worker processes left out as far as one epoch allows."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        model.train(
            clips, steps=steps, batch_size=BATCH, num_workers=WORKERS, save_path=folder, progress_bar=False,
            reload_best_at_end=False,
        )  # fmt: skip
        return steps * BATCH / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
