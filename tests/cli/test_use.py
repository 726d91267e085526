"""``evaluate``, ``classify``, ``export``, ``runs`` and ``datasets`` on a trained tiny run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.cli.evaluate import figures
from labcore.config import RunConfig
from labcore.evaluation import disturbed_clips
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.predictions import read_predictions
from labcore.evaluation.robustness import RobustnessTest
from labcore.events import Evaluated, RunFinished, RunQueued, RunStarted
from labcore.jobs.executors import ThreadChild
from labcore.jobs.following import Stopped
from labcore.jobs.manager import JobManager
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
        assert labcore("evaluate", "--json").lines == [facts]

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
        assert {"dataset": facts["dataset"], **figures(told)} == facts
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
        assert (told.status, told.lines) == (0, [expected])
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


class TestNoise:
    def test_a_table_and_lines_of_json(self, trained: Workspace, labcore: Labcore) -> None:
        (run,) = list_runs(trained)
        known = run.last_event(Evaluated)
        assert known is not None
        told = labcore("noise", "--run", run.id, "--snr", "20", "-40", "--colour", "white")
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
        assert run.id in labcore("noise", "--list").out

    def test_it_stops_with_what_is_done(
        self, trained: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = disturbed_clips.DisturbedClips.hits

        def hits(judge: Any, rows: Any, targets: Any, ratio: float | None, progress: Any) -> int:
            if ratio is not None:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
                raise Stopped
            return real(judge, rows, targets, ratio, progress)

        with monkeypatch.context() as patch:
            patch.setattr(disturbed_clips.DisturbedClips, "hits", hits)
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


class TestClassify:
    def test_files_folders_and_what_is_none(
        self, trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path
    ) -> None:
        text = tmp_path / "text.wav"
        text.write_text("no sound")
        told = labcore("classify", text, tones / "low", tmp_path / "gone.wav", tones / "high" / "high0.wav", "--json")
        assert told.status == 1
        lines = told.lines
        assert [Path(line["file"]).name for line in lines] == [
            "text.wav", *(f"low{number}.wav" for number in range(10)), "gone.wav", "high0.wav"
        ]  # fmt: skip
        assert set(lines[0]) == set(lines[11]) == {"file", "error"}
        for line in (lines[1], lines[12]):
            assert set(line["probabilities"]) == {"low", "high"}
            assert sum(line["probabilities"].values()) == pytest.approx(1, abs=1e-5)
            assert line["probability"] == line["probabilities"][line["label"]]
            assert {"start_s", "end_s", "label", "probability"} <= set(line["windows"][0])

    def test_same_from_run_folder_weights_and_zip(
        self, trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path
    ) -> None:
        (run,) = list_runs(trained)
        for name in ("x.zip", "x.safetensors"):
            assert labcore("export", run.id, "-o", tmp_path / name).status == 0
        told = labcore("export", run.id, "-o", tmp_path / "x.pt")
        assert told.status == 2
        assert "cannot be written as .pt" in told.err
        file = tones / "low" / "low0.wav"
        answers = [
            labcore("classify", "--json", file, "--run", name).lines
            for name in ("last", run.id, run.path, run.weights, tmp_path / "x.zip", tmp_path / "x.safetensors")
        ]
        assert all(answer == answers[0] for answer in answers)

    def test_for_people(self, trained: Workspace, labcore: Labcore, tones: Path) -> None:
        told = labcore("classify", tones)
        assert told.status == 0
        assert len(told.out.splitlines()) == 20

    def test_folder_without_sounds(self, trained: Workspace, labcore: Labcore, tmp_path: Path) -> None:
        assert labcore("classify", tmp_path).status == 2

    def test_run_without_weights(self, workspace: Workspace, labcore: Labcore, tones: Path) -> None:
        run = Run.create(workspace, RunConfig())
        told = labcore("classify", tones, "--run", run.id)
        assert told.status == 2
        assert "weights" in told.err


class TestExport:
    def test_the_zip_answers_as_the_command_does(
        self, trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """In a process of its own it is tried by tests/inference/test_classifier.py."""
        (run,) = list_runs(trained)
        told = labcore("export", run.id, "-o", tmp_path, "--json")
        (facts,) = told.lines
        assert facts["file"] == str(tmp_path / f"{run.id}.zip")
        content = Path(facts["file"]).read_bytes()
        assert len(content) == facts["bytes"]
        zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
        file = tones / "high" / "high3.wav"
        script = str(tmp_path / run.id / "classify.py")
        monkeypatch.setattr(sys, "argv", [script, str(file)])
        with pytest.raises(SystemExit, match="0"), contextlib.redirect_stdout(io.StringIO()) as said:
            runpy.run_path(script, run_name="__main__")
        answer = json.loads(said.getvalue())
        (here,) = labcore("classify", "--json", file, "--device", "cpu").lines
        assert answer["probabilities"] == pytest.approx(here["probabilities"], abs=1e-5)

    def test_without_weights(self, workspace: Workspace, labcore: Labcore) -> None:
        run = Run.create(workspace, RunConfig())
        assert labcore("export", run.id).status == 2


class TestRuns:
    def test_list(self, trained: Workspace, labcore: Labcore, tones: Path) -> None:
        (run,) = list_runs(trained)
        (facts,) = labcore("runs", "list", "--json").lines
        assert (facts["run_id"], facts["state"], facts["epoch"], facts["epochs"]) == (run.id, "finished", 4, 4)
        assert (facts["dataset"], facts["model"]) == (str(tones), "compact")
        told = labcore("runs", "list")
        assert run.id in told.out
        assert "4/4" in told.out

    def test_empty_list(self, workspace: Workspace, labcore: Labcore) -> None:
        told = labcore("runs", "list")
        assert told.status == 0
        assert "labcore train" in told.err
        assert labcore("runs", "list", "--json").out == ""

    def test_show(self, trained: Workspace, labcore: Labcore) -> None:
        told = labcore("runs", "show", "last")
        assert told.status == 0
        for word in ("finished", "95 % interval", "precision", "high", "low", "labcore train"):
            assert word in told.out
        (facts,) = labcore("runs", "show", "last", "--json").lines
        assert facts["state"] == "finished"
        assert facts["config"]["model"]["name"] == "compact"
        assert len(facts["epoch_events"]) == 4
        assert facts["evaluated"]["clips"] == 4

    def test_stop(self, workspace: Workspace, labcore: Labcore) -> None:
        ended, waiting, working = (Run.create(workspace, RunConfig()) for _ in range(3))
        ended.append(RunStarted(run_id=ended.id, run_dir=str(ended.path), pid=1, host="here"))
        ended.append(RunFinished(state="finished", epochs_done=4))
        waiting.append(RunQueued())
        working.append(RunStarted(run_id=working.id, run_dir=str(working.path), pid=1, host="here"))
        with working.hold():
            told = labcore("runs", "stop", waiting.id, working.id, ended.id)
            assert told.status == 0
            assert working.status().state == "stopping"
        assert waiting.status().state == "stopped"
        assert ended.status().state == "finished"
        assert "from the queue" in told.err
        assert f"labcore resume {working.id}" in told.err
        assert f"{ended.id} is finished already" in told.err

    def test_show_survives_a_broken_run(self, workspace: Workspace, labcore: Labcore) -> None:
        run = Run.create(workspace, RunConfig())
        (run.path / "config.json").write_text("{")
        (run.path / "events.jsonl").write_text('{"type": "epoch", "time": 1}\n{"type": "evaluated", "time": 1}\nx')
        assert labcore("runs", "show", run.id).status == 0
        assert labcore("runs", "show", run.id, "--json").status == 0
        assert labcore("runs", "list").status == 0

    def test_follow_a_run_of_the_past(self, trained: Workspace, labcore: Labcore) -> None:
        (run,) = list_runs(trained)
        told = labcore("runs", "show", "last", "--follow", "--json")
        assert told.status == 0
        assert told.lines == [event.facts() for event in run.events()]
        assert "epoch 4/4" in told.err

    def test_delete(self, workspace: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch) -> None:
        run, other = Run.create(workspace, RunConfig()), Run.create(workspace, RunConfig())
        told = labcore("runs", "delete", run.id)
        assert (told.status, "--yes" in told.err) == (2, True)
        for answer, left in (("n\n", True), ("y\n", False)):
            monkeypatch.setattr("sys.stdin", _Terminal(answer))
            monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
            assert labcore("runs", "delete", run.id).status == 0
            assert run.path.exists() is left
        with other.hold():
            assert labcore("runs", "delete", other.id, "--yes").status == 2
        assert labcore("runs", "delete", other.id, "--yes").status == 0
        assert list_runs(workspace) == []


class TestDatasets:
    def test_import_and_list(self, workspace: Workspace, labcore: Labcore, tones: Path) -> None:
        assert "labcore datasets demo" in labcore("datasets", "list").err
        (taken,) = labcore("datasets", "import", tones, "--name", "beeps", "--json").lines
        assert (taken["name"], taken["clips"], taken["classes"], taken["layout"]) == ("beeps", 20, 2, "folders")
        assert labcore("datasets", "list", "--json").lines == [taken]
        assert "beeps" in labcore("datasets", "list").out

    def test_demo(self, workspace: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[Any] = []

        def make_demo(folder: Path, *, seed: int, progress: Callable[[int, int], None]) -> Path:
            made.append((folder, seed))
            progress(1, 2)
            return folder

        monkeypatch.setattr("labcore.datasets.demo.make_demo", make_demo)
        told = labcore("datasets", "demo", "--seed", "3", "--json")
        assert told.lines == [{"name": "demo", "path": str(workspace.datasets / "demo")}]
        assert made == [(workspace.datasets / "demo", 3)]

    def test_check(self, workspace: Workspace, labcore: Labcore, tones: Path, tmp_path: Path) -> None:
        sound = labcore("datasets", "check", tones)
        assert sound.status == 0
        for word in ("20 clips", "8000 Hz", "high", "low"):
            assert word in sound.out
        shutil.copytree(tones, tmp_path / "set")
        (tmp_path / "set" / "low" / "broken.wav").write_text("no sound")
        told = labcore("datasets", "check", tmp_path / "set")
        assert told.status == 0
        assert "broken.wav" in told.out
        assert "warning: 1 clip cannot be read" in told.out
        (facts,) = labcore("datasets", "check", tmp_path / "set", "--json").lines
        assert [Path(problem["path"]).name for problem in facts["unreadable"]] == ["broken.wav"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_name_commands_no_terminal(labcore, workspace, tmp_path):
    """Runs come out of backups, and files out of archives: their names hold what they like."""
    from labcore.config.presets import preset
    from labcore.runs import Run

    evil = "\x1b]0;title\x07\x1b[2J\x9b31m\nforged line"
    run = Run.create(workspace, preset("quick"))
    run.path.rename(run.path.with_name(f"{run.id}{evil}"))
    (workspace.runs / f"stray{evil}").mkdir()
    (workspace.runs / f"stray{evil}" / "events.jsonl").write_text("x")
    sound = tmp_path / f"a{evil}.wav"
    sound.write_bytes(b"no sound")
    told = [
        labcore("runs", "list"), labcore("runs", "list", "--json"), labcore("runs", "show", "last"), labcore("runs", "show", evil),
        labcore("classify", sound), labcore("classify", sound, "--format", "csv"), labcore("datasets", "add", sound), labcore(evil),
        labcore("train", "--dataset", evil),
    ]  # fmt: skip
    for outcome in told:
        assert not set("\x1b\x07\x9b\x00\r") & set(outcome.out + outcome.err)
    assert len(told[0].out.splitlines()) <= 3
