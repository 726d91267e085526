"""``classify`` and ``export`` on a trained tiny run; names that commands print."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore import builtin
from labcore.config import RunConfig
from labcore.inference.classifier import Classifier
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]


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

    def test_onnx_of_a_run_that_refuses_tells_what_it_lacks(
        self, trained: Workspace, labcore: Labcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("labcore.inference.onnx_file.save_onnx", lambda classifier, path: path.touch())
        (run,) = list_runs(trained)
        for refuses in (True, False):
            monkeypatch.setattr(Classifier, "refuses", refuses)
            told = labcore("export", run.id, "-o", tmp_path / "x.onnx")
            assert told.status == 0
            assert ("is not in an ONNX file" in told.err) == refuses

    def test_of_weights_alone_and_of_the_builtin_network(
        self, trained: Workspace, labcore: Labcore, tmp_path: Path
    ) -> None:
        (run,) = list_runs(trained)
        weights, target = tmp_path / "own.safetensors", tmp_path / "again.safetensors"
        weights.write_bytes(run.weights.read_bytes())
        (facts,) = labcore("export", weights, "-o", target, "--json").lines
        assert (facts["run_id"], facts["file"]) == (None, str(target))
        assert target.read_bytes() == weights.read_bytes()
        assert labcore("export", "builtin", "-o", target).status == 0
        assert Classifier.load(target).labels == Classifier.load(builtin.RUN.path).labels
        assert "a zip is made of a run" in labcore("export", weights, "-o", tmp_path / "x.zip").err
        told = labcore("export", weights, "-o", tmp_path)
        assert told.status == 2
        assert "is no run, and only a run has a zip. Name a file: --output FILE.onnx" in told.err

    def test_without_weights(self, workspace: Workspace, labcore: Labcore) -> None:
        run = Run.create(workspace, RunConfig())
        assert labcore("export", run.id).status == 2


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
