"""The figures of a cross-validation, worked out from its runs whenever they are asked for."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from labcore.crossval.job import CrossValidation, state_of
from labcore.errors import RunError
from labcore.evaluation.intervals import ByRecording
from labcore.evaluation.metrics import Circumstances, figures_of
from labcore.events import (
    Evaluated,
    EvaluatedLabels,
    RunFinished,
    TrainingStarted,
    each_of,
    epochs_of,
    last_of,
    result_of,
)
from labcore.jobs.listing import reason
from labcore.jobs.status import ENDED, RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.runs.honesty import adjustments, label_note, leak_note
from labcore.sheets import csv_of
from labcore.texts import counted, mean_ap_text, plus_minus
from labcore.training.live_settings import LiveSettings
from labcore.training.pending import EPOCHS


@dataclass(frozen=True, kw_only=True)
class FoldResult(JobStatus):
    """One fold at a glance: how its run stands, ``deleted`` where that is gone, and what came of it.

    Attributes:
        split: "official", or "random" for a fold of the random-split control.
        accuracy: the final one on the held-out fold, None before the end.
        latest: the accuracy of the newest epoch on the clips of the curve.
        epochs, planned: after so many it ends, as was asked for last, and as its settings say; 0 where that is not known yet.
        curve: epoch, accuracy on the training clips, accuracy on the clips of the curve.
        seconds: running so far, over all its starts that came to an end.
        adjusted: so many times its settings were changed with its held-out clips in view.
        corrected, corrected_since: so many labels of its held-out clips were corrected before its evaluation, and after it.
    """

    fold: str
    split: str
    run_id: str
    planned: int = 0
    latest: float | None = None
    macro_f1: float | None = None
    clips: int = 0
    seconds: float = 0.0
    device: str = ""
    adjusted: int = 0
    corrected: int = 0
    corrected_since: int = 0
    curve: tuple[tuple[int, float | None, float], ...] = field(default=(), repr=False)
    confusion: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """``3``, or ``3 random``."""
        return self.fold if self.split == "official" else f"{self.fold} {self.split}"

    @property
    def active(self) -> bool:
        return self.state not in (*ENDED, "deleted")

    @property
    def begun(self) -> bool:
        """Whether it has begun, and has not come to its end."""
        return self.state in ("running", "stopping") or (self.epoch > 0 and self.state in (*RESUMABLE, "queued"))

    @property
    def shortened(self) -> bool:
        """Whether it ends before the epochs of its settings, or shall where these are not known yet."""
        return 0 < self.epochs < (self.planned or self.epochs + 1)


@dataclass(frozen=True)
class Pool:
    """Folds taken together; the figures are those of the finished ones.

    Attributes:
        mean, deviation: of the accuracies of the folds; the deviation is that of a sample (n - 1), None with fewer than two folds.
        accuracy, low, high: of all held-out clips together, with its 95 % Wilson interval.
        effective_clips, recordings, macro_f1, per_class, confusion: of all held-out clips together, as in
            :class:`labcore.events.Evaluated`.
        mean_ap, mean_ap_deviation: of folds of several labels a clip, the mean of their mean average precisions, and its deviation; the
            figures above are None then.
        leaks: clips of the recordings of a fold were trained on for it, so the figures are too high.
        adjusted, corrected, corrected_since: the sums over the folds, as of a :class:`FoldResult`.
    """

    folds: list[FoldResult]
    finished: int = 0
    mean: float | None = None
    deviation: float | None = None
    clips: int = 0
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    effective_clips: float | None = None
    recordings: int | None = None
    macro_f1: float | None = None
    per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0
    leaks: bool = False
    adjusted: int = 0
    corrected: int = 0
    corrected_since: int = 0
    mean_ap: float | None = None
    mean_ap_deviation: float | None = None

    @property
    def shortened(self) -> bool:
        """Whether a fold that the figures are of was finished early."""
        return any(fold.shortened for fold in self.folds if fold.state == "finished")

    @property
    def leak_note(self) -> str:
        """A sentence on clips that were no new ones, see :func:`labcore.runs.honesty.leak_note`; "" where none is known."""
        return leak_note(self.leaks, sum(fold.trained_on for fold in self.folds), self.clips)

    @property
    def label_note(self) -> str:
        """A sentence on corrected labels of the clips, see :func:`labcore.runs.honesty.label_note`; "" where none was."""
        return label_note(self.clips, self.corrected, self.corrected_since)


@dataclass(frozen=True)
class Summary:
    """A cross-validation at a glance.

    Attributes:
        state: queued, running (a fold is waiting or running), finished, failed or stopped.
        random: the random-split control, None where it was not asked for.
        difference: mean accuracy of the random split less that of the official folds, over the folds finished on both sides.
        by: who made it; "" where that is not known.
    """

    id: str
    state: str
    dataset: str
    model: str
    created: float
    official: Pool
    random: Pool | None
    difference: float | None
    by: str = ""

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")

    @property
    def folds(self) -> list[FoldResult]:
        """Every fold, those of the random split last."""
        return [*self.official.folds, *(self.random.folds if self.random else [])]

    @property
    def length_note(self) -> str:
        """A sentence on folds that were finished early, without the final stop; "" where none was."""
        short: dict[str, list[str]] = {}
        for fold in self.folds:
            if fold.shortened:
                of = f"{fold.epochs} of {fold.planned} epochs" if fold.planned else counted(fold.epochs, "epoch")
                short.setdefault(f"after {of}", []).append(fold.name)
        if not short:
            return ""
        told = ", ".join(f"{folds_told(names)} {after}" for after, names in short.items())
        lengths = {fold.epochs for fold in self.folds if fold.epochs}
        return f"Finished early: {told}" + (
            ". The figures are of folds of different length" if len(lengths) > 1 else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """All figures, without the curves."""
        facts = asdict(self)
        for pool in filter(None, (facts["official"], facts["random"])):
            for fold in pool["folds"]:
                for name in ("curve", "confusion", "by_recording", "preparing", "queued_at", "changed_at", "by"):
                    del fold[name]
        return facts


def summarise(experiment: CrossValidation) -> Summary:
    """Read a cross-validation's runs and take their figures together.

    Raises:
        RunError: the experiment is gone or cannot be read.
    """
    official = pool(_folds(experiment, "official"))
    random = pool(folds) if (folds := _folds(experiment, "random")) else None
    config = experiment.config
    return Summary(
        id=experiment.id,
        state=state_of([fold.state for fold in (*official.folds, *(random.folds if random else []))]),
        dataset=config.data.dataset,
        model=config.model.name,
        created=experiment.created,
        official=official,
        random=random,
        difference=_difference(official, random) if random else None,
        by=experiment.owner,
    )


def csv_table(summary: Summary) -> str:
    """The folds as a CSV table, then mean and deviation, the random split's below."""
    head = ["split", "fold", "state", "epochs", "accuracy", "macro_f1", "clips", "seconds", "run", "mean_ap"]
    head += ["planned_epochs"]
    rows: list[list[object]] = []
    for name, pool in (("official", summary.official), ("random", summary.random)):
        if pool is None:
            continue
        for fold in pool.folds:
            figures = [_figure(fold.accuracy), _figure(fold.macro_f1), fold.clips, round(fold.seconds, 1), fold.run_id]
            rows.append([name, fold.fold, fold.state, fold.epoch, *figures, _figure(fold.mean_ap), fold.planned or ""])
        rows.append([name, "mean", "", "", _figure(pool.mean), "", "", "", "", _figure(pool.mean_ap), ""])
        rows.append(
            [name, "deviation", "", "", _figure(pool.deviation), "", "", "", "", _figure(pool.mean_ap_deviation), ""]
        )
        pooled = [_figure(pool.accuracy), _figure(pool.macro_f1), pool.clips, round(pool.seconds, 1), "", "", ""]
        rows.append([name, "all clips", "", "", *pooled])
    return csv_of(head, rows)


