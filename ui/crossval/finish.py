"""To end a cross-validation before its time."""

from __future__ import annotations

from labcore.crossval.early import EarlyEnd, early_end, finish_early
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import Summary, summarise
from labcore.runs import Run
from labcore.texts import duration
from labcore.training.pending import usual_rest
from ui.app import services
from ui.app.text import plain
from ui.components.finish_early import UNKNOWN, Rest, popover, seconds_per_epoch


def button(experiment: CrossValidation, summary: Summary) -> None:
    """Opens how many epochs are still to be trained, where a fold has begun and not ended."""
    if not any(fold.begun for fold in summary.folds):
        return

    def look() -> Rest:
        now = summarise(experiment)
        begun = [fold for fold in now.folds if fold.begun and fold.epochs]
        left = max(
            (fold.epochs - fold.epoch - fold.active for fold in begun), default=0
        )  # with so many none ends early
        usual = min(max(map(usual_rest, begun), default=1), max(1, left - 1))
        soon = "The folds that train are about to end by themselves. Wait until the next one trains."
        return Rest(max(0, left - 1), usual, lambda more: _told(now, early_end(now, more)), soon if begun else UNKNOWN)

    def finish(more: int, me: str) -> str:
        return finish_early(experiment, more, by="page", who=me).sentence

    popover(experiment, summary.by, look, finish, going=summary.active)


def _told(now: Summary, end: EarlyEnd) -> str:
    ended = " Finished folds stay as they are." if any(fold.state == "finished" for fold in now.folds) else ""
    return (
        f"{_time(now, end)}{plain(end.sentence)}. By then the learning rate has fallen to its end; the weights are evaluated and "
        f"saved.{ended}"
    )


def _time(now: Summary, end: EarlyEnd) -> str:
    begun = [fold for fold in now.folds if fold.begun]
    paces = [seconds_per_epoch(Run(services.workspace().runs / fold.run_id)) for fold in begun]
    known = [pace for pace in paces if pace is not None]
    if not known:
        return ""
    epochs = sum(end.begun[fold.name] - fold.epoch for fold in begun) + sum(end.waiting.values())
    together = sum(fold.state in ("running", "stopping") for fold in begun)
    return f"About {duration(epochs * max(known) / max(1, together))} for all folds. "
