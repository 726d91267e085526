"""Runs and cross-validations beside each other."""

from __future__ import annotations

import pytest

from tests.judged import finished_run, judged, sure

PAGE = "pages/runs.py"


@pytest.fixture
def runs(workspace, dataset):
    """Two runs on clips of the data set ``small``, the second one right where the first is wrong."""
    files = sorted(dataset.rglob("*.wav"))
    names = [f"{file.parent.name}/{file.name}" for file in files]
    truth = [file.parent.name for file in files]
    labels = ("bark", "hum")
    changes = {"data.dataset": "small"}
    one = finished_run(
        workspace, judged(truth, sure(["bark"] * 12, labels=labels), names=names, labels=labels), changes
    )
    other = finished_run(
        workspace, judged(truth, sure(truth, labels=labels), names=names, labels=labels), changes | {"optim.lr": 0.02}
    )
    return one, other


def test_the_sentence_the_settings_and_the_clips(open_page, runs):
    app = open_page(PAGE, compare=",".join(run.id for run in runs))
    assert not app.exception
    assert "B is better by 50\\.0 points" in app.success[0].value
    sides, differs = app.dataframe[0].value, app.dataframe[1].value
    assert sides["Accuracy"].tolist() == ["50.0 %", "100.0 %"]
    assert differs.values.tolist() == [["Learning rate", "automatic", "0.02"]]
    clips = next(each.value for each in app.dataframe if "A predicts" in each.value)
    assert clips["Clip"].tolist() == [f"hum{number}.wav" for number in range(6)]
    assert any("hum0.wav" in each.value.replace("\\", "") for each in app.caption)
    lost = open_page(PAGE, compare=",".join(run.id for run in runs), clips="lost")  # as after a reload
    assert "No clip is wrong in B alone." in [each.value for each in lost.caption]


def test_the_costs_are_of_runs_that_leave_out_the_same_classes(open_page, workspace, dataset, monkeypatch):
    changes = {"data.dataset": "small", "data.exclude_classes": ["owl"]}
    said = judged(["bark", "hum"], sure(["bark", "hum"], labels=("bark", "hum")), labels=("bark", "hum"))
    runs = [finished_run(workspace, said, changes), finished_run(workspace, said, changes | {"optim.lr": 0.02})]
    drawn = []
    monkeypatch.setattr("ui.charts.comparing.costs", lambda table, *_, **__: drawn.append(sorted(table["side"])))
    app = open_page(PAGE, compare=",".join(run.id for run in runs))
    app.session_state["compare-costs"] = True
    assert not app.run().exception
    assert ["A", "B"] in drawn


def test_data_that_are_gone_cost_the_sound_alone(open_page, runs, dataset):
    for file in dataset.rglob("*.wav"):
        file.unlink()
    app = open_page(PAGE, compare=",".join(run.id for run in runs))
    assert not app.exception
    assert app.error
    assert "B is better" in app.success[0].value


def test_what_cannot_be_compared_is_said_and_the_rest_is_shown(open_page, workspace, runs):
    other = finished_run(workspace, judged(["cat"], sure(["cat"])), {"data.fold": "2"})
    app = open_page(PAGE, compare=f"{runs[0].id},{other.id}")
    assert not app.exception
    assert "cannot be compared clip by clip" in app.warning[0].value
    assert len(app.dataframe[0].value) == 2


def test_one_run_alone_and_one_that_is_gone(open_page, runs):
    app = open_page(PAGE, compare=f"{runs[0].id},nothing")
    assert not app.exception
    assert "two runs at least" in app.error[-1].value
