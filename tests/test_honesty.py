from __future__ import annotations

from labcore.honesty import NOTHING_CHOSEN, adjustments, choice_note

STARTED, VALIDATED = ({"type": "training_started", "validation_clips": clips} for clips in (0, 30))
TURNED = {"type": "turned", "epoch": 3, "changes": {"model.dropout": 0.5}}


def test_changes_with_the_held_out_clips_in_view_are_counted_and_others_are_not():
    assert adjustments([STARTED]) == 0
    assert adjustments([STARTED, TURNED, {"type": "epoch"}, TURNED]) == 2
    assert adjustments([VALIDATED, TURNED]) == 0
    assert adjustments([{"type": "training_started"}, TURNED]) == 1  # of an older version


def test_the_note_says_so():
    assert choice_note(0) == NOTHING_CHOSEN
    assert "changed 1 time while" in choice_note(1)
    assert "changed 3 times while" in choice_note(3)
    assert "optimistic" in choice_note(1)
