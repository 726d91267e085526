"""The figures of predictions as the command line prints them, beside what :func:`labcore.cli.evaluate.report` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labcore.cli.output import Content, percent, table
from labcore.errors import LabError
from labcore.runs import Run
from labcore.texts import spread

if TYPE_CHECKING:
    from labcore.evaluation.figures import Figures


def figures_of(run: Run) -> Figures | None:
    """All figures of a run's predictions; None where it has none that can be read."""
    from labcore.evaluation.clip_predictions import ClipPredictions
    from labcore.evaluation.figures import figures_of_clips

    if not run.predictions.is_file():
        return None  # of several labels a clip, too, the result tells all that there is
    try:
        return figures_of_clips(ClipPredictions.read([run.predictions]))
    except LabError:
        return None


def lines(figures: Figures) -> list[Content]:
    """Figures with their intervals, a line each, and the ranking of each class."""
    told = {
        "balanced accuracy": figures.balanced_accuracy,
        "macro F1": figures.macro_f1,
        "average precision": percent(figures.average_precision),
        "AUROC": percent(figures.auroc),
        "calibration error": percent(figures.calibration.error),
    }
    rows = [
        [each.label, spread(*each.recall_interval), percent(each.average_precision), percent(each.auroc)]
        for each in figures.per_class
    ]
    listed = [f"{name:18} {value}" for name, value in told.items()]
    return [*listed, "", table(["class", "recall, 95 %", "average precision", "AUROC"], rows)]
