"""Comparisons and lists from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import labcore as lab
from labcore.cli.main import main
from labcore.errors import ConfigError, RunError
from labcore.evaluation.paired import mcnemar
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.judged import drawn, finished_crossval, finished_run, judged, sure


@pytest.fixture
def runs(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    return [
        finished_run(workspace, drawn(40, seed=0, sharpness=1.0 + number), {"optim.lr": 0.01 * (1 + number)})
        for number in range(3)
    ]


def test_the_answer_as_figures(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    first_said = drawn(40, seed=0)
    said = judged(first_said.frame["label"], sure(first_said.frame["label"]), groups=first_said.frame["group"])
    one, other = finished_run(workspace, first_said), finished_run(workspace, said, {"optim.lr": 0.05})
    found = lab.compare(one, other.id)
    first, second = found.table["accuracy"]
    assert (second, found.difference) == (1.0, pytest.approx(1 - first))
    wrong = round(40 * (1 - first))
    assert found.p == pytest.approx(mcnemar(wrong, 0))
    assert found.interval is not None
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.certain == ("hardly chance" in found.sentence)
    assert found.per_class["won"].sum() == wrong
    assert found.sentence in repr(found)
    assert "Comparison of A and B" in found.report(tmp_path / "ab.html").read_text(encoding="utf-8")


def test_several_sides_have_sentences_alone(runs: list[Run]) -> None:
    found = lab.compare(*runs)
    assert len(found.sentence.splitlines()) == 2
    assert list(found.table["side"]) == ["A", "B", "C"]
    with pytest.raises(RunError, match="3 sides are compared"):
        found.difference  # noqa: B018


def test_mistakes(runs: list[Run]) -> None:
    with pytest.raises(ConfigError, match="two runs at least"):
        lab.compare(runs[0])
    with pytest.raises(ConfigError, match="a run cannot be found by int"):
        lab.compare(runs[0], 5)  # type: ignore[arg-type]


def test_runs_and_data_sets_as_tables(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    none = lab.list_runs()
    assert none.query("state == 'finished' and accuracy > 0.5").empty
    assert lab.list_datasets()["folder"].str.contains("x").empty
    experiment = finished_crossval(workspace)
    found = lab.list_runs()
    assert set(found.index) == {run.id for run in experiment.children()}
    assert main(["runs", "list", "--json"]) == 0
    told = json.loads(capfd.readouterr().out.splitlines()[0])
    assert list(found.reset_index()) == list(none.reset_index()) == list(told)
    assert found["mean_ap"].dtype == float
    assert set(found["parent"]) == {experiment.id}
    assert found["accuracy"].between(found["accuracy_low"], found["accuracy_high"]).all()
    (workspace.datasets / "mine").mkdir(parents=True)
    assert lab.list_datasets().loc["mine", "folder"] == str(workspace.datasets / "mine")
