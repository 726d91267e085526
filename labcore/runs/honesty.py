"""What a figure is worth: whether anything was chosen by looking at the clips that it is of."""

from __future__ import annotations

from collections.abc import Iterable

from labcore.events import Event, SettingsChanged, TrainingStarted
from labcore.texts import counted


def adjustments(events: Iterable[Event]) -> int:
    """How often settings of a run were changed while the curves were of the clips that its result is of."""
    held_out_in_view, count = True, 0
    for event in events:
        if isinstance(event, TrainingStarted):
            held_out_in_view = not event.validation_clips
        elif isinstance(event, SettingsChanged) and held_out_in_view:
            count += 1
    return count


def choice_note(adjusted: int) -> str:
    """A sentence without the final stop, to stand beside a figure."""
    if not adjusted:
        return "Nothing was chosen on these clips"
    return (
        f"Settings were changed {counted(adjusted, 'time')} while the curves of these clips were in view, so the accuracy may be "
        "optimistic. Set a validation share to avoid this"
    )
