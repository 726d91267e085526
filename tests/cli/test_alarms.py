"""``labcore alarms``: what it counts, keeps and excludes, and what it says of what cannot be heard."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from labcore.alarms.job import AlarmTest
from labcore.inference.thresholds import Thresholds
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]


@pytest.fixture
def run(trained: Workspace, workspace: Workspace) -> Run:
    """A run of its own, with predictions."""
    (found,) = [each for each in list_runs(trained) if each.weights.is_file()][:1]
    shutil.copytree(found.path, workspace.runs / found.id)
    return Run(workspace.runs / found.id)


@pytest.fixture
def background(tones: Path, tmp_path: Path) -> Path:
    """A recording of 6 s and one of 3 s, with a dead channel, that the network takes for tones, and a text."""
    root = tmp_path / "background"
    root.mkdir()
    parts = [soundfile.read(tones / kind / f"{kind}{n % 10}.wav")[0] for kind in ("low", "high") for n in range(15)]
    soundfile.write(root / "a.wav", np.concatenate(parts), 8000)
    mono = np.concatenate(parts[::2])
    soundfile.write(root / "b.wav", np.stack([mono, np.zeros_like(mono)], 1), 8000)
    (root / "bad.wav").write_text("no sound")
    return root


def test_alarms_are_counted_thresholds_kept_and_followed(run: Run, labcore: Labcore, background: Path) -> None:
    done = labcore("alarms", run.id, background, "--rate", 1200, "--json", "--device", "cpu")
    assert done.status == 1  # a file is bad
    assert "bad.wav is a text file" in done.err
    (told,) = done.lines
    assert (told["run"], told["recordings"], told["hours"]) == (run.id, 2, pytest.approx(9 / 3600))
    assert [each["file"] for each in told["skipped"]] == [str(background / "bad.wav")]
    (note,) = told["notes"]
    assert note.startswith(f"{background / 'b.wav'}: channel 2 ")
    assert told["least_rate"] == pytest.approx(3 / told["hours"], rel=0.01)
    assert told["alarms"] == sum(each["alarms"] for each in told["classes"]) <= 3
    assert {each["label"] for each in told["classes"]} == {"low", "high"}
    assert all(each["clips"] > 0 and each["recall"] for each in told["classes"])
    assert (told["kept"], Thresholds.of_file(run.weights)) == (False, None)

    for_people = labcore("alarms", run.id, "--rate", 1200, "--keep")
    assert (for_people.status, f"note: {note}" in for_people.err) == (1, True)
    kept = Thresholds.of_file(run.weights)
    assert kept is not None
    assert kept.values == {each["label"]: each["threshold"] for each in told["classes"]}
    files = [background / "a.wav", background / "b.wav"]
    events = [
        event for each in labcore("classify", *files, "--run", run.id, "--json").lines for event in each["events"]
    ]
    assert len(events) == told["alarms"]
    lines = labcore("classify", *files, "--run", run.id, "--json", "--threshold", 0).lines
    assert [event for each in lines for event in each["events"]] != events
    assert ": off; measured on 9 s in 2 recordings" in labcore("alarms", run.id, "--off").out
    assert labcore("alarms", run.id, "--on", "--json").lines[0]["on"] is True


def test_tables_for_people_and_what_is_excluded(run: Run, labcore: Labcore, background: Path) -> None:
    done = labcore("alarms", "--run", run.id, background / "a.wav", "--rate", 0, "--loudest", 3, "--device", "cpu")
    assert done.status == 0
    assert done.out.splitlines()[0].split() == [
        "class",
        "threshold",
        "alarms",
        "expected",
        "an",
        "hour",
        "95",
        "%",
        "interval",
        "recall",
    ]
    assert "in all" in done.out
    assert "A class without any alarm in that time gives fewer than" in done.err
    (before,) = labcore("alarms", run.id, "--json").lines
    (after,) = labcore("alarms", run.id, "--json", "--exclude", "a.wav", 0, 1.5).lines
    assert after["hours"] == pytest.approx(before["hours"] - 1.5 / 3600)
    assert before["loudest"][0]["start_s"] == 0.0
    assert min(each["start_s"] for each in after["loudest"]) >= 1.4
    assert after["excluded"][0]["file"] == str(background / "a.wav")
    (job,) = AlarmTest.every(run.workspace)
    assert job.id in labcore("alarms", "--list").out
    assert labcore("alarms", "--list", "--json").lines[0]["run"] == run.id
    assert job.id in labcore("jobs", "list").out


def test_what_cannot_be_done_is_told(run: Run, labcore: Labcore, background: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, why in (
        ((), "no run is named"),
        ((run.id,), "were not measured yet"),
        ((run.id, tmp_path / "empty"), "there are no sound files in"),
        ((run.id, background / "bad.wav"), "none of 1 recording can be listened to"),
        ((run.id, "--off"), "has no thresholds for false alarms"),
        ((run.id, "--rate", "-1"), "is not zero or more"),
        (("builtin", background, "--keep"), "the built-in network stays as it is"),
    ):
        done = labcore("alarms", *words)
        assert (done.status, why in done.err) == (2, True), done.err
    assert not AlarmTest.every(run.workspace)  # what cannot be done leaves nothing behind
    labcore("alarms", run.id, background / "a.wav", "--device", "cpu")
    for stretch, why in ((("c.wav", 0, 1), "c.wav is no recording"), (("a.wav", 2, 1), "2 to 1 is no stretch")):
        done = labcore("alarms", run.id, "--exclude", *stretch)
        assert (done.status, why in done.err) == (2, True), done.err


def test_weights_without_their_run_have_no_recall(run: Run, labcore: Labcore, background: Path, tmp_path: Path) -> None:
    shutil.copy(run.weights, tmp_path / "w.safetensors")
    done = labcore("alarms", tmp_path / "w.safetensors", background / "a.wav", "--device", "cpu")
    assert done.status == 0
    assert "no recall: weights without their run" in done.err
