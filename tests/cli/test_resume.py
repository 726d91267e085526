"""``resume`` where the data set has moved since."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.crossval.job import CrossValidation
from labcore.events import RunFinished
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.runs import Run, list_runs
from labcore.search.folder import Search
from labcore.search.settings import make_settings
from labcore.search.space import Range
from labcore.workspace import Workspace

Labcore = Callable[..., Any]


@pytest.fixture
def stopped(workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...], tmp_path: Path) -> Run:
    """A run that was stopped after an epoch, on a copy of the tones."""
    place = Path(shutil.copytree(tones, tmp_path / "tones"))
    assert labcore("train", "--dataset", place, "--epochs", 1, *tiny).status == 0
    (first,) = list_runs(workspace)
    run = Run.create(workspace, first.config.replace({"optim.epochs": 3}))
    work(run, lambda: len(run.epochs()) >= 1)
    return run


def test_the_new_place_is_named(stopped: Run, labcore: Labcore, tmp_path: Path) -> None:
    place, there = tmp_path / "tones", tmp_path / "there"
    place.rename(there)
    before = stopped.events()
    told = labcore("resume", stopped.id)
    assert told.status == 2
    assert f"was at {place}, with 20 clips" in told.err
    assert f"labcore resume {stopped.id} --dataset PATH" in told.err
    assert stopped.events() == before
    assert "stopped" in labcore("runs", "list").out

    (there / "low" / "low3.wav").rename(tmp_path / "aside.wav")
    told = labcore("resume", stopped.id, "--dataset", there)
    assert (told.status, stopped.events()) == (2, before)
    assert "low/low3.wav is not there" in told.err

    (tmp_path / "aside.wav").rename(there / "low" / "low3.wav")
    assert labcore("resume", stopped.id, "--dataset", there).status == 0
    assert stopped.status().state == "finished"


def test_data_that_changed_leave_it_stopped_and_are_bad_input(stopped: Run, labcore: Labcore, tmp_path: Path) -> None:
    clip = tmp_path / "tones" / "low" / "low3.wav"
    clip.write_bytes(clip.read_bytes() + b"\0\0")
    told = labcore("resume", stopped.id)
    assert told.status == 2
    assert "stopped after 1 epoch: the data set at" in told.err
    assert "low/low3.wav has" in told.err
    assert stopped.status().state == "stopped"
    assert "low/low3.wav has" in labcore("runs", "show", stopped.id).out


def test_a_cross_validation_and_a_search_go_on_at_another_place(
    workspace: Workspace,
    labcore: Labcore,
    tones: Path,
    tiny: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("labcore.search.driver.POLL_SECONDS", 0.02)
    for module in ("labcore.jobs.manager", "labcore.search.driver"):
        monkeypatch.setattr(f"{module}.JobManager", lambda workspace: JobManager(workspace, ThreadChild, 0.02))
    place, there = Path(shutil.copytree(tones, tmp_path / "tones")), tmp_path / "there"
    started = labcore("crossval", "--dataset", place, "--folds", 1, 2, "--epochs", 1, "--json", *tiny).lines[0]
    experiment = CrossValidation.open(workspace, started["experiment_id"])
    second = experiment.members()["2"]
    second.weights.unlink()
    second.append(RunFinished(state="stopped", epochs_done=1))
    searched = Search.create(
        workspace,
        make_settings(workspace, second.config.replace({"data.fold": None}), (Range("optim.lr", 0.01, 0.3),), trials=1),
    )
    place.rename(there)

    told = labcore("crossval", "--resume", experiment.id)
    assert (told.status, f"was at {place}" in told.err) == (2, True)
    assert second.status().state == "stopped"
    told = labcore("crossval", "--resume", experiment.id, "--dataset", there)
    assert told.status == 0, told.err
    assert second.status().state == "finished"
    assert experiment.config.data.dataset == str(there)

    assert labcore("search", "--resume", searched.id, "--dataset", tmp_path / "nowhere").status == 2
    assert labcore("search", "--resume", searched.id, "--dataset", there).status == 0
    assert searched.settings.config.data.dataset == str(there)
    assert searched.report().best is not None
