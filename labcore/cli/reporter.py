"""Events of a job as lines for people."""

from __future__ import annotations

from typing import Any

from labcore import events
from labcore.cli.output import duration, one_line, percent, say
from labcore.cli.progress import Bar, Pace, bars
from labcore.errors import LabError
from labcore.runs.honesty import interval_note, majority_note
from labcore.texts import counted, mean_ap_text, spread

LEVELS = {"warning": "yellow", "error": "red"}


class ConsoleReporter:
    """Prints what a job does: a line for what matters, one an epoch, and a bar where stderr is a terminal, else a line every ten seconds.

    Args:
        result: whether the final figures are printed too.
    """

    def __init__(self, *, result: bool = True) -> None:
        self._result = result
        self._preparing = ""
        self._pace = Pace(lambda detail: say(f"{self._preparing}: {detail}"))
        self._watched = "test"

    def __call__(self, event: events.Event) -> None:
        """Take an event. Kinds it does not know are passed over."""
        if isinstance(event, events.TrainingStarted | events.Epoch):
            bars.clear()  # of work that is over, or was broken off
        match event:
            case events.RunQueued():
                say("queued")
            case events.RunStarted():
                say(f"run {event.run_id} in {event.run_dir}")
            case events.Preparing():
                if event.what != self._preparing:
                    self._preparing = event.what
                    say(event.what)
                total = counted(event.total or event.done, event.unit.removesuffix("s"), event.unit)
                detail = f"{event.done}/{total}" if event.total else total
                self._pace(Bar(event.what, event.done, event.total, detail))
            case events.TrainingStarted():
                self._start(event)
            case events.Progress():
                detail = f"loss {event.train_loss:.3f}  {duration(event.seconds_left)} left"
                bars.show(Bar(f"epoch {event.epoch}", event.step, event.steps, detail))
            case events.Epoch():
                self._epoch(event)
            case events.SettingsChanged():
                say(f"changed by {event.who or event.by}: {', '.join(_settings(event.changes))}")
            case events.Advice():
                say(f"{event.message} Suggested: {', '.join(f'--{each}' for each in _settings(event.changes))}")
            case events.Log():
                level = "" if event.level == "info" else f"{event.level}: "
                say(f"{level}{event.message}", LEVELS.get(event.level, ""))
            case events.Evaluated() | events.EvaluatedLabels():
                if self._result:
                    say(result_line(event))
                    if isinstance(event, events.Evaluated) and (note := majority_note(event.confusion)):
                        say(f"{note}.")
            case events.RunFinished():
                self._end(event)

    def _start(self, event: events.TrainingStarted) -> None:
        self._watched = event.watched
        say(
            f"training on {counted(event.train_clips, 'clip')} of {counted(len(event.labels), 'class', 'classes')}, "
            f"test fold {event.fold} with {counted(event.val_clips, 'clip')}, {event.parameters:,} parameters"
        )
        if event.validation_clips:
            say(f"epochs are validated on {counted(event.validation_clips, 'training clip')} set aside for validation")
        say(f"on {event.device}: {event.device_reason}")
        say(f"in {event.precision}, {event.memory_format}: {event.precision_reason}")
        if event.first_epoch > 1:
            say(f"resuming at epoch {event.first_epoch}")

    def _epoch(self, event: events.Epoch) -> None:
        figure = (
            f"accuracy {percent(event.val_accuracy):>7}"
            if event.val_accuracy is not None
            else mean_ap_text(event.val_mean_ap)
        )
        seen = f"  {self._watched} loss {event.val_loss:.3f}  {figure}" if event.evaluated else ""
        say(
            f"epoch {event.epoch:>{len(str(event.epochs))}}/{event.epochs}"
            f"  loss {event.train_loss:.3f}{seen}  lr {event.lr:.2g}"
            f"  {event.clips_per_second:.0f} clips/s  {duration(event.seconds_left)} left"
        )

    def _end(self, event: events.RunFinished) -> None:
        bars.clear()
        after = f"{event.state} after {counted(event.epochs_done, 'epoch')}"
        if event.error:
            say(f"{after}: {one_line(LabError(event.error, event.remedy))}", "red")
        else:
            say(f"{after}, {duration(event.seconds)}")


def _settings(changes: dict[str, Any]) -> list[str]:
    return [f"{path} {value:g}" if isinstance(value, float) else f"{path} {value}" for path, value in changes.items()]


def result_line(event: events.Evaluated | events.EvaluatedLabels) -> str:
    """The final figures, with the clips they are about."""
    if event.fold != "all":
        clips = f"the {counted(event.clips, 'clip')} of fold {event.fold}"
    else:
        clips = "the one clip" if event.clips == 1 else f"all {counted(event.clips, 'clip')}"
    if event.trained_on:
        clips += f"; {event.trained_on:,} of them were trained on, so this is too high"
    elif event.leaks:
        clips += "; clips of the same recordings were trained on, so this is too high"
    if event.corrected:
        clips += f"; {event.corrected} of their labels are corrected"
    effective = event.effective_clips if isinstance(event, events.Evaluated) else None
    if note := interval_note(effective, event.recordings, event.clips):
        clips += f"; {note[:1].lower()}{note[1:]}"
    if isinstance(event, events.EvaluatedLabels):
        low, high = event.mean_ap_low, event.mean_ap_high
        interval = "" if low is None else f" (95 % interval {low:.3f} to {high:.3f})"
        f1 = f"macro F1 {event.macro_f1:.3f}, micro F1 {event.micro_f1:.3f} ({event.thresholds})"
        return f"{mean_ap_text(event.mean_ap)}{interval}, {f1}, on {clips}"
    interval = spread(event.accuracy_low, event.accuracy_high)
    return f"accuracy {percent(event.accuracy)} (95 % interval {interval}), macro F1 {event.macro_f1:.3f}, on {clips}"
