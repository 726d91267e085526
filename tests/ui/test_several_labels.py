"""A run of several labels a clip on the pages."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from labcore.datasets import find_dataset
from labcore.evaluation.eval_set import PredictionPart
from labcore.evaluation.label_predictions import LabelPredictions
from labcore.evaluation.predictions import known_of, record
from labcore.events import RunFinished
from labcore.inference.classifier import Classifier
from labcore.task.several import SeveralLabels
from labcore.task.thresholds import LabelThresholds
from tests.made_events import made_epoch
from ui.runs import one_label

from .conftest import LABELS, words

PAGE = "pages/runs.py"
TASK = SeveralLabels(LabelThresholds(values={"bark": 0.3}, source="the 9 validation clips"))


@pytest.fixture
def several(workspace, dataset, make_run):
    """A finished run on ``small`` which says of every clip that it has both labels, of the barks a little more."""
    run = make_run("running", epochs=0, **{"audio.sample_rate": 8000, "features.hop_length": 160})
    clips = find_dataset(workspace, "small")
    barks = (clips.table["label"] == "bark").to_numpy()
    shares = np.stack([np.where(barks, 0.45, 0.4), np.full(len(barks), 0.6)], 1).astype(np.float32)
    rows = np.arange(len(barks))
    bounds = np.tile([0, 4000], (len(rows), 1))
    part = PredictionPart(shares, rows, bounds, shares, shares.astype(np.float16))
    record(run.predictions, known_of(clips.table, rows, clips.folder), LABELS, 8000, [part], TASK)
    Classifier(run.config, LABELS, task=TASK).save(run.weights)
    run.append(made_epoch(
        1, epochs=1, train_loss=1.2, train_accuracy=None, val_loss=1.1, val_accuracy=None, val_mean_ap=0.625,
        clips_per_second=1234.0,
    ))  # fmt: skip
    run.append(LabelPredictions.read([run.predictions]).figures("1"))
    run.append(RunFinished(state="finished", epochs_done=1, seconds=61.0))
    return run


def test_its_figures_are_those_of_labels(open_page, several):
    for tab in ("Overview", "Evaluation"):
        app = open_page(PAGE, run=several.id, tab=tab)
        assert not app.exception
        shown = {each.label: each.value for each in app.metric}
        assert shown["mAP"] == "0.750"  # of bark 1; of hum, where all clips are equally probable, one half
        assert "Accuracy" not in shown
    (table,) = (each.value for each in app.dataframe if "AP" in each.value)
    assert dict(zip(table["Label"], table["Threshold"], strict=True)) == {"bark": 0.3, "hum": 0.5}
    assert "there is no confusion matrix" in words(app)


@pytest.mark.parametrize("folds", [1, 2])
def test_folds_together_say_why_their_map_is_below_the_mean(several, tmp_path, folds):
    def page(files):
        from ui.runs import evaluation

        evaluation._labels(files, "")

    files = [shutil.copy(several.predictions, tmp_path / f"{fold}.parquet") for fold in range(folds)]
    app = AppTest.from_function(page, kwargs={"files": files}).run()
    assert not app.exception
    assert ("not on one scale" in words(app)) == (folds == 2)


def test_its_mistakes_are_missed_or_false(open_page, several):
    app = open_page(PAGE, run=several.id, tab="Mistakes")
    assert not app.exception
    (table,) = (each.value for each in app.dataframe if "Missed" in each.value)
    assert set(table["Missed"]) == {0}
    assert (table["False alarms"] == 6).all()
    assert "No missed of" in words(app)
    app.segmented_control[0].set_value("false alarms").run()
    assert not app.exception
    assert "predicted **hum, bark**" in words(app) or "predicted **bark, hum**" in words(app)


@pytest.mark.parametrize("tab", ["Labels", "Correct", "Robustness", "Unknown sounds", "False alarms"])
def test_what_needs_one_label_says_so(open_page, several, tab):
    app = open_page(PAGE, run=several.id, tab=tab)
    assert not app.exception
    assert not app.error
    told = {
        "Labels": one_label.LABELS,
        "Correct": one_label.CORRECT,
        "Robustness": one_label.ROBUSTNESS,
        "Unknown sounds": one_label.UNKNOWN,
        "False alarms": one_label.ALARMS,
    }
    assert [each.value for each in app.info] == [told[tab]]


def test_a_clip_is_shown_with_all_labels_that_reach_their_thresholds(open_page, several):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(0).normal(0, 0.1, 4000), 8000, format="WAV")
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("clip.wav", buffer.getvalue()).run()
    assert not app.exception
    assert "thresholds chosen for F1 on the 9 validation clips" in words(app)
    app.segmented_control(key="label-threshold-of").set_value("for all classes").run()
    app.get_by_key("event-threshold").set_value(0.0).run()
    assert "2 labels at or above the threshold" in words(app)
    app.get_by_key("event-threshold").set_value(1.0).run()
    assert "## No label" in words(app)
