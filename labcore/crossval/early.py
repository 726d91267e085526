"""A cross-validation that ends before its time: the folds that train cool down, and those that have not begun train as many epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labcore.crossval.job import EARLY, CrossValidation
from labcore.crossval.summary import FoldResult, Summary, folds_told, summarise
from labcore.errors import ConfigError, RunError
from labcore.jobs.status import RESUMABLE
from labcore.owners import clean
from labcore.runs import Run
from labcore.texts import counted
from labcore.training import pending


@dataclass(frozen=True)
class EarlyEnd:
    """When the folds end that have not ended yet, by their names.

    Attributes:
        begun: those that have begun → their last epoch.
        waiting: those that have not → how many epochs they train.
        epochs: as many has a fold that is still to be made.
    """

    begun: dict[str, int]
    waiting: dict[str, int]
    epochs: int

    @property
    def sentence(self) -> str:
        """Without the final stop."""
        told = [
            f"{folds_told(names)} {'end' if names[1:] else 'ends'} after epoch {end}"
            for end, names in _together(self.begun).items()
        ]
        for epochs, names in _together(self.waiting).items():
            has, train = ("have", "train") if names[1:] else ("has", "trains")
            told.append(f"{folds_told(names)}, which {has} not begun, {train} {counted(epochs, 'epoch')}")
        return "; ".join([told[0][:1].upper() + told[0][1:], *told[1:]])


def _together(ends: Mapping[str, int]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for name, end in ends.items():
        names.setdefault(end, []).append(name)
    return names


def early_end(summary: Summary, more: int) -> EarlyEnd:
    """When the folds end if those that have begun train so many epochs more, not counting one that has begun.

    The others train as many as the longest of these that is shortened: what is left of the cross-validation is alike.

    Raises:
        ConfigError: no epoch more, or so many that no fold ends before its time.
        RunError: no fold is left, or none has begun and how many epochs they have is not known yet.
    """
    left = [fold for fold in summary.folds if fold.active or fold.state in RESUMABLE]
    planned = max((fold.planned for fold in summary.folds), default=0)
    if not left:
        what = f"no fold of cross-validation {summary.id} is left to end early"
        raise RunError(what, "Start a new one, or resume this one first where folds were deleted")
    if not planned:
        what = f"no fold of cross-validation {summary.id} has begun, so that its number of epochs is not known"
        raise RunError(what, "Wait until the first one trains, or start one with --epochs")
    if more < 1:
        raise ConfigError(f"{counted(more, 'epoch')} more end nothing early", "Give one at least")

    def ends_by_itself(fold: FoldResult) -> int:
        return max(fold.planned or planned, fold.epochs)

    ends = {fold.name: min(fold.epoch + fold.active + more, ends_by_itself(fold)) for fold in left if fold.begun}
    early = [ends[fold.name] for fold in left if fold.begun and ends[fold.name] < ends_by_itself(fold)]
    epochs = min(planned, max(early, default=planned if ends else more))
    if epochs == planned and not early:
        soon = list(ends) or [fold.name for fold in left]
        whose = "their" if soon[1:] else "its"
        raise ConfigError(
            f"with {counted(more, 'more epoch')} {folds_told(soon)} would not end before {whose} time",
            "Ask for fewer, or wait until the next fold trains",
        )
    waiting = {fold.name: min(epochs, ends_by_itself(fold)) for fold in left if not fold.begun}
    return EarlyEnd(ends, waiting, epochs)


def finish_early(experiment: CrossValidation, more: int, *, by: str, who: str = "") -> EarlyEnd:
    """Let all folds that have not ended end early, see :func:`early_end`; also those that wait, were stopped, or are made later.

    Args:
        by, who: as of :meth:`labcore.runs.run.Run.override`.

    Raises:
        ConfigError, RunError: as :func:`early_end`; nothing has changed.
        WorkspaceError: the disk is full or the directory is gone.
    """
    summary = summarise(experiment)
    end = early_end(summary, more)
    with experiment.hold():
        experiment.save("experiment", experiment.facts | {EARLY: {"epochs": end.epochs, "by": by, "who": clean(who)}})
    for fold in summary.folds:
        epochs = (end.begun | end.waiting).get(fold.name, fold.epochs)
        run = Run(experiment.workspace.runs / fold.run_id)
        try:
            if epochs != fold.epochs:
                run.override({pending.EPOCHS: epochs}, by=by, who=who, reason=pending.EARLY)
        except RunError:
            if run.there and run.status().state != "finished":  # it has not ended meanwhile
                raise
    return end
