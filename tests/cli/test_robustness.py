"""``labcore noise`` on a trained tiny run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.evaluation import disturbed_clips
from labcore.evaluation.robustness import RobustnessTest
from labcore.events import Evaluated
from labcore.jobs.executors import ThreadChild
from labcore.jobs.following import Stopped
from labcore.jobs.manager import JobManager
from labcore.runs import list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]


class TestNoise:
    def test_a_table_and_lines_of_json(self, trained: Workspace, labcore: Labcore) -> None:
        (run,) = list_runs(trained)
        known = run.last_event(Evaluated)
        assert known is not None
        told = labcore("noise", "--run", run.id, "--levels", "20", "-40", "--colour", "white")
        assert told.status == 0
        lines = told.out.splitlines()
        assert [line.split("  ")[0] for line in lines] == ["ratio", "no noise", "20 dB", "-40 dB"]
        assert f"{100 * known.accuracy_low:.1f} to {100 * known.accuracy_high:.1f} %" in lines[1]
        assert "held out from training" in told.err
        (facts,) = labcore("noise", "--snr", "20", "--json").lines
        assert (facts["state"], facts["run"], facts["colour"]) == ("finished", run.id, "pink")
        assert facts["result"][0]["accuracy"] == known.accuracy
        assert [each["snr_db"] for each in facts["result"]] == [None, 20.0]
        listed = labcore("noise", "--list", "--json").lines
        assert facts in listed
        assert {each["colour"] for each in listed} == {"white", "pink"}
        assert {each["dataset"] for each in listed} == {"tones"}
        assert run.id in labcore("noise", "--list").out

    def test_it_stops_with_what_is_done(
        self, trained: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = disturbed_clips.DisturbedClips.right

        def right(judge: Any, rows: Any, targets: Any, ratio: float | None, progress: Any) -> Any:
            if ratio is not None:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
                raise Stopped
            return real(judge, rows, targets, ratio, progress)

        with monkeypatch.context() as patch:
            patch.setattr(disturbed_clips.DisturbedClips, "right", right)
            told = labcore("noise", "--snr", "0")
        assert told.status == 130
        assert "no noise" in told.out
        assert "jobs resume" in told.err
        (job,) = [each for each in RobustnessTest.every(trained) if each.status().state == "stopped"]
        monkeypatch.setattr("labcore.cli.jobs.JobManager", lambda workspace: JobManager(workspace, ThreadChild, 0.02))
        assert labcore("jobs", "resume", job.id).status == 0
        assert [each.snr_db for each in job.results] == [None, 0.0]

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (["--fold", "99"], "no fold 99"),
            (["--class", "nothing"], "no clips of nothing"),
            (["--run", "nothing"], "there is no run 'nothing'"),
            (["--snr", "nan"], "between -100 and 100"),
            (["--snr", "loud"], "loud is not between -100 and 100 dB"),
            (["--colour", "blue"], "blue"),
        ],
    )
    def test_bad_input(self, trained: Workspace, labcore: Labcore, words: list[str], what: str) -> None:
        before = RobustnessTest.every(trained)
        told = labcore("noise", *words)
        assert (told.status, told.out) == (2, "")
        assert what in told.err
        assert RobustnessTest.every(trained) == before

    def test_an_empty_list(self, workspace: Workspace, labcore: Labcore) -> None:
        assert labcore("noise", "--list", "--json").out == ""
        assert labcore("noise", "--list").status == 0

    def test_on_another_data_set(self, trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path) -> None:
        for label in ("low", "high"):
            shutil.copytree(tones / label, tmp_path / "elsewhere" / label, ignore=lambda _, names: sorted(names)[3:])
        words = ("robustness", "--of", "gain", "--levels", "-20", "--dataset", tmp_path / "elsewhere")
        (facts,) = labcore(*words, "--json").lines
        assert (facts["dataset"], facts["fold"], facts["clips"]) == ("elsewhere", "all", 6)
        assert "on elsewhere: 6 clips" in labcore(*words).err
        assert labcore(*words[:-1], "nothing").status == 2
