"""``labcore search`` with make-believe training; one real training in a worker of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.runs import Run, list_runs
from labcore.search.folder import Search
from labcore.training.job import working
from tests.by_path import module_at

FAKE = Path(__file__).parents[1] / "search" / "fake_training.py"
SMALL = ("--model", "small_cnn", "--epochs", "4", "--optim.clip_norm", "1", "--device", "cpu")


@pytest.fixture
def fake(monkeypatch):
    """Runs are trained in make-believe, in threads of this process."""
    module = module_at(FAKE)
    executor = partial(ThreadChild, doing=working(module.train))
    monkeypatch.setattr("labcore.search.driver.JobManager", lambda workspace: JobManager(workspace, executor, 0.01))
    monkeypatch.setattr("labcore.search.driver.POLL_SECONDS", 0.01)
    return module


def test_it_searches_lists_shows_and_goes_on(labcore, workspace, urbansound, fake):
    done = labcore(
        "search",
        "--dataset",
        urbansound,
        "--trials",
        "3",
        "--no-pruning",
        "--vary",
        "lr=0.01:0.3:log",
        *SMALL,
        "--fold",
        "2",
    )
    assert done.status == 0, done.err
    (search,) = Search.every(workspace)
    assert done.out.strip() == search.id
    assert "validated on fold 3; no trial uses test fold 2" in done.err
    assert "best: trial" in done.err
    assert {run.config.data.leave_out for run in list_runs(workspace)} == {"2"}
    assert labcore("search", "--list").out.split()[6:10] == [search.id, "finished", "3/3", done_value(search)]
    shown = labcore("search", "--show", "last").out
    assert "optim.lr=" in shown
    assert f"--final {search.id}" in shown
    assert "Best of 3 trials on the same clips, so it is optimistic." in shown
    head, *trials = labcore("search", "--show", search.id, "--json").lines
    assert (head["done"], head["test_fold"], head["validation"]) == (3, "2", "3")
    assert [trial["epochs"] for trial in trials] == [4, 4, 4]
    assert head["best"]["run_id"] in {trial["run_id"] for trial in trials}
    refused = labcore("search", "--resume", "last")
    assert refused.status == 2
    assert "finished after 3 trials" in refused.err
    more = labcore("search", "--resume", "last", "--trials", "4", "--json")
    assert more.status == 0
    assert [line["type"] for line in more.lines if line["type"] != "trial_progress"] == [
        "search_started", "trial_started", "trial_ended", "search_finished",
    ]  # fmt: skip


def done_value(search) -> str:
    return f"{100 * search.report().best.value:.1f}"


def test_the_best_is_trained_once_with_the_reported_fold(labcore, workspace, urbansound, fake, monkeypatch):
    assert labcore("search", "--dataset", urbansound, "--trials", "1", "--vary", "dropout", *SMALL).status == 0
    monkeypatch.setattr("labcore.training.loop.train", fake.train)
    final = labcore("search", "--final", "last")
    assert final.status == 0, final.err
    run = Run.open(workspace, final.out.strip())
    assert (run.config.data.fold, run.config.data.leave_out) == ("1", None)
    again = labcore("search", "--final", "last")
    assert again.status == 2
    assert "trained only once" in again.err


def test_ctrl_c_stops_it_and_says_how_to_go_on(labcore, workspace, urbansound, fake):
    def interrupt() -> None:
        while not any(run.status().epoch for run in list_runs(workspace)):
            pass
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    stopped = labcore(
        "search", "--dataset", urbansound, "--vary", "dropout", *SMALL, "--optim.clip_norm", "50", "--epochs", "40"
    )
    assert stopped.status == 130
    (search,) = Search.every(workspace)
    assert f"--resume {search.id}` continues it" in stopped.err
    assert search.report().state == "stopped"
    assert [run.status().state for run in list_runs(workspace)] == ["stopped"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--vary", "optim.lrr"), "no setting 'optim.lrr'"),
        (("--vary", "dropout=0.5:0.1"), "not below"),
        (("--vary", "dropout=0:0.5:log"), "above 0"),
        (("--vary", "runtime.seed=1,2"), "cannot be varied"),
        (("--trials", "0"), "0 trials"),
        (("--trials", "many"), "invalid int"),
        (("--fold", "9"), "no fold '9'"),
        (("--data.leave_out", "2"), "excluded fold itself"),
        (("--data.split", "random"), "leaks"),
        (("--dataset", "/no/such/place"), "no"),
        (("--show", "nothing"), "no search 'nothing'"),
        (("--resume", "last"), "no search 'last'"),
        (("--list", "--show", "x"), "not allowed"),
        (("--vari", "x"), "did you mean --vary"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(labcore, workspace, urbansound, words, told):
    given = () if "--dataset" in words else ("--dataset", urbansound)
    answer = labcore("search", *given, *words)
    assert answer.status == 2
    assert told in answer.err
    assert "Traceback" not in answer.err
    assert list_runs(workspace) == []


def test_flags_of_the_recipe_are_refused_where_a_search_goes_on(labcore, workspace, urbansound, fake):
    assert labcore("search", "--dataset", urbansound, "--trials", "1", "--vary", "dropout", *SMALL).status == 0
    for given in (["--epochs", "9"], ["--objective", "loss"], ["--no-pruning"], ["--search-seed", "3"]):
        answer = labcore("search", "--resume", "last", "--trials", "2", *given)
        assert answer.status == 2
        assert "keeps its settings" in answer.err


@pytest.mark.slow
def test_a_real_search_in_processes_of_their_own(workspace, urbansound):
    words = [
        "search",
        "--dataset",
        urbansound,
        "--trials",
        "2",
        "--vary",
        "lr=0.01,0.02",
        "--epochs",
        "2",
        "--model",
        "small_cnn",
    ]
    command = [
        sys.executable,
        "-m",
        "labcore",
        *map(str, words),
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--batch-size",
        "4",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (search,) = Search.every(workspace)
    assert [trial.state for trial in search.report().trials] == ["finished", "finished"]
