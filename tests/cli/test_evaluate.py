"""``labcore evaluate`` on a trained tiny run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.cli.evaluate import figures, report
from labcore.config import RunConfig
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.metrics import figures_of
from labcore.evaluation.predictions import read_predictions
from labcore.events import Evaluated
from labcore.jobs.following import Stopped
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]


class TestEvaluate:
    def test_gives_the_figures_of_the_run(self, trained: Workspace, labcore: Labcore, tones: Path) -> None:
        (run,) = list_runs(trained)
        known = run.last_event(Evaluated)
        assert known is not None
        told = labcore("evaluate", "--run", run.id, "--dataset", tones, "--fold", known.fold, "--json")
        assert told.status == 0
        (facts,) = told.lines
        for name in ("accuracy", "macro_f1", "per_class", "confusion", "clips"):
            assert facts[name] == getattr(known, name)
        assert facts["run"] == run.id
        assert Path(facts["predictions"]).is_file()
        (again,) = labcore("evaluate", "--json").lines
        assert again | {"predictions": facts["predictions"]} == facts

    def test_last_is_the_newest_run_with_weights(
        self, trained_home: Path, labcore: Labcore, tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(trained_home, tmp_path / "home")
        monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
        (run,) = list_runs(Workspace.default())
        Run.create(Workspace.default(), RunConfig())  # waits, or is running
        assert labcore("classify", tones / "low" / "low0.wav").status == 0
        for words in (["export"], ["export", "last"], ["export", "--run", "last"], ["export", "--run", run.id]):
            (told,) = labcore(*words, "-o", tmp_path / "x.zip", "--json").lines
            assert told["run_id"] == run.id

    @pytest.mark.parametrize(
        "words", [["runs", "show"], ["evaluate"], ["export"], ["resume"], ["set", "--dropout", "0.1"]]
    )
    def test_a_run_is_named_once(self, trained: Workspace, labcore: Labcore, words: list[str]) -> None:
        told = labcore(*words, "one", "--run", "another")
        assert (told.status, told.out) == (2, "")
        assert "two runs are named: one and another" in told.err
        assert "there is no run 'another'" in labcore(*words, "--run", "another").err

    def test_for_people(self, trained: Workspace, labcore: Labcore) -> None:
        told = labcore("evaluate", "--fold", "all")
        assert told.status == 0
        assert "all 20 clips" in told.out
        assert "trained on" in told.err

    def test_it_leaves_a_trace(self, trained: Workspace, labcore: Labcore) -> None:
        def left() -> set[Path]:
            return set((trained.home / "evaluations").glob("[!.]*"))

        before = left()
        (facts,) = labcore("evaluate", "--json", "--class", "low").lines
        (folder,) = left() - before
        content = json.loads((folder / "evaluation.json").read_text())
        told = Evaluation(folder).result
        assert told is not None
        own = {"run": list_runs(trained)[0].id, "predictions": str(folder / "predictions.parquet")}
        assert {"dataset": facts["dataset"], **own, **figures(told)} == facts
        assert Evaluation(folder).status().state == "finished"
        assert content["run"] == list_runs(trained)[0].id
        assert content["class"] == "low"
        counts = {true: sum(said.values()) for true, said in facts["confusion"].items()}
        assert {true: count for true, count in counts.items() if count} == {"low": facts["clips"]}
        rows = read_predictions([folder / "predictions.parquet"])
        assert set(rows["label"]) == {"low"}
        assert len(rows) == facts["clips"]
        before = left()
        told = labcore("evaluate", "--windows")
        (folder,) = left() - before
        assert str(folder / "predictions.parquet") in told.err.replace("\n", "")
        before = left()
        assert labcore("evaluate", "--class", "nothing").status == 2
        assert left() == before
        assert not list((trained.home / "evaluations").glob(".*"))

    def test_ctrl_c_stops_it(self, trained: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: object, **__: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            raise Stopped  # as the next report of progress does

        monkeypatch.setattr("labcore.evaluation.work.evaluate", interrupted)
        told = labcore("evaluate", "--json")
        assert (told.status, told.out) == (130, "")
        (job,) = [each for each in Evaluation.every(trained) if each.status().state == "stopped"]
        assert f"`labcore jobs resume {job.id}` continues it" in told.err
        job.delete()

    def test_on_a_full_disk_the_figures_are_told(
        self, trained: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (expected,), real = labcore("evaluate", "--json").lines, Path.open
        before = set((trained.home / "evaluations").iterdir())
        monkeypatch.setattr(
            Path,
            "open",
            lambda self, *a, **k: real(Path("/dev/full") if "evaluations" in self.parts else self, *a, **k),
        )
        told = labcore("evaluate", "--json")
        assert (told.status, told.lines) == (0, [expected | {"predictions": None}])
        assert "No space left" in told.err
        assert set((trained.home / "evaluations").iterdir()) == before

    def test_bad_input(self, trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path) -> None:
        assert labcore("evaluate", "--fold", "99").status == 2
        assert labcore("evaluate", "--dataset", "nothing").status == 2
        shutil.copytree(tones / "low", tmp_path / "set" / "unheard")
        shutil.copytree(tones / "high", tmp_path / "set" / "high")
        told = labcore("evaluate", "--dataset", tmp_path / "set")
        assert told.status == 2
        assert "unheard" in told.err


def test_what_always_answering_the_largest_class_would_reach_stands_beside_an_accuracy() -> None:
    told = report(figures_of({"normal": {"normal": 9}, "abnormal": {"normal": 1}}))
    assert "Always answering normal would be right on 90.0 % of these clips: look at the recall of each class." in told
    assert not any("Always" in str(line) for line in report(figures_of({"a": {"a": 5}, "b": {"b": 4}})))
