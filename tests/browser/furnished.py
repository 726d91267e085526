"""A workspace with something of everything, so that each page has its fullest face: told in events, nothing is trained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import optuna
import torch

from labcore.audio import encode_wav
from labcore.benchmark.job import Benchmark
from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.crossval.job import CrossValidation
from labcore.datasets import check_dataset, find_dataset, register
from labcore.evaluation.eval_set import PredictionPart
from labcore.evaluation.predictions import known_of, record
from labcore.events import Epoch, Evaluated, RunFinished, RunQueued, RunStarted, SettingsChanged, TrainingStarted
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.runs.origin import SEARCH
from labcore.search.folder import Search
from labcore.search.journal import NAME
from labcore.search.sampling import ask
from labcore.search.settings import make_settings
from labcore.search.space import Range
from labcore.workspace import Workspace

from ..ui import bench_reports

RATE = 8000
LABELS = ["bark", "hum", "siren"]
HEARD = "hum"
"""What the network of the finished run predicts, whatever it is given; its probability is 0.91."""
EPOCHS = 12


@dataclass(frozen=True)
class Furnished:
    """The ids of what lies in a furnished workspace."""

    finished: str
    failed: str
    stopped: str
    crossval: str
    search: str
    reports: tuple[str, str]

    def addresses(self) -> dict[str, str]:
        """Each page, and its faces: name → address below the lab's."""
        return {
            "overview": "",
            "environment": "environment",
            "datasets": "datasets",
            "looks": "datasets?dataset=tones&view=thumbnails",
            "check": "datasets?dataset=worn&tab=Check",
            "explore": "explore",
            "train": "train",
            "result": f"train?run={self.finished}",
            "failed": f"train?run={self.failed}",
            "stopped": f"train?run={self.stopped}",
            "crossval": "crossval",
            "board": f"crossval?crossval={self.crossval}",
            "search": "tune",
            "trials": f"tune?search={self.search}",
            "runs": "runs",
            "run": f"runs?run={self.finished}",
            "classify": f"classify?run={self.finished}",
            "speed": f"benchmark?report={self.reports[0]}",
            "speeds": f"benchmark?report={','.join(self.reports)}",
        }


def furnish(workspace: Workspace) -> Furnished:
    """Fill an empty workspace: a data set of three folds, runs in three states, a cross-validation, a search, two reports."""
    _tones(workspace)
    _worn(workspace)
    config = preset("quick").replace(
        {
            "data.dataset": "tones", "audio.sample_rate": RATE, "audio.clip_seconds": 0.5, "optim.epochs": EPOCHS,
            "model.width": 0.25, "runtime.threads": 1,
        }
    )  # fmt: skip
    finished = Run.create(workspace, config)
    _play(finished, "finished")
    _predict(finished)
    _classifier(config).save(finished.weights)
    finished.save("labels", LABELS)
    failed, stopped = Run.create(workspace, config), Run.create(workspace, config)
    failed.log.write_text("the worker said this last\n")
    _play(failed, "failed", 3)
    _play(stopped, "stopped", 5)
    crossval = CrossValidation.create(workspace, config, queued=False)
    for run in crossval.runs():
        _play(run, "finished")
    bench = [bench_reports.report("cpu"), bench_reports.report("cpu", "cuda:0", created=1_700_100_000.0)]
    reports = tuple(Benchmark.keep(workspace, one).id for one in bench)
    return Furnished(finished.id, failed.id, stopped.id, crossval.id, _search(workspace, config), reports)


def _classifier(config: RunConfig) -> Classifier:
    made = Classifier(config, LABELS)
    with torch.no_grad():
        made.network[-1].weight.zero_()
        made.network[-1].bias.copy_(torch.tensor([3.0 * (label == HEARD) for label in LABELS]))
    return made


