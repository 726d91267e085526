"""The figures of a hidden class: the score of "none of these" on clips of the test fold, of classes that the network knows and of it."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np

from labcore import unknowns
from labcore.errors import DatasetError
from labcore.evaluation.bootstrap import Interval, ends, resampled
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.excluded_clips import excluded_clips
from labcore.hidden.events import ClassHidden
from labcore.inference.unknown import threshold_at
from labcore.jobs.following import Stopped
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.texts import shown


def score(run: Run, label: str, refused: float, should_stop: StopTest = lambda: False) -> ClassHidden:
    """How well the clips of a class that a run never heard are told from those of the others.

    Args:
        run: a finished one, trained without the class.
        refused: the share of clips of known classes that may be refused wrongly.

    Raises:
        RunError: it has no predictions or no embeddings.
        DatasetError: its data set is gone, or holds no clips of the class in the test fold.
        Stopped: it was asked to stop.
    """

    def progress(done: int, total: int) -> None:
        if should_stop():
            raise Stopped

    unknown = unknowns.compared(run, progress)
    known = ClipPredictions.read([run.predictions])
    hidden = excluded_clips(run, progress)
    hidden = hidden.chosen((hidden.frame["label"] == shown(label)).to_numpy())
    if not len(hidden):
        raise DatasetError(
            f"there are no clips of {shown(label)} in the test fold of run {run.id}", "Choose another class"
        )
    return figures(
        run.id, label, known, hidden, unknown.scores(known.embeddings), unknown.scores(hidden.embeddings), refused
    )


def figures(
    run_id: str,
    label: str,
    known: ClipPredictions,
    hidden: ClipPredictions,
    known_scores: np.ndarray,
    hidden_scores: np.ndarray,
    refused: float,
) -> ClassHidden:
    """The figures that follow from the scores of known clips, (known,), and of hidden ones, (hidden,).

    The threshold is the one above which the wanted share of the known clips lies.
    """
    threshold = threshold_at(known_scores, refused)
    above = hidden_scores > threshold
    names = np.array(hidden.labels, dtype=object)[hidden.predicted[~above]]
    interval = auroc_interval(known_scores, known.groups, hidden_scores, hidden.groups)
    return ClassHidden(
        label=label,
        run_id=run_id,
        auroc=float(_wins(known_scores, hidden_scores).mean()),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        known=len(known),
        unknown=len(hidden),
        recordings=len(set(hidden.groups)),
        refused_known=int((known_scores > threshold).sum()),
        refused_unknown=int(above.sum()),
        predicted_as={str(name): count for name, count in Counter(names).most_common()},
    )


def auroc_interval(
    known: np.ndarray, known_groups: np.ndarray, hidden: np.ndarray, hidden_groups: np.ndarray
) -> Interval | None:
    """The 95 % interval of the AUROC by recording: recordings of known classes and of the hidden one are drawn anew, each among themselves.

    Args:
        known, hidden: (clips,) scores; ``known_groups``, ``hidden_groups``: (clips,) the recording of each.

    Returns:
        None with one recording of the hidden class, which says nothing about others, or where no draw changes the figure.
    """
    if len(set(hidden_groups)) < 2:
        return None
    wins = _wins(known, hidden)
    every = [
        chain.from_iterable(part.T for part in resampled(each, seed))
        for seed, each in enumerate((known_groups, hidden_groups))
    ]
    rounds = np.array(
        [
            [(of_hidden @ wins @ of_known) / (of_hidden.sum() * of_known.sum())]
            for of_known, of_hidden in zip(*every, strict=False)
        ]
    )
    return ends(rounds, min(len(set(known_groups)), len(set(hidden_groups))))[0]


def _wins(known: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """(hidden, known): 1 where the hidden clip has the higher score, 0.5 where both have the same."""
    return (hidden[:, None] > known[None]) + 0.5 * (hidden[:, None] == known[None])
