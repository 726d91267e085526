"""The tab Correct: who is asked what, what is hidden until then, and what is told where a clip cannot be had."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.config.presets import preset
from labcore.crossval.job import CrossValidation
from labcore.datasets import find_dataset, register
from labcore.datasets.annotations import annotate, decided, file_of, read_annotations
from labcore.datasets.keeping import rename
from labcore.evaluation.eval_set import PredictionPart
from labcore.evaluation.predictions import known_of, record

PREDICTED = "the network predicted"


def predict(run, rows) -> None:
    """What the network says of some clips."""
    clips = find_dataset(run.workspace, "small")
    shares = np.tile(np.float32([0.9, 0.1]), (len(rows), 1))
    part = PredictionPart(
        shares, np.arange(len(rows)), np.tile([0, 4000], (len(rows), 1)), shares, shares.astype(np.float16)
    )
    record(run.predictions, known_of(clips.table, rows, clips.folder), ["bark", "hum"], 8000, [part])


@pytest.fixture
def judged(workspace, dataset, make_run):
    """A finished run on ``small`` whose network takes every clip for a bark: the six hums are its mistakes."""
    run = make_run("finished")
    predict(run, np.arange(len(find_dataset(workspace, "small"))))
    return run


@pytest.fixture
def tab(open_page, judged):
    return lambda: open_page("pages/runs.py", run=judged.id, tab="Correct")


def press(app, label: str):
    return next(button for button in app.button if button.label == label).click().run()


def text(app) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def known(workspace, name="small"):
    return read_annotations(file_of(workspace, name)).decisions


def test_what_the_network_and_others_say_is_hidden_until_the_choice(tab, workspace, dataset):
    for label in ("bark", "hum"):
        for file in sorted((dataset / label).iterdir()):
            key = (f"{label}/{file.name}", 0.0, label)
            annotate(workspace, "small", decided(key, "wrong", who="Bo", size=file.stat().st_size))
    app = tab()
    assert not app.exception
    assert PREDICTED not in text(app)
    assert "Bo" not in text(app)
    app = press(app, "Right")
    assert f"{PREDICTED} **bark** (90 %)" in text(app)
    assert ":orange[differs] Bo: " in text(app)
    mine = known(workspace)[-1]
    assert (mine.who, mine.verdict, mine.blind) == ("Ada", "right", True)

    app = press(app, "hum")
    app = app.toggle[0].set_value(True).run()
    assert "Ada and Bo agree on 0 of 2 clips" in text(app)
    assert "2 clips on which people differ" in text(app)
    assert len(tab().dataframe) == 0  # asked for again where the page is opened anew


def test_decisions_of_before_are_passed_over_and_undo_brings_one_back(tab, workspace):
    first = press(tab(), "Wrong")
    asked = [line for line in text(first).splitlines() if line.startswith("Is this")]
    again = tab()
    assert [line for line in text(again).splitlines() if line.startswith("Is this")] == asked
    assert len(known(workspace)) == 1
    press(again, "Undo")
    assert len(known(workspace)) == 0


def test_a_clip_that_is_gone_is_told_and_can_be_skipped(tab, workspace, dataset):
    app = tab()
    for file in dataset.rglob("*.wav"):
        file.unlink()
    app = press(app, "Right")
    assert "cannot be read" in app.error[0].value
    assert known(workspace) == ()
    assert not press(app, "Skip").exception


def test_a_data_set_that_is_renamed_meanwhile_is_followed(tab, workspace, dataset, tmp_path):
    register(workspace, dataset.rename(tmp_path / "elsewhere"), "small")
    app = tab()
    rename(workspace, "small", "large")
    press(press(app, "Right"), "Wrong")
    assert len(known(workspace, "large")) == 2
    assert not file_of(workspace, "small").exists()


def test_a_data_set_outside_the_workspace_is_told(open_page, workspace, judged, dataset, tmp_path):
    elsewhere = dataset.rename(tmp_path / "elsewhere")
    judged.save_config(judged.config.replace({"data.dataset": str(elsewhere)}))
    app = open_page("pages/runs.py", run=judged.id, tab="Correct")
    assert "is not in the workspace" in app.error[0].value
    assert "labcore datasets import" in app.error[0].value


def test_training_again_asks_for_the_same_and_leads_to_the_comparison(tab, manager, judged):
    app = press(tab(), "Right")
    keys = {button.label: button.proto.shortcut for button in app.button}
    assert keys["Train again"] == keys["Right"].replace("y", "ctrl+enter")  # what takes minutes asks for two keys
    app = press(app, "Train again")
    assert not app.exception
    (new,) = [run for run in type(judged).every(judged.workspace) if run.id != judged.id]
    assert new.config == judged.config


def test_the_clips_of_all_folds_that_are_done_are_asked_about(open_page, workspace, dataset):
    config = preset("quick").replace({"data.dataset": "small"})
    experiment = CrossValidation.create(workspace, config, folds=["1", "2", "3"], queued=False)
    folds = find_dataset(workspace, "small").table["fold"].to_numpy()
    for fold, run in list(experiment.members().items())[1:]:
        predict(run, np.flatnonzero(folds == fold))
    app = open_page("pages/runs.py", crossval=experiment.id, tab="Correct")
    assert not app.exception
    app = app.button_group[0].set_value("all").run()
    press(app, "Right")
    (mine,) = known(workspace)
    assert experiment.id in mine.why
    assert mine.clip in [f"{path.parent.name}/{path.name}" for path in dataset.rglob("*.wav")]
