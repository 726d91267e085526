"""Overfitting noticed while a run trains, and what to do against it.

Two signs are looked for over several epochs. The loss on clips that are not trained on rises over its lowest level while the training
loss falls on, without the accuracy getting any better. Or the training accuracy stays far above the other, which no longer
rises. Mixing makes the training figures worse than they would be on plain clips, so it can hide either sign and feign neither; its
losses fall by themselves when it ends, though, and a loss that rises beside a high accuracy is no reason to change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from labcore.config import RunConfig
from labcore.events import Advice, Epoch, Event, each_of
from labcore.runs import Run
from labcore.texts import percent
from labcore.training.live_settings import LiveSettings

FAIR_SHARE = 0.3
"""Before this share of the epochs nothing is said: figures move wildly, and the gap may close by itself."""
TOO_LATE = 0.9
"""Nor after this one: what is changed has no time to work."""
LOSS_RISE, LOSS_FALL, ACCURACY_GAP, BETTER = 1.1, 0.95, 0.15, 0.02
HIGH_ACCURACY = 0.9
"""From here on nothing is said: there is little to win, and losses of mixed and of plain clips cannot be compared."""
FEWEST_CLIPS = 40
"""Of fewer clips accuracy and loss move too much by themselves."""
HELD_OUT_NOTE = (
    " Careful: these are your test clips. Set a validation share first, or the reported accuracy will be optimistic."
)


def advise(
    config: RunConfig,
    epochs: Sequence[Epoch],
    changed: Sequence[int] = (),
    told: Sequence[Advice] = (),
    clips: int = FEWEST_CLIPS,
) -> Advice | None:
    """Whether the epochs so far show overfitting, and what to change then.

    Args:
        config: the values that count now.
        epochs: the epoch events so far, in order.
        changed: epochs from whose beginning settings were changed. A change starts the look anew: figures before and after differ.
        told: advice given before. The same is not given twice, and after any there is a while of silence.
        clips: of which the curves are.

    Returns:
        None where nothing is to be said.
    """
    whole, done = config.epochs, epochs[-1].epoch if epochs else 0
    if clips < FEWEST_CLIPS or not FAIR_SHARE * whole <= done <= TOO_LATE * whole:
        return None
    epochs = [event for event in epochs if event.evaluated]
    every = max(1, round(done / max(1, len(epochs))))
    width = max(3, min(10, whole // every // 10))
    if any(sum(event.epoch > advice.epoch for event in epochs) < 2 * width for advice in told):
        return None
    stretch = [event for event in epochs if event.epoch >= max(changed, default=0)]
    if len(stretch) < 2 * width:
        return None
    changes = remedies(config)
    if not changes or (told and changes == told[-1].changes):
        return None
    if fmean(event.figure for event in stretch[-width:]) >= HIGH_ACCURACY:
        return None
    seen = _rising_loss(stretch, width) or _lasting_gap(stretch, width)
    return None if seen is None else Advice(epoch=done, message=seen, changes=changes)


def remedies(config: RunConfig) -> dict[str, Any]:
    """What works against overfitting, a step up from where it stands; empty where all is as strong as it gets."""
    steps = {
        "model.dropout": (0.15, 0.6),
        "augment.time_mask": (0.1, 0.3),
        "augment.freq_mask": (0.1, 0.3),
        "augment.mixup": (0.5, 0.5),
        "optim.label_smoothing": (0.1, 0.1),
    }
    raised = {path: round(min(most, config.value(path) + step), 4) for path, (step, most) in steps.items()}
    return {path: value for path, value in raised.items() if value > config.value(path)}


def _rising_loss(stretch: Sequence[Epoch], width: int) -> str | None:
    """A sentence where the loss rose over its smoothed minimum, in every one of the last epochs, while training went on."""

    def smooth(name: str, end: int) -> float:
        return fmean(getattr(event, name) for event in stretch[end - width : end])

    now = len(stretch)
    best = min(range(width, now - width + 1), key=lambda end: smooth("val_loss", end))
    lowest = smooth("val_loss", best)
    rose = all(event.val_loss > LOSS_RISE * lowest for event in stretch[-width:])
    fell = smooth("train_loss", now) < LOSS_FALL * smooth("train_loss", best)
    no_better = smooth("figure", now) < smooth("figure", best) + BETTER
    # while the learning rate still rises the loss may rise because of that
    cooling = stretch[-1].lr <= 1.01 * stretch[best - 1].lr
    if not (rose and fell and no_better and cooling):
        return None
    return (
        f"Overfitting: since epoch {stretch[best - 1].epoch} the validation loss has risen from {lowest:.2f} to "
        f"{smooth('val_loss', now):.2f}, while the training loss fell from {smooth('train_loss', best):.2f} to "
        f"{smooth('train_loss', now):.2f}."
    )


def _lasting_gap(stretch: Sequence[Epoch], width: int) -> str | None:
    """A sentence where the gap between the accuracies stayed high and the lower one no longer rises."""
    late, before = stretch[-width:], stretch[-2 * width : -width]
    shares = [event.train_accuracy for event in late if event.train_accuracy is not None]
    if len(shares) < len(late):
        return None
    gap = min(share - event.figure for share, event in zip(shares, late, strict=True))
    accuracy = fmean(event.figure for event in late)
    if gap <= ACCURACY_GAP or accuracy >= fmean(event.figure for event in before) + BETTER:
        return None
    trained = fmean(shares)
    return (
        f"Overfitting: over the last {width} epochs {percent(trained, 0)} of the training clips were right and {percent(accuracy, 0)} of "
        "the validation clips, which no longer improve."
    )


class Advisor:
    """Looks at a run before each of its epochs.

    Args:
        run: its past is read from its events.
        mode: off, suggest or apply, as the setting ``runtime.advisor``.
        on_validation: whether the curves are of validation clips. Only then may anything be changed without being asked.
        clips: of which the curves are.
    """

    def __init__(self, run: Run, mode: str, on_validation: bool, clips: int) -> None:
        self.run, self.mode, self.on_validation, self.clips = run, mode, on_validation, clips
        events = run.events()
        self.epochs = {event.epoch: event for event in each_of(events, Epoch)}
        self.told = each_of(events, Advice)

    def take(self, event: Epoch) -> None:
        """An epoch is over."""
        self.epochs[event.epoch] = event

    def begin(self, epoch: int, live: LiveSettings) -> list[Event]:
        """What is to be said before an epoch begins. In the mode apply it is also wished for, to be taken by ``live``."""
        if self.mode == "off" or any(advice.epoch == epoch - 1 for advice in self.told):
            return []
        epochs = [self.epochs[number] for number in sorted(self.epochs) if number < epoch]
        changed = [event.epoch for event in live.told if event.epoch <= epoch]
        told = [advice for advice in self.told if advice.epoch < epoch]
        advice = advise(live.counting(epoch), epochs, changed, told, self.clips)
        if advice is None:
            return []
        note = "" if self.on_validation else HELD_OUT_NOTE
        advice = Advice(epoch=advice.epoch, message=advice.message + note, changes=advice.changes)
        # The wish first: killed before the advice was told, a resumed run comes to the same advice and finds it wished for.
        if self.mode == "apply" and self.on_validation and not live.wished("lab", epoch):
            self.run.override(advice.changes, by="lab", epoch=epoch, reason=advice.message)
        self.told.append(advice)
        return [advice]
