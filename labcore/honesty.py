"""What a figure is worth: whether anything was chosen by looking at the clips that it is of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labcore.texts import counted

NOTHING_CHOSEN = "Nothing was chosen on these clips"


def adjustments(events: Iterable[dict[str, Any]]) -> int:
    """How often settings of a run were changed while the curves were of the clips that its result is of.

    Args:
        events: of the run, as they are read from its ``events.jsonl``; those of older versions too.
    """
    held_out_in_view, count = True, 0
    for event in events:
        if event["type"] == "training_started":
            held_out_in_view = not event.get("validation_clips")
        elif event["type"] == "turned" and held_out_in_view:
            count += 1
    return count


def choice_note(adjusted: int) -> str:
    """A sentence without the final stop, to stand beside a figure."""
    if not adjusted:
        return NOTHING_CHOSEN
    return (
        f"Settings were changed {counted(adjusted, 'time')} while the curves of these clips were in view, so the accuracy may be "
        "optimistic. With a validation share the curves are of other clips"
    )
