"""The command as a whole: speed of the help, exit statuses, one line for a mistake."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore import __version__
from labcore.cli import main as cli
from labcore.cli.output import JsonLines, duration
from labcore.config import RunConfig, all_settings
from labcore.errors import LabError, WorkspaceError
from labcore.runs import Run
from labcore.workspace import Workspace

ROOT = Path(__file__).parents[2]
Labcore = Callable[..., Any]
HEAVY = "torch", "pandas", "numpy", "sklearn", "streamlit"


def test_loads_nothing_heavy(tmp_path: Path) -> None:
    lines = [["--help"], ["train", "--help"], ["runs", "list"], ["trian"], ["train", "--epochs", "x"]]
    script = f"""
import sys
from labcore.cli.main import main
for words in {lines!r}:
    try:
        main(words)
    except SystemExit:
        pass
    assert not set(sys.modules) & set({HEAVY!r}), (words, set(sys.modules) & set({HEAVY!r}))
"""
    environment = os.environ | {"LABCORE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, env=environment)


def test_help_and_version(labcore: Labcore) -> None:
    overview = labcore("--help")
    assert overview.status == 0
    assert all(command in overview.out for command in cli.COMMANDS)
    assert __version__ in labcore("--version").out
    nothing = labcore()
    assert (nothing.status, nothing.out) == (2, "")
    for command in cli.COMMANDS:
        told = labcore(command, "--help")
        assert (told.status, told.err) == (0, "")


def test_help_of_train_tells_every_setting(labcore: Labcore) -> None:
    told = " ".join(labcore("train", "--help").out.split())
    for path, setting in all_settings().items():
        assert f"--{path} " in told
        assert setting.title in told
    assert "(1 to 4096; default: 32)" in told
    assert "(default: auto)" in told
    assert told.index("--epochs") < told.index("--batch-size") < told.index("--json") < told.index("--features.n_fft")
    assert "--forecast" not in told


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_help_of_a_command_has_examples_that_work(command: str) -> None:
    parser = importlib.import_module(f"labcore.cli.{command}").parser()
    examples = [shlex.split(f"labcore{line}") for line in re.findall(r"labcore([^|>\n]*)", parser.epilog)]
    assert examples
    for program, name, *words in examples:
        assert (program, name) == ("labcore", command)
        parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["trian"], "did you mean train?"),
        (["train", "--epoch", "3"], "did you mean --epochs?"),
        (["train", "--batchsize=4"], "did you mean --batch-size?"),
        (["train", "--optim.epoch", "3"], "did you mean --optim.epochs?"),
        (["train", "--epochs", "0"], "1 to 2000"),
        (["train", "--epochs", "2.5"], "whole number"),
        (["train", "--lr", "x"], "not a number or auto"),
        (["train", "--lr", "nan"], "out of bounds"),
        (["train", "--batch-size", "auto"], "whole number"),
        (["train", "--set", "dropout=0.4"], "Write EPOCH:SETTING=VALUE"),
        (["train", "--turn", "dropout=0.4"], "Write EPOCH:SETTING=VALUE"),  # its former name
        (["turn", "last", "--dropout", "0.4"], "no run"),  # the former name of set
        (["train", "--set", "3:model.dropot=0.4"], "there is no setting 'model.dropot'"),
        (["train", "--set", "3:dropout=4"], "out of bounds: 0 to 0.9"),
        (["train", "--set", "3:model.width=2"], "cannot be changed while a run trains"),
        (["train", "--epochs", "5", "--set", "6:dropout=0.4"], "the run has no epoch 6"),
        (["train", "--epochs", "5", "--set", "9" * 5000 + ":dropout=0.4"], "--set cannot read"),
        (["train", "--optimizer", "adam"], "sgd, adamw"),
        (["train", "--optimiser", "adam"], "sgd, adamw"),
        (["train", "surplus"], "surplus"),
        (["train", "--preset", "slow"], "quick"),
        (["train", "--preset", "quick", "--config", "x"], "not allowed"),
        (["train", "--config", "/no/such/file"], "No such file"),
        (["train", "--features.win_length", "2048", "--features.n_fft", "1024"], "features.win_length"),
        (["train", "--dataset", "nothing"], "there is no data set 'nothing'"),
        (["train"], "labcore datasets demo"),
        (["resume", "nothing"], "no run 'nothing'"),
        (["resume"], "RUN"),
        (["runs"], "ACTION"),
        (["runs", "show", "nothing"], "no run"),
        (["runs", "show", "last"], "no run"),
        (["runs", "list", "--jsn"], "labcore runs list: there is no flag --jsn; did you mean --json?"),
        (["datasets", "split", "x", "--name", "y"], "did you mean --rename? `labcore datasets split --help` lists"),
        (["runs", "delete", "nothing", "--yes"], "no run"),
        (["evaluate", "--run", "nothing"], "no run"),
        (["classify"], "FILE"),
        (["classify", "x.wav", "--run", "nothing"], "no run"),
        (["classify", "x.wav", "--run", ""], "argument --run: the name is empty"),
        (["alarms", "x.wav", "--run", ""], "argument --run: the name is empty"),
        (["evaluate", "--dataset", " "], "argument --dataset: the name is empty"),
        (["classify", "x.wav", "--hop", "-1"], "more than zero"),
        (["export", "nothing"], "no run"),
        (["export", "--output", ""], "the output has no name"),
        (["runs", "report", "--output", "-", "last"], "does not go to stdout"),
        (["benchmark", "--output", "/"], "/ is a folder. Name a file in it"),
        (["doctor", "--output", "/"], "/ is a folder. Name a file in it"),
        (["classify", "x.wav", "--format", "csv", "--output", "x.wav"], "has the name of a sound file"),
        (["datasets", "check", "nothing"], "there is no data set"),
        (["datasets", "check", "nothing", "--audio.sample_rate=-1"], "is not 1 or more"),
        (["datasets", "demo", "--seed=-1"], "not a whole number from 0 to"),
        (["datasets", "split", "nothing", "--seed", "4294967296"], "not a whole number from 0 to"),
        (["evaluate", "--batch-size", "0"], "is not 1 or more"),
        (["search", "--cores", "0"], "is not 1 or more"),
        (["datasets", "import", "/no/such/folder"], "/no/such/folder"),
    ],
)
def test_mistakes_take_one_line(workspace: Workspace, labcore: Labcore, words: list[str], named: str) -> None:
    told = labcore(*words)
    assert (told.status, told.out) == (2, "")
    assert named in told.err
    assert len(told.err.splitlines()) == 1
    assert list(workspace.runs.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"optim": {"epochs": -3}}', '{"optim": {"epoch": 3}}', "\ufeff"])
def test_unreadable_configurations(workspace: Workspace, labcore: Labcore, tmp_path: Path, content: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    told = labcore("train", "--config", file)
    assert told.status == 2
    assert "mine.json" in told.err


@pytest.mark.parametrize(
    ("raised", "status"),
    [(LabError("a\nb"), 2), (WorkspaceError("full"), 1), (KeyboardInterrupt(), 130), (BrokenPipeError(), 141)],
)
def test_exit_statuses(
    workspace: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int
) -> None:
    def fail(_: object) -> int:
        raise raised

    monkeypatch.setattr("labcore.cli.runs.run", fail)
    monkeypatch.setattr("labcore.cli.main.mute_stdout", lambda: None)
    told = labcore("runs", "list")
    assert told.status == status
    assert len(told.err.splitlines()) <= 1


def test_reader_that_goes_away(workspace: Workspace, start: Callable[..., subprocess.Popen[str]]) -> None:
    for _ in range(3):
        Run.create(workspace, RunConfig())
    reading, writing = os.pipe()
    os.close(reading)
    process = start("runs", "list", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("words", [["runs", "list"], ["runs", "list", "--json"]])
def test_a_full_disk_behind_stdout_is_an_error_in_one_line(
    workspace: Workspace, start: Callable[..., subprocess.Popen[str]], words: list[str]
) -> None:
    Run.create(workspace, RunConfig())
    with Path("/dev/full").open("w") as full:
        process = start(*words, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("labcore: stdout cannot be written: No space left on device. ")
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_work_goes_on_where_its_json_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        monkeypatch.setattr("labcore.cli.output.mute_stdout", lambda: None)
        lines = JsonLines(True)
        lines.put({"epoch": 1})
        lines.put({"epoch": 2})
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
    assert not lines.wanted
    assert capfd.readouterr().err.count("No space left on device") == 1


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["runs", "list"], "train"), (["datasets", "list"], "datasets demo"), (["crossval", "--list"], "crossval"),
        (["search", "--list"], "search"), (["curve", "--list"], "curve"), (["benchmark", "--list"], "benchmark"),
        (["jobs", "list"], ""), (["noise", "--list"], ""), (["robustness", "--list"], ""), (["alarms", "--list"], ""),
    ],
)  # fmt: skip
def test_an_empty_list_tells_the_workspace(workspace: Workspace, labcore: Labcore, words: list[str], made: str) -> None:
    told = labcore(*words)
    assert (told.status, told.out) == (0, "")
    assert f" in {workspace.home}" in told.err
    assert told.err.endswith(f"; `labcore {made}` makes one\n") == bool(made)
    assert labcore(*words, "--json").out == ""


def test_words() -> None:
    assert [duration(seconds) for seconds in (0, 61.4, 3599.6, 3725)] == ["0:00", "1:01", "1:00:00", "1:02:05"]


MOMENTS = ("labcore.cli.main", "argparse", "labcore.cli.runs", "labcore.jobs.manager", "exit")


def test_ctrl_c_ends_without_a_traceback_while_modules_load_and_at_the_end(tmp_path: Path) -> None:
    script = f"""
