"""How good a model is, with its confusion matrix as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from labcore.cli.foreground import BAD_INPUT
from labcore.cli.inputs import dataset_named, weights_named
from labcore.cli.reporter import ConsoleReporter, result_line
from labcore.datasets.table import Dataset
from labcore.errors import ConfigError, RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.figures import figures_of_clips
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.evaluation.predictions import read_predictions
from labcore.events import Evaluated, EvaluatedLabels
from labcore.face.dataset import name_of, part_and_whole
from labcore.face.names import MODEL_NAMES, device_of, text_of
from labcore.face.telling import as_output, error_of
from labcore.jobs.process import work
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.runs.honesty import choice_note
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.face.model import Model

NOTHING_LEFT = {*BAD_INPUT, "RunError"}
"""Errors that tell all that there is to know: of any other one the job's log tells more."""


@dataclass(frozen=True, repr=False)
class EvaluationResult:
    """Figures of an evaluation.

    Attributes:
        figures: accuracy, confusion, per_class and so on as plain data.
        files: the predictions that they are counted from, a row a clip (Parquet); of a cross-validation those of each fold.
    """

    figures: Evaluated | EvaluatedLabels
    files: tuple[Path, ...]

    @property
    def _single(self) -> Evaluated:
        if isinstance(self.figures, EvaluatedLabels):
            raise RunError(
                "this is a classifier of several labels a clip: it has no accuracy and no confusion matrix",
                "Use mean_ap, macro_f1 and per_class",
            )
        return self.figures

    @property
    def mean_ap(self) -> float | None:
        """The mean average precision of several labels a clip, from 0 to 1; None where no label can be ranked, and of one label a clip."""
        return self.figures.mean_ap if isinstance(self.figures, EvaluatedLabels) else None

    @property
    def accuracy(self) -> float:
        """The share of clips that are right, from 0 to 1.

        Raises:
            RunError: of several labels a clip, which have ``mean_ap``.
        """
        return self._single.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy (Wilson, by the effective number of clips): of few clips it is wide. Of several labels a clip
        that of ``mean_ap`` by recording (bootstrap); nan where there is none."""
        if isinstance(self.figures, EvaluatedLabels):
            low, high = self.figures.mean_ap_low, self.figures.mean_ap_high
            return (nan, nan) if low is None or high is None else (low, high)
        return self.figures.accuracy_low, self.figures.accuracy_high

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1, from 0 to 1."""
        return self.figures.macro_f1

    @property
    def clips(self) -> int:
        """How many were evaluated."""
        return self.figures.clips

    @property
    def fold(self) -> str:
        """The fold that they are of; "all" for every fold."""
        return self.figures.fold

    @property
    def trained_on(self) -> int:
        """How many of the clips the model was trained on, or chosen by, as far as its run knows them by their files."""
        return self.figures.trained_on

    @property
    def leaks(self) -> bool:
        """Whether these clips, or others of their recordings, were trained on: then the figures are too high."""
        return self.figures.leaks

    @property
    def confusion(self) -> pd.DataFrame:
        """The confusion matrix in clips: rows are what they are ("true"), columns what was predicted.

        Raises:
            RunError: of several labels a clip, which have none.
        """
        labels = list(self._single.per_class)
        rows = [[self._single.confusion.get(true, {}).get(predicted, 0) for predicted in labels] for true in labels]
        return pd.DataFrame(rows, index=pd.Index(labels, name="true"), columns=pd.Index(labels, name="predicted"))

    @property
    def per_class(self) -> pd.DataFrame:
        """Precision, recall, F1 (0 to 1) and clips, a row a class; of several labels a clip also average_precision with its interval and
        the threshold."""
        return pd.DataFrame.from_dict(self.figures.per_class, orient="index").rename_axis("class")

    @property
    def predictions(self) -> pd.DataFrame:
        """What was predicted of each clip: a row a clip, a column a class.

        Raises:
            RunError: they were not kept.
        """
        return read_predictions(self.files)

    @property
    def metrics(self) -> pd.DataFrame:
        """All figures with their 95 % intervals, a row each: accuracy, balanced accuracy, macro F1, average precision and AUROC (means of
        the classes), calibration error; columns ``value``, ``low`` and ``high`` (0 to 1, nan where there is no interval).

        Raises:
            RunError: the predictions were not kept, or are of several labels a clip.
        """
        found = figures_of_clips(ClipPredictions.read(self.files))
        names = ("accuracy", "balanced_accuracy", "macro_f1")
        rows = {name: asdict(getattr(found, name)) for name in names}
        rows |= {name: {"value": getattr(found, name)} for name in ("average_precision", "auroc")}
        rows["calibration_error"] = {"value": found.calibration.error}
        return pd.DataFrame.from_dict(rows, orient="index", dtype=float).rename_axis("figure")

    def __repr__(self) -> str:
        note = f"\n{choice_note(self.figures.adjusted)}." if self.figures.adjusted else ""
        return result_line(self.figures) + note

    def _repr_html_(self) -> str:
        table = self.per_class
        whole = [name for name in ("clips", "others") if name in table]
        shares = table.style.format("{:.2f}").format("{:.0f}", subset=whole)
        return f"<p>{self!r}</p>{shares.to_html()}"


def evaluate(
    model: Model | Run | str | Path,
    data: Dataset | str | Path | None = None,
    *,
    fold: str | int | None = None,
    label: str | None = None,
    device: str = "auto",
) -> EvaluationResult:
    """Evaluate a model on clips of a data set. It is a job of the workspace, which keeps what is predicted of each clip.

    Args:
        model: a model or run, or the name or file of one, as for :func:`labcore.load_model`.
        data: a data set or one fold of it, or its name or path; the model's own where it is not given.
        fold: the fold to evaluate on, or "all"; where it is not given, the one that the run held out, and all clips of another data set.
        label: clips of this class only.
        device: auto, cpu, cuda or cuda:N.

    Raises:
        ConfigError: the model, the data set or the label is nothing that names one.
        RunError: there is no such model, or it was changed in memory.
        DatasetError: there is no such data set or fold, or it has classes that the model does not know.
    """
    if label is not None and not isinstance(label, str):
        raise ConfigError(f"a {type(label).__name__} is no label", "Give one class by its name")
    workspace = Workspace.default()
    wanted, whole = None if fold is None else str(fold), data
    if isinstance(data, Dataset):
        wanted, whole = part_and_whole(data, wanted)
    plan = EvaluationPlan(
        run=weights_named(workspace, _weights(model)),
        dataset=None if whole is None else dataset_named(workspace, name_of(whole)),
        fold=wanted,
        label=label,
        device=device_of(device),
    )
    job = Evaluation.create(workspace, plan)
    with as_output():
        end = work(job, on_event=ConsoleReporter(result=False), by=shell_user())
    if end.state == "stopped":
        raise KeyboardInterrupt
    if end.error:
        if end.details.get("kind") in NOTHING_LEFT:
            job.delete()
        raise error_of(end)
    result = job.result
    assert result is not None
    return EvaluationResult(result, (job.predictions,))


def _weights(model: Model | Run | str | Path) -> str:
    from labcore.face.model import Model

    if isinstance(model, Model):
        return str(model.on_disk())
    return str(model.path) if isinstance(model, Run) else text_of(model, "a model", MODEL_NAMES)
