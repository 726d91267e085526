"""Training from Python, and what a run shows of itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import labcore as lab
from labcore.config import RunConfig
from labcore.errors import ConfigError, DatasetError, DeviceError, RunError
from labcore.events import RunFinished
from labcore.face.run import wanted_config
from labcore.face.telling import error_of, first_interrupt
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.face.conftest import TINY


def test_a_run_is_one_of_the_workspace(run: lab.TrainingRun) -> None:
    assert run.state == "finished"
    assert run.path.parent.parent == run.workspace.home
    assert run.config.value("optim.epochs") == 4
    assert run.config.value("data.fold") == "1"
    assert lab.load_run("last").path == lab.load_run(run.id[:15]).path == Run(run.path).path
    with pytest.raises(RunError, match="no run 'nothing'"):
        lab.load_run("nothing")


def test_result_and_history(run: lab.TrainingRun) -> None:
    result = run.result
    assert result.fold == "1"
    assert result.clips == 4
    low, high = result.interval
    assert 0 <= low <= result.accuracy <= high <= 1
    assert f"accuracy {100 * result.accuracy:.1f} %" in repr(result)
    assert "on the 4 clips of fold 1" in repr(result)
    assert "<table" in result._repr_html_()
    assert list(run.history.index) == [1, 2, 3, 4]
    assert {"train_loss", "val_accuracy"} <= set(run.history)
    assert run.history["joules"].dtype == run.history["val_mean_ap"].dtype == float  # unknown of every epoch here
    assert run.history["evaluated"].dtype == bool
    assert "epochs 4 of 4" in repr(run)
    assert "<table" in run._repr_html_()


def test_in_a_terminal_the_curves_are_a_page_and_its_place_is_told(
    run: lab.TrainingRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run.plot()
    page = Path(capsys.readouterr().out.removeprefix("curves: ").strip())
    assert page.is_relative_to(run.workspace.cache)
    assert run.id in page.read_text(encoding="utf-8")
    run.plot(tmp_path / "deep" / "curves.html")
    assert (tmp_path / "deep" / "curves.html").is_file()
    names = {trace.name for trace in run.figure().data}
    assert names == {"training", "validation"}


def test_in_a_notebook_they_are_shown(run: lab.TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr("labcore.face.run.in_notebook", lambda: True)
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda figure: shown.append(figure))
    run.plot()
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"epochz": 3}, "no setting 'epochz'.*Did you mean epochs"),
        ({"settings": {"optim.epoch": 3}}, r"no setting 'optim\.epoch'.*Did you mean optim\.epochs"),
        ({"epochs": "many"}, r"optim\.epochs: 'many' is not a whole number"),
        ({"epochs": 0}, r"optim\.epochs = 0"),
        ({"epochs": 3, "settings": {"optim.epochs": 4}}, "given twice"),
        ({"preset": "quick", "config": "config.json"}, "both a preset and a configuration"),
        ({"preset": "quik"}, "no preset 'quik'"),
        ({"preset": ["quick"]}, "no preset"),
        ({"learning_rate": 0.1}, "no setting 'learning_rate'.*Did you mean lr"),
        ({"dataset": "demo"}, r"two data sets are given. Name one: lab\.train\('demo', …\)"),
        ({"settings": ["epochs"]}, "settings are a list"),
        ({"settings": {3: 4}}, "no setting '3'"),
        ({"config": {"epochs": 3}}, "a configuration cannot be found by dict"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(data: lab.Dataset, given: dict[str, Any], what: str) -> None:
    before = len(Run.every(lab.load_run().workspace))
    with pytest.raises(ConfigError, match=what):
        lab.train(data, **given)
    assert len(Run.every(lab.load_run().workspace)) == before


@pytest.mark.parametrize(("given", "device"), [(torch.device("cuda", 1), "cuda:1"), ("cpu", "cpu"), (None, "auto")])
def test_a_device_may_be_torchs_own(data: lab.Dataset, given: object, device: str) -> None:
    assert wanted_config(data, None, None, None, {"device": given}).runtime.device == device


def test_none_leaves_a_setting_to_the_lab(data: lab.Dataset) -> None:
    """So a function of somebody's own can hand on what it was not given."""
    begin = RunConfig().replace({"runtime.seed": 7, "optim.lr": 0.5, "data.balance": "none"})
    made = wanted_config(data, None, begin, {"data.balance": None}, {"seed": None, "lr": None})
    assert (made.runtime.seed, made.data.balance, made.optim.lr) == (7, "none", None)