def mean_text(pool: Pool) -> str:
    """The mean over the finished folds ± its standard deviation: ``95.6 ± 0.8 %`` or, of several labels a clip, ``mAP 0.734 ± 0.020``."""
    if pool.mean_ap is not None:
        spread = "" if pool.mean_ap_deviation is None else f" ± {pool.mean_ap_deviation:.3f}"
        return f"{mean_ap_text(pool.mean_ap)}{spread}"
    return "-" if pool.mean is None else plus_minus(pool.mean, pool.deviation)


def folds_told(names: Sequence[str]) -> str:
    """``fold 2``, or ``folds 2, 3``."""
    return f"fold{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def pool(folds: list[FoldResult]) -> Pool:
    """Take folds together."""
    ranked = [fold for fold in folds if fold.state == "finished" and fold.mean_ap is not None]
    if ranked:
        return _pool_of_labels(folds, ranked)
    done = [fold for fold in folds if fold.accuracy is not None]
    seconds = sum(fold.seconds for fold in folds)
    leaks = any(fold.leaks for fold in folds)
    if not done:
        return Pool(folds, seconds=seconds, leaks=leaks)
    accuracies = [fold.accuracy for fold in done if fold.accuracy is not None]
    confusion = _pooled([fold.confusion for fold in done])
    distinct = sum(fold.distinct_clips or fold.clips for fold in done)
    by_recording = ByRecording.together(fold.by_recording for fold in done)
    figures = figures_of(confusion, Circumstances(distinct=distinct, by_recording=by_recording))
    return Pool(
        folds,
        finished=len(done),
        mean=statistics.fmean(accuracies),
        deviation=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        clips=figures.clips,
        accuracy=figures.accuracy if figures.clips else None,
        low=figures.accuracy_low,
        high=figures.accuracy_high,
        effective_clips=figures.effective_clips,
        recordings=figures.recordings,
        macro_f1=figures.macro_f1 if figures.clips else None,
        per_class=figures.per_class,
        confusion=confusion,
        seconds=seconds,
        leaks=leaks,
        adjusted=sum(fold.adjusted for fold in done),
        corrected=sum(fold.corrected for fold in done),
        corrected_since=sum(fold.corrected_since for fold in done),
    )