import atexit, os, signal, sys

class Press:
    def find_spec(self, name, *more):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Press())
sys.argv = ["labcore", "runs", "list"]
for moment in {MOMENTS!r}:
    if child := os.fork():
        print(moment, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    if moment == "exit":
        atexit.register(os.kill, os.getpid(), signal.SIGINT)
    from labcore.__main__ import command
    sys.exit(command())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LABCORE_HOME": str(tmp_path)},
    )
    assert [line for line in done.stdout.splitlines() if line.startswith(MOMENTS)] == [
        f"{each} 130" for each in MOMENTS
    ]
    assert done.stderr.count("labcore: interrupted\n") == len(MOMENTS)
    assert done.stderr.endswith("labcore: interrupted\n")
    assert "Traceback" not in done.stderr


def test_the_command_is_the_one_of_the_package() -> None:
    (script,) = (line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("labcore = "))
    module, _, function = script.split('"')[1].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_nothing_stumbles_over_an_encoding(tmp_path: Path) -> None:
    bad, encodings = os.fsdecode(b"M\x84dchen \xe7\x8a\xac.wav"), ("ascii", "latin-1", "utf-8")
    script = f"""
import sys
from labcore.cli.main import main
from labcore.cli.output import emit, emit_json, say
for encoding in {encodings!r}:
    for stream in (sys.stdout, sys.stderr):  # as PYTHONIOENCODING=ascii:strict makes them
        stream.reconfigure(encoding=encoding, errors="strict")
    for words in (["--help"], ["train", "--help"], ["classify", "--help"], ["runs", "show", {bad!r}], [{bad!r}]):
        try:
            main(words)
        except SystemExit:
            pass
    emit({bad!r}), emit_json({{"file": {bad!r}}}), say({bad!r})
    print("end of", encoding, flush=True)
"""
    environment = os.environ | {"LABCORE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, env=environment)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    text = done.stdout
    for encoding in encodings:
        part, _, text = text.partition(f"end of {encoding}\n".encode())
        assert os.fsencode(json.loads(part.decode(encoding).splitlines()[-1])["file"]) == os.fsencode(bad)
