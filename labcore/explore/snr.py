"""How a classifier holds out against noise: its accuracy over the signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from labcore.classifier import Classifier, centred_start
from labcore.datasets.folds import folds_of, split_for
from labcore.datasets.store import ClipStore
from labcore.errors import DatasetError
from labcore.explore.draws import seeded
from labcore.explore.noise import NoiseAt, mixed_at
from labcore.intervals import wilson_interval
from labcore.training.bank import wave_bank

SNRS_DB = (30.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0, -10.0)


@dataclass(frozen=True)
class SnrCurve:
    """Accuracy over signal-to-noise ratio.

    Attributes:
        table: a row a ratio, the clips as they are first: ``snr_db`` (nan for these), ``clips``, ``hits``, ``accuracy``, and
            ``low`` and ``high``, the ends of its 95 % Wilson interval.
        clips: which clips they were, a sentence.
        complete: all of them were judged; else those until it was stopped.
    """

    table: pd.DataFrame
    clips: str
    complete: bool


def clips_of(
    classifier: Classifier,
    store: ClipStore,
    *,
    label: str | None = None,
    fold: str | None = None,
    trained_on: bool = False,
) -> tuple[np.ndarray, str]:
    """Rows of a store to judge a classifier on, and a sentence on which they are.

    Args:
        classifier: its configuration says which fold was held out.
        store: of the data set that it was trained on.
        label: clips of this class only.
        fold: clips of this fold; the held-out one where it is not given.
        trained_on: clips that it was trained on are welcome too.

    Raises:
        DatasetError: it was trained on that fold and this is not wanted, or there are no such clips.
    """
    own = classifier.config.data
    held_out = split_for(store.table, own)
    fold = fold if fold is not None else held_out.fold
    rows = np.flatnonzero(folds_of(store.table, own.split) == fold)
    seen = np.intersect1d(rows, np.concatenate([held_out.train, held_out.validation]))
    if len(seen) and not trained_on:
        raise DatasetError(
            f"the classifier was trained on clips of fold {fold}",
            f"Take the held-out fold {held_out.fold}: accuracy on clips known from training says little",
        )
    if label is not None:
        rows = rows[(store.table["label"].to_numpy()[rows] == label)]
    of_class = f" of {label}" if label is not None else ""
    if not len(rows):
        raise DatasetError(f"fold {fold} has no clips{of_class}", "Choose another class or fold")
    known = "; the classifier was trained on clips among them" if len(seen) else ", held out from training"
    return rows, f"{len(rows)} clip{'s' if len(rows) > 1 else ''}{of_class} of fold {fold}{known}."


def accuracy_over_snr(
    classifier: Classifier,
    store: ClipStore,
    rows: np.ndarray,
    *,
    clips: str = "",
    snrs_db: Sequence[float] = SNRS_DB,
    colour: str = "pink",
    seed: int = 0,
    batch_size: int = 16,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SnrCurve:
    """Judge a classifier on clips with more and more noise.

    Noise is added to each window as the training chain does, at a ratio over the window. A clip gets the same noise at all
    ratios, so that they differ in its level alone. Windows count as in use: the answer is the mean of their probabilities.

    Args:
        store: at the classifier's sample rate.
        rows, clips: which clips, and the sentence on them, from :func:`clips_of`.
        snrs_db: the ratios in dB.
        colour: of the noise, as ``augment.noise_colour``.
        seed: of the noise.
        batch_size: clips that are judged at once.
        should_stop: asked before each batch.
        progress: called with clips done and clips in all.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know.
    """
    labels = store.table["label"].to_numpy()[rows]
    unknown = sorted(set(labels) - set(classifier.labels))
    if unknown:
        raise DatasetError(
            f"the classifier does not know {', '.join(unknown)}", f"It knows {', '.join(classifier.labels)}"
        )
    if not len(rows):
        raise DatasetError("there are no clips to judge")
    targets = np.array([classifier.labels.index(label) for label in labels])
    judge = _Judge(classifier, store, [None, *snrs_db], colour)
    hits = np.zeros(len(snrs_db) + 1, dtype=np.int64)
    done = 0
    for first in range(0, len(rows), batch_size):
        if should_stop():
            break
        part = slice(first, first + batch_size)
        with seeded(seed * 1_000_003 + first):
            hits += (judge.answers(rows[part]) == targets[part]).sum(1)
        done = min(first + batch_size, len(rows))
        progress(done, len(rows))
    table = pd.DataFrame(
        [_row(ratio, int(hit), done) for ratio, hit in zip([float("nan"), *snrs_db], hits, strict=True)]
    )
    return SnrCurve(table, clips, complete=done == len(rows))


def _row(snr_db: float, hits: int, clips: int) -> dict[str, float]:
    low, high = wilson_interval(hits, clips)
    share = hits / clips if clips else float("nan")
    return {"snr_db": snr_db, "clips": clips, "hits": hits, "accuracy": share, "low": low, "high": high}


class _Judge:
    """A classifier and the noise that its clips get."""

    def __init__(self, classifier: Classifier, store: ClipStore, snrs_db: list[float | None], colour: str) -> None:
        self.classifier, self.snrs_db = classifier.eval(), snrs_db
        self.waves = wave_bank(store, torch.device("cpu"))
        self.noise = NoiseAt(0.0, colour)

    @torch.inference_mode()
    def answers(self, rows: np.ndarray) -> np.ndarray:
        """(ratios, clips) numbers of the classes that are heard."""
        window = self.classifier.config.clip_samples
        clips, starts, owners = [], [], []
        for owner, row in enumerate(rows.tolist()):
            for begin, end in self.classifier.windows_of(int(self.waves.lengths[row])):
                clips.append(row)
                starts.append(begin + centred_start(end - begin, window))
                owners.append(owner)
        heard = []
        windows = self.waves.cut(torch.tensor(clips), torch.tensor(starts), window)
        noise = self.noise.noise_for(windows)
        for snr_db in self.snrs_db:
            noisy = windows if snr_db is None else mixed_at(windows, noise, snr_db)
            shares = [
                self.classifier(batch.to(self.classifier.device)).float().softmax(1).cpu() for batch in noisy.split(32)
            ]
            summed = torch.zeros(len(rows), len(self.classifier.labels))
            counts = torch.zeros(len(rows), 1)
            index = torch.tensor(owners)
            summed.index_add_(0, index, torch.cat(shares))
            counts.index_add_(0, index, torch.ones(len(owners), 1))
            heard.append((summed / counts).argmax(1).numpy())
        return np.stack(heard)
