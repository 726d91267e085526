"""What is said of the clips of the curves."""

import pytest

from labcore.events import TrainingStarted
from ui.train import training_curves


@pytest.mark.parametrize(
    ("leaks", "aside", "told"),
    [
        (False, 0, "Test curve: the 4 clips of test fold 1, never trained on."),
        # as with a random split, or weights of a run that was trained on these very clips
        (True, 0, "Test curve: the 4 clips of test fold 1, but clips of their recordings were trained on."),
        (True, 2, "2 clips set aside from training"),
    ],
)
def test_no_clip_is_said_to_be_new_that_is_not(monkeypatch, leaks, aside, told):
    said = []
    monkeypatch.setattr(training_curves.st, "caption", said.append)
    started = TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=4, fold="1", device="cpu", device_reason="", precision="fp32", leaks=leaks,
        memory_format="contiguous", precision_reason="", parameters=1, epochs=2, first_epoch=1, validation_clips=aside,
    )  # fmt: skip
    training_curves._clips(started, "test")
    assert told in said[0]
    assert ("never" in said[0]) == (not leaks)


def test_the_fold_that_a_search_chooses_by_is_not_called_its_test_fold(monkeypatch):
    said = []
    monkeypatch.setattr(training_curves.st, "caption", said.append)
    started = TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=4, fold="2", device="cpu", device_reason="", precision="fp32", chosen_by=True,
        memory_format="contiguous", precision_reason="", parameters=1, epochs=2, first_epoch=1,
    )  # fmt: skip
    training_curves._clips(started, started.watched)
    assert "Validation curve: the 4 clips of fold 2, never trained on." in said[0]


def test_sections_are_headings_below_the_name_of_the_run(open_page, make_run):
    run = make_run("finished")
    app = open_page("pages/runs.py", run=run.id)
    assert [each.value.count("**") for each in app.header] == [2]
    assert {"**Learning rate**", "**Clips/s**"} <= {each.value for each in app.subheader}
    app = open_page("pages/train.py", run=run.id)  # where the list of runs shows the name
    assert [each.proto.body[:3] for each in app.get("html") if "unseen" in each.proto.body] == ["<h2"]
