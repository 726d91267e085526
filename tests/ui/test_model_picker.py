"""The list of networks to choose from, on the Classify page and wherever else one is asked."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
import soundfile

from labcore import builtin
from labcore.events import Evaluated, RunFinished
from labcore.runs import Run
from labcore.runs.origin import EXPERIMENT, SEARCH
from ui.components.model_picker import BUILTIN, PARTS

from .conftest import words
from .test_classify import wav


@pytest.fixture
def copy_of(trained):
    """Another run like the trained one, later by name: ``copy_of("23", accuracy=0.3, search={…})``."""

    def made(stamp: str, accuracy: float | None = None, **marks) -> Run:
        run = Run(trained.path.with_name(f"29991231-2359{stamp}-small-compact-{stamp}ab"))
        shutil.copytree(trained.path, run.path)
        for name, content in marks.items():
            run.save(name, content)
        if accuracy is not None:
            figures = {
                "accuracy_low": 0.0,
                "accuracy_high": 1.0,
                "macro_f1": accuracy,
                "per_class": {},
                "confusion": {},
            }
            run.append(Evaluated(accuracy=accuracy, clips=16, fold="1", **figures))
            run.append(RunFinished(state="finished"))
        return run

    return made


def network(app):
    return next(box for box in app.selectbox if box.label == "Network")


def test_a_run_that_somebody_started_is_taken_before_a_newer_trial_and_fold(open_page, trained, copy_of):
    trial = copy_of("10", 0.3, **{SEARCH: {"search": "s", "trial": 4}})
    fold = copy_of("20", 0.99, **{EXPERIMENT: {"experiment": "e", "fold": "2", "split": "official"}})
    app = open_page("pages/classify.py")
    assert network(app).value == trained.id
    shown = network(app).options
    heading = shown.index(PARTS)
    assert heading == 1
    assert shown[2].startswith("Fold 2 · accuracy 99.0 % · small")
    assert shown[3].startswith("Trial 4 · accuracy 30.0 % · small")
    assert shown[4:] == [BUILTIN, "Built-in demo network · ten city sounds"]
    network(app).set_value(trial.id).run()
    assert app.query_params["run"] in (trial.id, [trial.id])
    network(app).set_value(PARTS).run()
    assert network(app).value == trial.id, "a heading is no network"
    trained.delete()
    assert network(open_page("pages/classify.py")).value == fold.id, "else the best"


def test_an_empty_workspace_is_answered_by_the_built_in_network_at_once(open_page):
    app = open_page("pages/classify.py")
    assert not app.exception
    assert not app.error
    shown = words(app)
    assert "You have no trained network yet" in shown
    assert "synthetic clips of ten city sounds" in shown
    label = builtin.example(0)[2].replace("_", " ")
    assert f"## {label}" in shown
    assert f"labelled {label}" in shown
    before = shown
    next(button for button in app.button if button.label == "Another example").click().run()
    assert words(app) != before
    app.get_by_key("classify-source").set_value("upload").run()
    app.file_uploader[0].upload("own.wav", wav(4.0)).run()
    assert "Prediction for own.wav" in words(app)


def test_the_built_in_network_is_told_apart_from_ones_own_and_can_be_linked(open_page, trained):
    assert "demo network" not in words(open_page("pages/classify.py"))
    app = open_page("pages/classify.py", run=builtin.NAME)
    assert network(app).value == builtin.NAME
    assert "The built-in demo network" in words(app)
    assert "no trained network yet" not in words(app)


def test_explore_asks_the_built_in_network_too(open_page):
    app = open_page("pages/explore.py")
    box = app.get_by_key("explore-run")
    assert box.value is None
    box.set_value(builtin.NAME).run()
    assert not app.exception
    assert any(f"### {label.replace('_', ' ')}" in words(app) for label in builtin.RUN.load("labels"))


def test_a_package_without_the_network_shows_the_way_to_a_training(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(builtin, "RUN", Run(tmp_path))
    assert "No trained network yet." in words(open_page("pages/classify.py"))


def test_notes_stand_beside_the_answer_and_in_the_table(open_page, trained):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    soundfile.write(buffer, np.stack([noise, -noise], axis=1), 8000, format="WAV")
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("phase.wav", buffer.getvalue()).run()
    assert "Its channels cancel each other (opposite phase): channel 1 alone is used." in words(app)
    app = open_page("pages/classify.py")
    for name, content in (("phase.wav", buffer.getvalue()), ("good.wav", wav(0.5))):
        app.file_uploader[0].upload(name, content)
    app.run()
    (table,) = (frame.value for frame in app.dataframe if "Prediction" in frame.value)
    assert ["cancel" in str(note) for note in table["Notes"]] == [True, False]
    app = open_page("pages/classify.py")
    for name in ("a.wav", "b.wav"):
        app.file_uploader[0].upload(name, wav(0.5))
    app.run()
    assert "Notes" not in app.dataframe[0].value, "where there is nothing to note"