def _tones(workspace: Workspace) -> None:
    """24 clips of half a second, of three classes in three folds, added as ``tones``."""
    folder = workspace.home / "sounds"
    rows = ["path,label,fold,group"]
    for number, (label, hertz) in enumerate(zip(LABELS, (220.0, 660.0, 1760.0), strict=True)):
        for clip in range(8):
            time = np.arange(RATE // 2) / RATE
            file = folder / label / f"{label}{clip}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            wave = 0.4 * np.sin(2 * math.pi * (hertz + 9 * clip) * time) * np.exp(-3 * time)
            file.write_bytes(encode_wav(wave.astype(np.float32), RATE))
            rows.append(f"{file},{label},{clip % 3 + 1},{10 * number + clip}")
    table = workspace.home / "tones.csv"
    table.write_text("\n".join(rows) + "\n")
    register(workspace, str(table), "tones")


def _worn(workspace: Workspace) -> None:
    """Ten clips of noise and a silent one of each of two classes, as ``worn``; checked."""
    random, folder = np.random.default_rng(0), workspace.home / "worn"
    for number in range(22):
        file = folder / LABELS[number % 2] / f"{number}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        wave = random.normal(0, 0.1 * (number < 20), RATE // 4)
        file.write_bytes(encode_wav(wave.astype(np.float32), RATE))
    register(workspace, str(folder), "worn")
    check_dataset(find_dataset(workspace, "worn"))


def epochs(last: int) -> Iterator[Epoch]:
    """Curves as they are: falling, with one early spike."""
    for number in range(1, last + 1):
        loss = 1.1 * math.exp(-number / 5)
        yield Epoch(
            epoch=number, epochs=EPOCHS, train_loss=loss, train_accuracy=1 - loss / 2, val_loss=40.0 if number == 2 else 1.2 * loss,
            val_accuracy=1 - 0.6 * loss, lr=0.1, clips_per_second=1234.0, seconds=1.0, seconds_left=float(EPOCHS - number),
            averaged=number == EPOCHS,
            spent={"data": 0.1, "augmentation": 0.3, "mel": 0.2, "network": 1.0, "waiting": 0.05},
        )  # fmt: skip


def _play(run: Run, state: str, last: int = EPOCHS) -> None:
    """The events of a run as a training would have left them."""
    run.append(RunQueued())
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    run.append(
        TrainingStarted(
            labels=LABELS, train_clips=16, val_clips=8, fold="1", device="cpu", device_reason="there is no other", precision="bf16",
            memory_format="channels_last", precision_reason="it was the quickest of four", parameters=321_000, epochs=EPOCHS,
            first_epoch=1,
        )
    )  # fmt: skip
    for epoch in epochs(last):
        if epoch.epoch == 4:
            run.append(SettingsChanged(epoch=4, number=0, changes={"model.dropout": 0.5}, by="page", reason="to see"))
        run.append(epoch)
    if state == "finished":
        confusion = {label: dict(zip(LABELS, row, strict=True)) for label, row in zip(LABELS, _COUNTS, strict=True)}
        figures = {label: {"precision": 0.9, "recall": 0.8, "f1": 0.85} for label in LABELS}
        run.append(
            Evaluated(
                accuracy=0.875, accuracy_low=0.64, accuracy_high=0.965, macro_f1=0.87, per_class=figures, confusion=confusion,
                clips=24, fold="1",
            )
        )  # fmt: skip
    error = {"error": "a batch of 64 does not fit", "remedy": "Take 32"} if state == "failed" else {}
    run.append(RunFinished(state=state, epochs_done=last, seconds=61.0, **error))


_COUNTS = ((6, 2, 0), (0, 8, 0), (1, 0, 7))


def _predict(run: Run) -> None:
    """The prediction for each clip, as :data:`_COUNTS` sums them up; the later a clip, the more certain."""
    dataset = find_dataset(run.workspace, "tones")
    rows = np.arange(len(dataset))
    predicted = np.concatenate([np.repeat(range(len(LABELS)), row) for row in _COUNTS])
    certain = np.linspace(0.7, 0.93, len(rows))[:, None]
    shares = np.where(predicted[:, None] == range(len(LABELS)), certain, (1 - certain) / 2).astype(np.float32)
    bounds = np.tile([0, RATE // 2], (len(rows), 1))
    part = PredictionPart(shares, rows, bounds, shares, shares.astype(np.float16))
    record(run.predictions, known_of(dataset.table, rows, dataset.folder), LABELS, RATE, [part])


def _search(workspace: Workspace, config: RunConfig) -> str:
    """A search of eight trials, one of them pruned and one with what it was by itself."""
    ranges = (Range("optim.lr", 0.01, 0.3, log=True), Range("model.dropout", 0.0, 0.6))
    settings = make_settings(workspace, config, ranges, trials=8, seed=1)
    search = Search.create(workspace, settings)
    study = optuna.load_study(study_name=NAME, storage=search.journal())
    for number in range(8):
        ask(study, settings, number)
        run = Run.create(workspace, config, marks={SEARCH: {"search": search.id, "trial": number}})
        _play(run, "finished" if number != 3 else "stopped", EPOCHS if number != 3 else 4)
        trial = study.trials[number]
        study._storage.set_trial_user_attr(trial._trial_id, "run", run.id)
        study._storage.set_trial_intermediate_value(trial._trial_id, 4, 0.3)
        if number == 3:
            study.tell(number, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(number, 0.5 + 0.05 * trial.params["model.dropout"] + (0.3 if number == 5 else 0.0))
    search.append(search.finished("finished"))
    return search.id
