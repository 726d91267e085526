"""A workspace that an earlier version left (tests/recorded) opens, lists, goes on and can be emptied."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from labcore.cli.main import main
from labcore.training import pipeline
from tests.recorded.make import HERE, make_clips


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the recorded workspace; its clips lie at another place than when it was recorded."""
    place = tmp_path / "workspace"
    shutil.copytree(HERE / "workspace", place)
    for run in place.glob("runs/*"):
        (run / "checkpoints").mkdir(exist_ok=True)  # git keeps no empty folder
    make_clips(tmp_path / "moved" / "tones")
    monkeypatch.setenv("LABCORE_HOME", str(place))
    monkeypatch.setenv("LABCORE_USER", "ada")
    return place


@pytest.fixture
def lab(capsys: pytest.CaptureFixture[str]):
    """``lab("runs", "list", "--json")`` → the lines of JSON on stdout."""

    def run(*words: str) -> list[dict[str, Any]]:
        assert main(list(words)) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def run_in_state(home: Path, state: str) -> str:
    """The run of no search and no cross-validation that is in a state."""
    for events in sorted(home.glob("runs/*/events.jsonl")):
        last = json.loads(events.read_text().splitlines()[-1])
        checkpoint, weights = events.parent / "checkpoints" / "last.pt", events.parent / "weights.safetensors"
        if last["state"] == state and (checkpoint if state == "stopped" else weights).exists():
            return events.parent.name
    raise AssertionError(state)


def test_everything_is_listed(home: Path, lab) -> None:
    runs = lab("runs", "list", "--json")
    assert sorted(run["state"] for run in runs) == ["finished"] * 3 + ["stopped"] * 2
    assert {run["by"] for run in runs} == {"ada"}
    assert [each["state"] for each in lab("crossval", "--list", "--json")] == ["stopped"]
    assert [each["state"] for each in lab("search", "--list", "--json")] == ["stopped"]
    (report,) = lab("benchmark", "--list", "--json")
    assert (report["state"], report["by"], report["figures"]) == ("finished", "ada", 1)


def test_the_finished_run_is_used(home: Path, lab, tmp_path: Path) -> None:
    clip = tmp_path / "moved" / "tones" / "high" / "00.wav"
    (answer,) = lab("classify", "--run", run_in_state(home, "finished"), str(clip), "--json")
    assert set(answer["probabilities"]) == {"high", "low"}


def test_the_stopped_run_reaches_what_it_would_have_reached(
    home: Path, lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        pipeline, "shift_share", lambda seconds, f_max: 1.0
    )  # short clips were shifted as far as long ones
    told = lab("resume", run_in_state(home, "stopped"), "--dataset", str(tmp_path / "moved" / "tones"), "--json")
    reached = {event["epoch"]: event for event in told if event["type"] == "epoch"}
    expected = json.loads((HERE / "expected.json").read_text())
    for event in (each for each in expected if each["type"] == "epoch"):
        for figure in ("train_loss", "val_loss", "val_accuracy"):
            assert reached[event["epoch"]][figure] == pytest.approx(event[figure], abs=2e-3)
    (judged,) = (event for event in told if event["type"] == "evaluated")
    (whole,) = (event for event in expected if event["type"] == "evaluated")
    assert (judged["accuracy"], judged["confusion"]) == (whole["accuracy"], whole["confusion"])


def test_everything_can_be_removed(home: Path, lab) -> None:
    lab("runs", "delete", *(run["run_id"] for run in lab("runs", "list", "--json")), "--yes")
    assert lab("runs", "list", "--json") == []
    lab("jobs", "delete", *(report["id"] for report in lab("benchmark", "--list", "--json")), "--yes")
    assert lab("benchmark", "--list", "--json") == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["crossval", "search"])
def test_what_was_stopped_on_its_way_goes_on(home: Path, lab, tmp_path: Path, kind: str) -> None:
    lab(kind, "--resume", "last", "--dataset", str(tmp_path / "moved" / "tones"), "--json")
    (state,) = lab(kind, "--list", "--json")
    assert state["state"] == "finished"