def _pool_of_labels(folds: list[FoldResult], done: list[FoldResult]) -> Pool:
    """The same of several labels a clip."""
    values = [fold.mean_ap for fold in done if fold.mean_ap is not None]
    return Pool(
        folds,
        finished=len(done),
        clips=sum(fold.clips for fold in done),
        seconds=sum(fold.seconds for fold in folds),
        leaks=any(fold.leaks for fold in folds),
        adjusted=sum(fold.adjusted for fold in done),
        corrected=sum(fold.corrected for fold in done),
        corrected_since=sum(fold.corrected_since for fold in done),
        mean_ap=statistics.fmean(values),
        mean_ap_deviation=statistics.stdev(values) if len(values) > 1 else None,
    )


def _folds(experiment: CrossValidation, split: str) -> list[FoldResult]:
    found = []
    for fold, run in experiment.members(split).items():
        try:
            found.append(_fold(fold, split, run))
        except Exception as error:  # one fold must never hide the others
            why = f"cannot be read: {reason(error)}"
            found.append(FoldResult("unreadable", fold=fold, split=split, run_id=run.id, error=why))
    return found


def _fold(fold: str, split: str, run: Run) -> FoldResult:
    from labcore.datasets.corrected_since import corrected_since  # loads what a list of them has no use for

    if not run.there:
        return FoldResult("deleted", fold=fold, split=split, run_id=run.id)
    events, status = run.events(), run.status()
    started, epochs = last_of(events, TrainingStarted), epochs_of(events)
    finished = status.state == "finished"
    result = result_of(events) if finished else None
    one = result if isinstance(result, Evaluated) else None
    planned, ends = _length(run, status)
    told = vars(status) | _at_that_length(status, ends) | {"accuracy": one.accuracy if one else None}
    told |= {"mean_ap": result.mean_ap if isinstance(result, EvaluatedLabels) else None}
    return FoldResult(
        **told,
        fold=fold,
        split=split,
        run_id=run.id,
        planned=planned,
        latest=epochs[-1].figure if epochs else None,
        macro_f1=result.macro_f1 if result else None,
        clips=result.clips if result else 0,
        seconds=sum(end.seconds for end in each_of(events, RunFinished)),
        device=started.device if started else "",
        adjusted=adjustments(events),
        corrected=result.corrected if result else 0,
        corrected_since=corrected_since(run) if result else 0,
        curve=tuple((each.epoch, each.train_accuracy, each.figure) for each in epochs),
        confusion=one.confusion if one else {},
    )


def _length(run: Run, status: JobStatus) -> tuple[int, int]:
    """The epochs of a run by its settings, and those after which it ends, also where that counts from the next epoch on."""
    try:
        config = run.config
    except RunError:
        return status.epochs, status.epochs
    changes = run.overrides.exists() and status.state != "finished"
    wished: int = LiveSettings(run, config).pending().get(EPOCHS, 0) if changes else 0
    planned = config.optim.epochs or (0 if wished else status.epochs)
    return planned, wished or status.epochs or planned


def _at_that_length(status: JobStatus, epochs: int) -> dict[str, Any]:
    """What is otherwise of a run that ends after so many epochs, which it may not have taken up yet."""
    told: dict[str, Any] = {"epochs": epochs}
    if epochs != status.epochs > status.epoch:
        told["fraction"] = min(1.0, status.fraction * status.epochs / epochs)
        if status.seconds_left is not None:
            left = max(0, epochs - status.epoch)
            told["seconds_left"] = status.seconds_left * left / (status.epochs - status.epoch)
    return told


def _difference(official: Pool, random: Pool) -> float | None:
    def figure(fold: FoldResult) -> float | None:
        return fold.accuracy if fold.mean_ap is None else fold.mean_ap

    other = {fold.fold: figure(fold) for fold in random.folds}
    pairs = [(figure(fold), other.get(fold.fold)) for fold in official.folds]
    gaps = [random - own for own, random in pairs if own is not None and random is not None]
    return statistics.fmean(gaps) if gaps else None


def _pooled(tables: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """The sum of confusion matrices; labels in the order of the first, those of the others after them."""
    total: dict[str, Counter[str]] = {}
    for table in tables:
        for label, row in table.items():
            total.setdefault(label, Counter()).update(row)
    order = list(total)
    return {label: {other: total[label][other] for other in order if total[label][other]} for label in order}