def test_it_starts_from_another_run(data: lab.Dataset, run: lab.TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[lab.TrainingRun] = []
    monkeypatch.setattr(lab.TrainingRun, "follow", lambda self: made.append(self) or self)
    for config in (run, run.config, run.path, run.path / "config.json"):
        lab.train(data, config=config, seed=7)
    for each in made:
        assert (each.config.model.name, each.config.optim.epochs, each.config.runtime.seed) == ("small_cnn", 4, 7)
        each.delete()


def test_values_of_numpy_and_paths_are_taken(
    data: lab.Dataset, run: lab.TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.TrainingRun, "follow", lambda self: self)
    made = lab.train(data, fold=np.int64(2), epochs=np.int64(3), settings={"model.pretrained": run.path, **TINY})
    assert (made.config.data.fold, made.config.optim.epochs, made.config.model.pretrained) == ("2", 3, str(run.path))
    made.delete()


def test_where_a_worker_has_to_take_it_up_and_there_is_none_that_is_told(
    data: lab.Dataset, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABCORE_WORKER", "external")
    monkeypatch.setattr("labcore.face.run.watch", lambda *given: iter(()))
    made = lab.train(data, fold="1", epochs=3, settings=TINY)
    assert "no worker is running" in "".join(capfd.readouterr())
    made.delete()


def test_names_of_runs(run: lab.TrainingRun) -> None:
    assert lab.load_run(run) == lab.load_run(Run(run.path)) == run
    for nothing in (None, 5):
        with pytest.raises(ConfigError, match="a run cannot be found by"):
            lab.load_run(nothing)  # type: ignore[arg-type]


def test_curves_are_a_page_and_no_picture(run: lab.TrainingRun, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"curves\.png names none\. Name a file that ends with \.html"):
        run.plot(tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


def test_other_mistakes(data: lab.Dataset, run: lab.TrainingRun) -> None:
    with pytest.raises(ConfigError, match=r'fold="1" holds that fold out'):
        lab.train(data.fold("1"))
    with pytest.raises(DatasetError, match="no data set"):
        lab.train("tonez")
    with pytest.raises(ConfigError, match="a data set cannot be found by DataFrame"):
        lab.train(data.table)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="no fold '9'"):
        lab.train(data, fold=9)
    with pytest.raises(RunError, match="finished"):
        run.resume()


def test_what_a_run_failed_on_is_raised() -> None:
    end = RunFinished(state="failed", error="no GPU", remedy="Take the CPU", details={"kind": "DeviceError"})
    assert isinstance(error_of(end), DeviceError)
    for kind in ("ZeroDivisionError", "WorkerError", "annotations"):
        assert type(error_of(end.model_copy(update={"details": {"kind": kind}}))) is RunError


def test_a_run_without_a_result_says_how_to_go_on(run: lab.TrainingRun, tmp_path: Path) -> None:
    made = lab.TrainingRun.create(Workspace(tmp_path), run.config)
    for missing in (lambda: made.result, lambda: made.model, made.plot):
        with pytest.raises(RunError, match=r"resume\(\) goes on"):
            missing()
    assert made.history.empty
    assert list(made.history) == list(run.history)


def test_the_first_interrupt_is_noted_and_the_second_raised() -> None:
    with first_interrupt() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert interrupted.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_ctrl_c_stops_with_a_checkpoint_and_resume_goes_on(tones: Path, tmp_path: Path) -> None:
    """In a script of its own, the training in a process of its own."""
    script = (
        "import labcore as lab\n"
        f"run = lab.train({str(tones)!r}, fold=1, epochs=400, settings={TINY!r})\n"
        "print('now', run.state, run.epochs_done > 0, run.checkpoint.is_file(), flush=True)\n"
    )
    environment = os.environ | {"LABCORE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "epoch" not in (line := process.stderr.readline()):
            assert line, "it ended before the first epoch"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert "now stopped True True" in out
    assert "stopping after this batch" in err
    assert "resume() goes on with it" in out
