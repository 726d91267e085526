"""From what a network says of windows to the prediction for a clip or a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labcore.audio.windowed import WindowedPrediction, weights_of_energies
from labcore.inference.prediction import NONE_OF_THESE, Prediction, Shares, Window
from labcore.inference.unknown import of_clip
from labcore.inference.windows import aggregate
from labcore.texts import moment, percent

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

SILENT_SHARE, LONG_SECONDS = 0.9, 60.0
"""Where so large a share of a recording of so many seconds is silent, one loud moment may have hidden the rest."""


def prediction_of(classifier: Classifier, windowed: WindowedPrediction, notes: Sequence[str] = ()) -> Prediction:
    """The prediction for a recording: probabilities are the mean over its windows that hold sound.

    Args:
        windowed: with rows as :meth:`labcore.inference.classifier.Classifier.rows_of` gives them.
        notes: of how the recording was read.
    """
    rate, silent_windows = classifier.sample_rate, classifier.config.audio.silent_windows
    weights = weights_of_energies(windowed.energies, silent_windows)
    rows, unknown = _told_apart(classifier, windowed)
    mean = aggregate(rows, weights, np.zeros(len(weights), dtype=np.int64), 1)[0]
    nothing = len(windowed.bounds) > 1 and not any(windowed.energies) and silent_windows == "skip"
    places = {label: place for place, label in enumerate(classifier.labels)}
    windows = []
    for number, ((begin, end), row, weight) in enumerate(zip(windowed.bounds, rows, weights, strict=True)):
        start_s, end_s = begin / rate, min(end, windowed.samples) / rate
        silent, refused = nothing or not weight, bool(unknown[number])
        label, labels = _named(classifier, row, refused or silent, refused)
        shares, share = Shares(places, row), float(row[int(row.argmax())])
        windows.append(Window(start_s, end_s, label, share, shares, silent, refused, labels))
    refused = of_clip(unknown[weights > 0]) > 0
    label, labels = _named(classifier, mean, refused or nothing, refused)
    return Prediction(
        label=label,
        probability=float(mean.max()),
        probabilities=dict(zip(classifier.labels, mean.tolist(), strict=True)),
        seconds=windowed.samples / rate,
        windows=windows,
        notes=[*notes, *_drowned(windows, windowed.energies)],
        unknown=refused,
        labels=labels,
    )


def _drowned(windows: Sequence[Window], energies: Sequence[int]) -> list[str]:
    """What is to be known where nearly all of a long recording is silent beside its loudest moment: no event of it is told."""
    silent = sum(window.silent for window in windows) / len(windows)
    if windows[-1].end_s < LONG_SECONDS or silent < SILENT_SHARE or not any(energies):
        return []
    loudest = windows[max(range(len(energies)), key=energies.__getitem__)]
    span = f"{moment(loudest.start_s)} to {moment(loudest.end_s)}"
    return [
        f"{percent(silent, 0)} of the recording counts as silent, since it is 30 dB below the loudest moment ({span}), and gives no "
        "events; cut that moment out if it is none that is sought, such as thunder, speech or handling"
    ]


def _named(classifier: Classifier, row: np.ndarray, without: bool, refused: bool) -> tuple[str, list[str] | None]:
    """What a clip with these probabilities (classes,) is called, and its labels where it may have several; none of these ``without``."""
    labels = classifier.task.chosen(classifier.labels, row)
    labels = [] if labels and without else labels
    named = "" if refused else classifier.task.called(classifier.labels, row, labels)
    return named or NONE_OF_THESE, labels


def _told_apart(classifier: Classifier, windowed: WindowedPrediction) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (windows, classes), and which windows are none of the classes: (windows,) bool."""
    classes = len(classifier.labels)
    unknown = np.zeros(len(windowed.rows), dtype=bool)
    if classifier.unknown is not None and windowed.rows.shape[1] > classes:
        unknown = windowed.rows[:, classes] > classifier.unknown.threshold.value
    if not any(label.lower() == "silence" for label in classifier.labels):
        unknown |= np.array(windowed.energies, dtype=np.float64) == 0  # digital silence is no sound of any class
    return windowed.rows[:, :classes], unknown
