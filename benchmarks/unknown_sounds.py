"""Are sounds of no class noticed? Before and after: how sure the network is of silence, tones and noise, and what is refused.

    python benchmarks/unknown_sounds.py [--dataset PATH] [--run RUN] [--hide CLASS ...]

It trains a small network on a data set (a demo set where none is named), with validation clips, and fits what it refuses on these, so
that 5 % of them would be. With --run a finished run of the workspace is taken in its place; its weights stay as they are. With --hide
these classes are hidden, one at a time (`labcore runs hidden`), and it tells the AUROC of several scores: clips of the test fold, those of
the other classes against those of the hidden one. `labcore runs hidden` itself uses the last of them.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from _common import workspace
from scipy.special import logsumexp
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from labcore import unknowns
from labcore.calibration import validation_plan
from labcore.config import RunConfig
from labcore.datasets.demo import make_demo
from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import split_for
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.training_clips import training_clips
from labcore.hidden.job import HiddenClasses
from labcore.inference.classifier import Classifier
from labcore.inference.unknown import Unknown
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.workspace import Workspace

SMALL = {
    "audio.sample_rate": 8000,
    "features.n_mels": 32,
    "features.hop_length": 256,
    "model.width": 0.3,
    "optim.epochs": 16,
    "data.validation_share": 0.2,
    "runtime.device": "cpu",
}


def probes(samples: int, rate: int) -> dict[str, list[np.ndarray]]:
    """Sounds of no class: other tones, levels and noise than those that it is compared with."""
    time, generator = np.arange(samples) / rate, np.random.default_rng(7)
    tones = [0.1 * np.sin(2 * np.pi * hz * time) for hz in (180, 250, 440, 700, 1000, 1300, 2000, 3000, 3600)]
    noise = [level * generator.standard_normal(samples) for level in (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3)]
    return {"digital silence": [np.zeros(samples)], "pure tones": tones, "white noise": noise}


def trained(home: Workspace, dataset: str, fold: str | None) -> Run:
    run = Run.create(home, RunConfig().replace({**SMALL, "data.dataset": dataset, "data.fold": fold}))
    work(run)
    return run


def before_and_after(run: Run) -> None:
    if unknowns.to_evaluate(run):
        work(Evaluation.create(run.workspace, validation_plan(run)))
    unknown = unknowns.fit(run)
    before, after = Classifier.load(run.path), Classifier.load(run.path)
    after.unknown = unknown
    print(f"{'sound':18}{'before: highest probability':>30}{'above 0.5':>12}{'after: refused':>18}")
    for name, sounds in probes(before.config.clip_samples, before.sample_rate).items():
        sure = [before.classify_waveform(sound.astype(np.float32)).probability for sound in sounds]
        refused = [after.classify_waveform(sound.astype(np.float32)).unknown for sound in sounds]
        above = sum(share > 0.5 for share in sure)
        print(f"{name:18}{max(sure):>30.2f}{above:>6} of {len(sure):<3}{sum(refused):>12} of {len(refused)}")
    effect = unknowns.effect(run, unknown)
    assert effect is not None
    print(f"test clips refused wrongly: {effect.refused} of {effect.clips}; 5 % was asked for")


def hidden(run: Run, labels: list[str]) -> dict[str, dict[str, float]]:
    """Train once without each class: class → score → AUROC of the clips of the test fold, known ones against those of that class."""
    test = HiddenClasses.create(run.workspace, run, labels)
    work(test)
    return {label: _areas(each) for label, each in test.members().items()}


def _areas(run: Run) -> dict[str, float]:
    dataset = dataset_of(run, run.workspace, run.config.data.dataset)
    parts, paths = split_for(dataset, run.config.data), dataset.table["path"]
    classifier, unknown = Classifier.load(run.path), unknowns.compared(run)
    logits, embeddings = _given(classifier, [*paths.iloc[parts.held_out], *paths.iloc[parts.excluded]])
    truth = np.arange(len(logits)) >= len(parts.held_out)
    training = training_clips(run, run.workspace)
    return {
        name: float(roc_auc_score(truth, score))
        for name, score in _scores(logits, embeddings, unknown, training).items()
    }


def _given(classifier: Classifier, paths: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Logits (clips, classes) and embeddings (clips, width)."""
    import torch

    from labcore.audio import decode
    from labcore.inference.embed import features_of
    from labcore.inference.windows import centred

    logits, embeddings = [], []
    with torch.inference_mode(), features_of(classifier.network) as features:
        for path in paths:
            waveform = centred(decode(path, classifier.sample_rate)[0], classifier.config.clip_samples)
            logits.append(classifier(torch.from_numpy(waveform)[None]).numpy())
            embeddings.append(features.take(1, classifier.device).numpy())
    return np.concatenate(logits), np.concatenate(embeddings)


def _scores(
    logits: np.ndarray, embeddings: np.ndarray, unknown: Unknown, training: ClipPredictions
) -> dict[str, np.ndarray]:
    clips, targets = training.embeddings, training.targets
    means = np.stack([clips[targets == number].mean(0) for number in range(logits.shape[1])])
    precision = LedoitWolf().fit(clips - means[targets]).precision_
    offsets = embeddings[:, None] - means[None]
    plain = Unknown(unknown.threshold, unknown.clips, unknown.references[:0])
    total = logsumexp(logits, 1)
    return {
        "softmax": -np.exp(logits.max(1) - total),
        "energy": -total,
        "Mahalanobis": np.einsum("bci,ij,bcj->bc", offsets, precision, offsets).min(1),
        "neighbours": plain.scores(embeddings),
        "neighbours, references": unknown.scores(embeddings),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", help="by name or path (default: a demo set, made for it)")
    parser.add_argument("--fold", help="test fold")
    parser.add_argument("--run", help="a run of the workspace, in place of training")
    parser.add_argument("--hide", nargs="*", default=[], metavar="CLASS", help="classes to hide, one at a time")
    arguments = parser.parse_args()
    home = Workspace.default() if arguments.run else workspace(None)
    dataset = arguments.dataset or str(make_demo(home.home / "demo"))
    run = Run.open(home, arguments.run) if arguments.run else trained(home, dataset, arguments.fold)
    before_and_after(run)
    if arguments.hide:
        table = pd.DataFrame(hidden(run, arguments.hide)).T
        table.loc["mean"] = table.mean()
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
