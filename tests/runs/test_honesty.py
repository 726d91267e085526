from __future__ import annotations

from labcore.config import RunConfig
from labcore.evaluation.metrics import Circumstances, figures_of
from labcore.events import Log, SettingsChanged, TrainingStarted
from labcore.runs import Run
from labcore.runs.honesty import adjustments, choice_note, chosen_by, interval_note, majority_note, untrained_note
from tests.made_events import made_epoch

STARTED = TrainingStarted(
    labels=["a", "b"], train_clips=8, val_clips=2, fold="1", device="cpu", device_reason="", precision="fp32",
    memory_format="contiguous", precision_reason="", parameters=9, epochs=4, first_epoch=1,
)  # fmt: skip
VALIDATED = STARTED.model_copy(update={"validation_clips": 30})
TURNED = SettingsChanged(epoch=3, number=0, changes={"model.dropout": 0.5})


def test_changes_with_the_held_out_clips_in_view_are_counted_and_others_are_not():
    assert adjustments([STARTED]) == 0
    assert adjustments([STARTED, TURNED, Log(message="m"), TURNED]) == 2
    assert adjustments([VALIDATED, TURNED]) == 0
    assert adjustments([figures_of({}, Circumstances(adjusted=3))]) == 3, "of an ensemble its result tells"


def test_what_counts_from_the_first_epoch_on_was_changed_before_there_was_a_curve():
    before = TURNED.model_copy(update={"epoch": 1})
    seen = made_epoch(1, epochs=4, val_accuracy=0.25, seconds_left=3.0)
    assert adjustments([STARTED, before]) == 0
    assert adjustments([STARTED, before, seen, TURNED]) == 1
    assert adjustments([STARTED, seen, STARTED, before]) == 1, "it began again, with a curve that somebody saw"


def test_the_note_says_so():
    assert choice_note(0) == "Nothing was chosen on these clips"
    assert "changed once while" in choice_note(1)
    assert "changed 3 times while" in choice_note(3)
    assert "optimistic" in choice_note(1)


def test_a_trial_of_a_search_does_not_say_that_nothing_was_chosen(workspace):
    assert not chosen_by(Run.create(workspace, RunConfig()))
    assert chosen_by(Run.create(workspace, RunConfig().replace({"data.fold": "2", "data.leave_out": "1"})))
    assert not chosen_by(Run(workspace.runs / "gone"))
    assert choice_note(0, chosen_by=True).startswith("Recipes are chosen by these clips")
    assert choice_note(1, chosen_by=True) == choice_note(1)


def test_an_interval_of_few_recordings_is_told():
    told = "The clips are of one recording: that says little about other recordings"
    assert interval_note(None, 1, 162) == interval_note(81.0, 1, 162) == told
    assert interval_note(7.2, 9, 162).startswith("The clips are of 9 recordings")
    assert interval_note(None, 10, 162) == interval_note(None, 2, 2) == interval_note(None, None, 162) == ""


def test_clips_that_are_alike_are_told_beside_the_interval():
    told = "Clips of one recording are alike: the interval is that of 62 independent clips"
    assert interval_note(61.7, 12, 600) == interval_note(61.7, None, 600) == told


def test_the_accuracy_of_always_answering_the_largest_class_is_told():
    always = {"normal": {"normal": 80, "abnormal": 10}, "abnormal": {"normal": 6}, "other": {}}
    assert majority_note(always) == (
        "Always answering normal would be right on 93.8 % of these clips: look at the recall of each class"
    )
    assert majority_note({"a": {"a": 20}, "b": {"a": 10}}) == ""  # as large as may be without a word
    assert majority_note({"normal": {"abnormal": 3}, "abnormal": {}}).startswith("All of these clips are of normal")
    assert majority_note({}) == ""


def test_classes_that_were_not_trained_on_are_told():
    assert untrained_note([]) == ""
    assert untrained_note(["cage"]) == "No clip of cage was trained on, yet its clips count in these figures"
    assert "No clip of cage, leak was trained on, yet their clips" in untrained_note(["cage", "leak"])
