from __future__ import annotations

import pytest

from labcore.evaluation.eval_set import EvalSet
from labcore.events import Epoch, Evaluated, Log, TrainingStarted
from labcore.runs import Run
from labcore.training.loop import train


def events_of(tiny, changes):
    config = tiny.config.replace({"optim.epochs": 2, **changes})
    return list(train(config, Run.create(tiny.workspace, config), tiny.workspace))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_with_validation_clips_the_held_out_fold_is_looked_at_once(tiny, monkeypatch):
    judged = []
    batches = EvalSet._batches
    monkeypatch.setattr(EvalSet, "_batches", lambda self, *args: judged.append(len(self.rows)) or batches(self, *args))
    events = events_of(tiny, {"data.validation_share": 0.25})
    (started,), (result,) = of(TrainingStarted, events), of(Evaluated, events)
    assert (started.train_clips, started.validation_clips, started.val_clips) == (18, 6, 12)
    assert started.watched == "validation"
    assert judged == [6, 6, 12]
    assert result.clips == 12
    assert len(of(Epoch, events)) == 2


@pytest.mark.parametrize(("left_out", "watched"), [(None, "test"), ("2", "validation")])
def test_the_fold_that_a_trial_holds_out_is_one_for_validation(tiny, left_out, watched):
    """Where another fold is left out, recipes are chosen by the one that is held out."""
    config = tiny.config.replace({"data.fold": "1", "data.leave_out": left_out})
    events = train(config, Run.create(tiny.workspace, config), tiny.workspace)
    assert next(event for event in events if isinstance(event, TrainingStarted)).watched == watched


def test_a_split_that_leaks_says_so(tiny, tmp_path):
    rows = [
        f"{clip},{clip.parent.name},{clip.parent.parent.name},{clip.stem[:-2]}"
        for clip in sorted(tiny.path.rglob("*.wav"))
    ]
    table = tmp_path / "clips.csv"
    table.write_text("path,label,fold,group\n" + "\n".join(rows) + "\n")
    events = events_of(tiny, {"data.dataset": str(table), "data.fold": None, "data.split": "random"})
    assert of(TrainingStarted, events)[0].leaks
    assert of(Evaluated, events)[0].leaks
    assert any("leaks" in event.message for event in of(Log, events))
