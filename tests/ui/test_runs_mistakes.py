"""The tabs Mistakes and Labels of a run and of a cross-validation, with predictions that the test makes up."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.datasets import read_dataset
from labcore.datasets.annotations import file_of, read_annotations
from labcore.datasets.record import ClipRecord
from labcore.datasets.splits import split_for
from labcore.evaluation.training_clips import FILE
from labcore.inference.classifier import Classifier
from tests.judged import finished_run, judged, sure
from tests.small import SMALL
from tests.ui.conftest import LABELS, words
from ui.app import tasks
from ui.forms import url
from ui.runs import evaluation

PAGE = "pages/runs.py"
CHANGES = {"data.dataset": "small", **SMALL, "audio.clip_seconds": 0.5}


def shares_of(dogs: list[float]) -> np.ndarray:
    return np.array([[bark, 1 - bark] for bark in dogs])


@pytest.fixture
def run(workspace, dataset):
    """A run that takes four of its clips for the other class: hum4 and hum5 with confidence, bark0 and bark1 without."""
    files = sorted(dataset.rglob("*.wav"))
    names = [f"{file.parent.name}/{file.name}" for file in files]
    bark = [0.4, 0.45, *[0.9] * 4, *[0.2] * 4, 0.95, 0.99]
    groups = [*map(str, range(10)), "one", "one"]
    said = judged([file.parent.name for file in files], shares_of(bark), names=names, labels=LABELS, groups=groups)
    made = finished_run(workspace, said, CHANGES)
    Classifier(made.config, LABELS).save(made.weights)
    table = read_dataset(dataset)
    ClipRecord.of(table, table.table, split_for(table.table, made.config.data), LABELS).save(made)
    return made


def without(run, label: str) -> None:
    """Have a run know that it trained on no clip of a label."""
    known = ClipRecord.load(run)
    parts = [replace(clip, part="held out" if clip.label == label else clip.part) for clip in known.clips]
    replace(known, clips=tuple(parts)).save(run)


def headlines(app) -> list[str]:
    return [line.rsplit("· ", 2)[-2].strip() for line in words(app).splitlines() if "predicted **" in line]


def test_the_most_confident_mistakes_come_first(open_page, run):
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    assert not app.exception
    assert not app.error
    assert "4 mistakes among 12 clips, the most confident first" in words(app)
    assert headlines(app) == ["hum/hum5.wav", "hum/hum4.wav", "bark/bark0.wav", "bark/bark1.wav"]
    assert "labelled **hum**, predicted **bark** 99.0 %" in words(app)
    assert len(app.get("audio")) == 4
    assert "bark (label) 40.0 %" in words(app).replace(":gray[(label)]", "(label)")


def test_the_clips_of_a_cell_and_of_a_range(open_page, run):
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    app.selectbox(key=f"mistakes-{run.id}-true").set_value("bark").run()
    assert headlines(app) == ["bark/bark0.wav", "bark/bark1.wav"]
    app.selectbox(key=f"mistakes-{run.id}-predicted").set_value("bark").run()
    assert "4 clips of bark predicted rightly, the least confident first" in words(app)
    app.selectbox(key=f"mistakes-{run.id}-true").set_value(None).run()
    app.slider(key=f"mistakes-{run.id}-range").set_value((0, 90)).run()
    assert "No mistakes of this kind" in words(app)


def test_what_is_chosen_stands_in_the_address_and_comes_back_from_it(open_page, run, monkeypatch):
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    app.selectbox(key=f"mistakes-{run.id}-true").set_value("bark").run()
    app.slider(key=f"mistakes-{run.id}-range").set_value((90, 100)).run()
    app.segmented_control(key=f"mistakes-{run.id}-kind").set_value("Class").run()
    address = {"run": run.id, "tab": "Mistakes", "true": "bark", "range": "90-100", "by": "Class"}
    assert app.query_params == address
    again = open_page(PAGE, **address)
    assert headlines(again) == headlines(app)
    assert again.segmented_control(key=f"mistakes-{run.id}-kind").value == "Class"
    assert again.query_params == address
    monkeypatch.setattr(url, "went_back", lambda: True)
    again.query_params.clear()
    again.query_params.update({"run": run.id, "tab": "Mistakes", "range": "5-3000"})
    assert len(headlines(again.run())) == 4


@pytest.mark.parametrize(
    ("kind", "point", "found"),
    [
        ("Confusion matrix", {"true": "bark", "predicted": "hum"}, ["bark/bark0.wav", "bark/bark1.wav"]),
        ("Class", {"class": "hum", "mistakes": "missed"}, ["hum/hum5.wav", "hum/hum4.wav"]),
        ("Class", {"class": "hum", "mistakes": "predicted by mistake"}, ["bark/bark0.wav", "bark/bark1.wav"]),
        ("Probability", {"low": 0.9, "high": 1.0}, ["hum/hum5.wav", "hum/hum4.wav"]),
    ],
)
def test_a_press_on_a_chart_chooses_its_clips(open_page, run, monkeypatch, kind, point, found):
    import streamlit as st

    charts = {}

    def draw(*given, key, on_select=None, **more):
        charts[key] = on_select

    monkeypatch.setattr(st, "vega_lite_chart", draw)
    monkeypatch.setattr("ui.runs.mistakes.pressed", lambda key: point)
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    app.segmented_control(key=f"mistakes-{run.id}-kind").set_value(kind).run()
    (press,) = [act for key, act in charts.items() if kind in key]
    state = dict.fromkeys(["true", "predicted", "range"])
    monkeypatch.setattr("ui.runs.mistakes._set", lambda clips, word, value: state.update({word: value}))
    press()
    for word, widget in (("true", app.selectbox), ("predicted", app.selectbox), ("range", app.slider)):
        widget(key=f"mistakes-{run.id}-{word}").set_value(state[word])
    assert headlines(app.run()) == found


def test_the_nearest_training_clips_after_a_press(open_page, run, workspace, monkeypatch):
    monkeypatch.setattr(tasks, "SOON", 60.0)
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    app.button(key="training-clips").click().run()
    assert not app.exception
    assert "they are of different networks" in words(app)  # those of the test are made up
    shutil.copy(run.path / FILE, run.predictions)  # of the network itself: each is the nearest to itself
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    assert not app.error
    wrong = [name.rsplit("/", 1)[-1] for name in headlines(app)]
    nearest = [line for line in words(app).splitlines() if "cosine" in line]
    assert len(nearest) == 3 * len(wrong) > 0
    assert [line.split(" ")[0] for line in nearest[::3]] == wrong
    assert all(line.endswith("cosine 1.00") for line in nearest[::3])


def test_what_is_gone_costs_its_sound_alone(open_page, run, dataset):
    (dataset / "hum" / "hum5.wav").unlink()
    (dataset / "hum" / "hum4.wav").rename(dataset / "bark" / "hum4.wav")
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    assert not app.exception
    assert len(headlines(app)) == 4
    assert "no longer in data set small" in words(app)
    assert "It lies at bark/hum4.wav now" in words(app)
    assert len(app.get("audio")) == 3
    run.weights.unlink()
    app = open_page(PAGE, run=run.id, tab="Mistakes")
    assert "has no weights" in words(app)
    assert len(app.get("audio")) == 3


def test_labels_that_look_wrong_by_recording(open_page, run):
    app = open_page(PAGE, run=run.id, tab="Labels")
    assert not app.exception
    assert not app.error
    assert "4 clips of 3 recordings may be labelled wrongly" in words(app)
    lines = [line for line in words(app).splitlines() if line.startswith("Recording")]
    assert "**one** is labelled **hum** and looks like **bark** :gray[· 2 clips · fit 3.0 %] :orange-badge" in lines[0]
    assert len(lines) == 3
    assert len(app.get("audio")) == 4


def test_labels_that_the_network_could_not_learn_are_left_out(open_page, run):
    without(run, "hum")
    app = open_page(PAGE, run=run.id, tab="Labels")
    assert "Without clips of hum: the network that held them out was trained on none." in words(app)
    lines = [line for line in words(app).splitlines() if line.startswith("Recording")]
    assert lines
    assert not any("labelled **hum**" in line for line in lines)


def test_beside_the_figures_stands_which_classes_were_not_trained_on(run):
    assert not any("was trained on" in each for each in evaluation._sources(run)[evaluation.OWN].warnings)
    without(run, "hum")
    told = evaluation._sources(run)[evaluation.OWN].warnings
    assert "No clip of hum was trained on, yet its clips count in these figures." in told


def test_nothing_to_show(open_page, workspace, dataset, run):
    said = judged(["bark", "hum"], sure(["bark", "hum"], labels=LABELS), names=["a.wav", "b.wav"], labels=LABELS)
    good = finished_run(workspace, said, CHANGES)
    assert "No mistakes among 2 clips" in words(open_page(PAGE, run=good.id, tab="Mistakes"))
    labels = open_page(PAGE, run=good.id, tab="Labels")
    assert "No label of 2 clips looks wrong" in labels.success[0].value
    run.predictions.unlink()
    for tab in ("Mistakes", "Labels"):
        assert "There are no predictions yet" in words(open_page(PAGE, run=run.id, tab=tab))


def test_the_clips_of_all_folds(open_page, workspace, run):
    config = RunConfig().replace(CHANGES)
    experiment = CrossValidation.create(workspace, config, folds=["1", "2", "3"], queued=False)
    first, second, _ = experiment.members().values()
    for member, name in ((first, "hum/hum0.wav"), (second, "hum/hum1.wav")):
        said = judged(["hum"], shares_of([0.8]), names=[name], labels=LABELS, fold=member.config.data.fold)
        finished_run(workspace, said, CHANGES).predictions.rename(member.predictions)
        Classifier(run.config, LABELS).save(member.weights)
    app = open_page(PAGE, crossval=experiment.id, tab="Mistakes")
    assert not app.exception
    assert "2 mistakes among 2 clips" in words(app)
    assert "Without fold 3" in words(app)
    app = open_page(PAGE, crossval=experiment.id, tab="Labels")
    assert "2 clips of 1 recording may be labelled wrongly" in words(app)


def test_a_label_is_corrected_on_the_card_and_the_decision_is_not_blind(open_page, run, workspace):
    """Of the four mistakes the first: hum/hum5.wav, taken for a bark."""

    def decisions() -> list[tuple]:
        kept = read_annotations(file_of(workspace, "small")).decisions
        return [(each.clip, each.verdict, each.new, each.blind, each.why) for each in kept]

    app = open_page(PAGE, run=run.id, tab="Mistakes")
    key = f"card-label-{run.id}-11"
    app.session_state[f"{key}-menu"] = True
    app.run()
    assert app.button(key=f"{key}-save").disabled
    app.selectbox(key=f"{key}-label").select_index(0).run()
    app.button(key=f"{key}-save").click().run()
    why = f"run {run.id}: a mistake"
    assert decisions() == [("hum/hum5.wav", "other", "bark", False, why)]
    assert "Label decided" in [block.proto.popover.label for block in app.get("popover")]
    app.session_state[f"{key}-menu"] = True
    app.run()
    assert "hum5.wav: hum is bark" in words(app)
    app.button(key=f"{key}-undo").click().run()
    assert decisions() == []
    app.session_state[f"{key}-menu"] = True
    app.run()
    app.selectbox(key=f"{key}-label").select_index(2).run()  # none of the two classes
    app.button(key=f"{key}-save").click().run()
    assert decisions() == [("hum/hum5.wav", "wrong", "", False, why)]
    assert not app.exception
    assert not app.error
