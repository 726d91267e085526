"""What a figure is worth: whether anything was chosen by looking at the clips that it is of, and whose labels it takes for true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from labcore.errors import RunError
from labcore.events import Epoch, Evaluated, EvaluatedLabels, Event, SettingsChanged, TrainingStarted
from labcore.runs import Run
from labcore.texts import counted, percent, times

EARLY = "finished early"
"""What a list says beside a figure of runs that ended before the epochs of their settings."""
FEW_RECORDINGS = 10
"""Fewer recordings than that tell little of others, however many clips they hold."""
IMBALANCED = 2
"""So many times the clips of the smallest class, and the accuracy tells little without that of always answering the largest one."""


def adjustments(events: Iterable[Event]) -> int:
    """How often settings of a run were changed while the curves were of the clips that its result is of; of an ensemble, of its members.

    What counts from the first epoch on was changed before there was a curve to see.
    """
    held_out_in_view, begun, count = True, False, 0
    for event in events:
        if isinstance(event, TrainingStarted):
            held_out_in_view = not event.validation_clips
        elif isinstance(event, Epoch):
            begun = True
        elif isinstance(event, SettingsChanged) and held_out_in_view and (begun or event.epoch > 1):
            count += 1
        elif isinstance(event, (Evaluated, EvaluatedLabels)):
            count = max(count, event.adjusted)
    return count


def chosen_by(run: Run) -> bool:
    """Whether recipes are chosen by the clips that the result of a run is of, as in the trials of a search and ensembles of them: the test
    fold is then another one, which is left out."""
    try:
        return run.config.data.leave_out is not None
    except RunError:
        return False


def choice_note(adjusted: int, chosen_by: bool = False) -> str:
    """A sentence without the final stop, to stand beside a figure. ``chosen_by``: as the function of that name says."""
    if not adjusted:
        if chosen_by:
            return "Recipes are chosen by these clips, as in the trials of a search, so the accuracy of the chosen one is optimistic"
        return "Nothing was chosen on these clips"
    return (
        f"Settings were changed {times(adjusted)} while the curves of these clips were in view, so the accuracy may be "
        "optimistic. Set a validation share to avoid this"
    )


def leak_note(leaks: bool, trained_on: int, clips: int) -> str:
    """A sentence on clips that were no new ones, without the final stop, to stand beside a figure; "" where none is known.

    Args:
        leaks, trained_on: as in :class:`labcore.events.Evaluated`.
        clips: that the figure is of.
    """
    if trained_on:
        of = "The clip was" if clips == 1 else f"{trained_on:,} of the {clips:,} clips were"
        return f"{of} trained on, or used to choose: the figures are higher than on new recordings"
    return "Clips of the same recordings were trained on: the figures are higher than on new ones" if leaks else ""


def interval_note(effective: float | None, recordings: int | None, clips: int) -> str:
    """A sentence on clips that are alike, without the final stop, to stand beside the interval of an accuracy; "" where they are not, or
    nobody knows.

    Args:
        effective, recordings: ``effective_clips`` and ``recordings`` as in :class:`labcore.events.Evaluated`.
        clips: that the figure is of.
    """
    if recordings is not None and recordings < min(FEW_RECORDINGS, clips):
        of = "one recording" if recordings == 1 else f"{recordings} recordings"
        return f"The clips are of {of}: that says little about other recordings"
    if effective is None:
        return ""
    return f"Clips of one recording are alike: the interval is that of {counted(max(1, round(effective)), 'independent clip')}"


def majority_note(confusion: Mapping[str, Mapping[str, int]]) -> str:
    """A sentence on the accuracy of always answering the largest class, without the final stop, to stand beside an accuracy; "" where the
    classes are about equally large.

    Args:
        confusion: true label → predicted label → clips.
    """
    clips = {label: sum(row.values()) for label, row in confusion.items() if any(row.values())}
    if len(clips) == 1:
        return f"All of these clips are of {next(iter(clips))}: they do not tell whether other classes are found"
    if not clips or max(clips.values()) <= IMBALANCED * min(clips.values()):
        return ""
    largest = max(clips, key=clips.__getitem__)
    share = percent(clips[largest] / sum(clips.values()))
    return f"Always answering {largest} would be right on {share} of these clips: look at the recall of each class"


def untrained_note(labels: Sequence[str]) -> str:
    """A sentence on classes of which no clip was trained on, without the final stop, to stand beside a figure; "" where there are none."""
    if not labels:
        return ""
    whose = "its" if len(labels) == 1 else "their"
    return f"No clip of {', '.join(labels)} was trained on, yet {whose} clips count in these figures"


def untrained_notes(by_fold: Mapping[str, Sequence[str]]) -> list[str]:
    """The same for each fold that has such classes. ``by_fold``: fold → classes."""
    told = {fold: note for fold, labels in by_fold.items() if (note := untrained_note(labels))}
    return [note if len(by_fold) == 1 else f"Fold {fold}: {note[:1].lower()}{note[1:]}" for fold, note in told.items()]


def label_note(clips: int, before: int, since: int = 0) -> str:
    """A sentence on corrected labels without the final stop, to stand beside a figure; "" where none was corrected.

    Args:
        clips: that the figure is of.
        before, since: so many of their labels were corrected before the evaluation, and after it.
    """
    of = f"of the {counted(clips, 'held-out label')}"
    told = [f"{before} {of} {_were(before)} corrected before this evaluation"] if before else []
    if since:
        of = "" if before else f" {of}"
        told.append(f"{since}{of} {_were(since)} corrected since: evaluate again for the accuracy with these labels")
    return ", and ".join(told)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
