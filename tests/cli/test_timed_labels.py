"""``labcore datasets labels``, and training on recordings with time-stamped annotations."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from labcore.datasets.record import ClipRecord
from labcore.datasets.resuming import dataset_of, find_again
from labcore.datasets.timed.edits import edit_event
from labcore.runs import list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
RATE = 8000


@pytest.fixture
def night(tones: Path, tmp_path: Path) -> Path:
    """Four recordings of six seconds with a low and a high tone each, and Raven's tables; one row names a recording that is not there."""
    root = tmp_path / "night"
    root.mkdir()
    for n in range(4):
        sound = 1e-4 * np.random.default_rng(n).standard_normal(6 * RATE)
        rows = []
        for at, label in ((1.0, "low"), (4.0, "high")):
            clip = soundfile.read(tones / label / f"{label}{n}.wav")[0]
            sound[round(at * RATE) : round(at * RATE) + len(clip)] += clip
            rows.append(f"{len(rows) + 1}\\t{at}\\t{at + 0.2}\\t{label}\\n".replace("\\t", "\t").replace("\\n", "\n"))
        soundfile.write(root / f"rec{n}.wav", sound, RATE)
        text = "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation\n" + "".join(rows)
        (root / f"rec{n}.Table.1.selections.txt").write_text(text)
    (root / "gone.txt").write_text("1.0\t2.0\tlow\n")
    return root


def test_what_becomes_of_labels(
    workspace: Workspace, labcore: Labcore, night: Path, tones: Path, tmp_path: Path
) -> None:
    windows = ("--data.windows", "grid", "--data.window_seconds", "0.5")
    told = labcore("datasets", "labels", night, *windows)
    assert told.status == 0
    assert "9 labels in 5 files of annotations, 8 clips" in told.out
    assert "gone.txt line 1" in told.out
    (facts,) = labcore("datasets", "labels", night, *windows, "--json").lines
    assert facts["window_seconds"] == 0.5
    assert facts["labels"][1] == {
        "label": "low",
        "labels": 5,
        "used": 4,
        "merged": 0,
        "dropped": 1,
        "seconds": 0.8,
        "clips": 4,
    }
    assert labcore("datasets", "labels", night, "--csv", tmp_path / "l.csv").status == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "l.csv").read_text())))
    assert [row["outcome"] for row in rows] == ["dropped", *["used"] * 8]
    assert labcore("datasets", "labels", night, "--csv", "-").out == (tmp_path / "l.csv").read_text()
    told = labcore("datasets", "labels", tones)
    assert (told.status, "no time-stamped annotations. Look at it with" in told.err) == (2, True)
    (night / "rows.csv").write_text("path,label,start,end\nrec0.wav,low,1,2\nrec1.wav,high,1,2\n")
    told = labcore("datasets", "labels", night / "rows.csv")
    assert (told.status, "save it with tabs and the columns filename, onset, offset" in told.err) == (2, True)
    (night / "rows.csv").unlink()
    told = labcore("datasets", "labels", night, "--data.label_column", "Nothing")
    assert told.status == 2
    assert "has no 'Nothing' for the labels; it has: Selection, Begin Time (s), End Time (s), Annotation" in told.err
    for table in night.glob("rec*.txt"):
        table.write_text(table.read_text().replace("high", "low"))
    told = labcore("datasets", "labels", night)  # one class is shown, and only a training refuses it
    assert (told.status, "A classifier needs two" in told.out) == (0, True)
    (health,) = labcore("datasets", "check", night, "--data.annotations", "complete", "--json").lines
    assert set(health["counts"]) == {"low", "background"}


def test_a_training_on_annotated_recordings(
    workspace: Workspace, labcore: Labcore, night: Path, tiny: tuple[str, ...]
) -> None:
    told = labcore("train", "--dataset", night, "--epochs", "1", "--data.annotations", "complete", *tiny)
    assert told.status == 0, told.err
    (run,) = list_runs(workspace)
    assert run.load("labels") == ["background", "high", "low"]
    assert (
        run.config.data.window_seconds == 0.2
    )  # the clip length, and kept: a resume and an evaluation cut the same clips
    known = ClipRecord.load(run)
    for dataset in (find_again(run, workspace, str(night), run.config.cutting), dataset_of(run, workspace, str(night))):
        assert len(dataset.table) == 16
        assert known is not None
        assert known.changes_to(ClipRecord.of(dataset, dataset.table), whole=False) == ""
    other = find_again(run, workspace, str(night))
    assert set(other.table["label"]) == {"low", "high"}


def test_a_training_with_a_named_split_of_annotated_recordings(
    workspace: Workspace, labcore: Labcore, night: Path, tiny: tuple[str, ...]
) -> None:
    soundfile.write(night / "rec0.wav", np.zeros(6 * RATE), RATE)
    labcore("datasets", "import", night, "--name", "night")
    windows = ("--data.windows", "grid", "--data.window_seconds", "0.5")
    assert labcore("datasets", "check", "night", *windows).status == 0
    told = labcore("datasets", "mend", "night")
    assert (told.status, "Check it, with the same flags for windows" in told.err) == (2, True)
    assert labcore("datasets", "mend", "night", "silent", *windows).status == 0
    told = labcore("datasets", "labels", "night", *windows).out
    assert "8 clips, 2 of them left out" in told
    rows = told.partition("  clips\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows] == ["high", "low"], "and none without a name"
    told = labcore("datasets", "mend", "night", *windows)
    assert "2 clips" in told.out.partition("mended: ")[2]
    assert labcore("datasets", "mend", "night", "silent", "--undo").status == 0
    told = labcore("datasets", "split", "night", "--by", "{place:3}{n}", "--folds", "2", "--as", "halves")
    assert told.status == 0, told.err
    told = labcore("train", "--dataset", "night", "--named-split", "halves", "--epochs", "1",
                   "--data.annotations", "complete", *tiny)  # fmt: skip
    assert told.status == 0, told.err
    (run,) = list_runs(workspace)
    dataset = dataset_of(run, workspace, "night")
    assert (dataset.folds, set(dataset.table["label"])) == (["1", "2"], {"background", "high", "low"})


def test_edited_events_are_written_and_taken_back(labcore, workspace, night, tmp_path):
    assert labcore("datasets", "import", night, "--name", "nights").status == 0
    recording = next(night.glob("*.wav"))
    edit_event(workspace, "nights", night, str(recording), "add", who="ann", start_s=0.5, end_s=0.75, label="wolf")
    assert "wolf, 0.5 to 0.75 s, added in" in labcore("datasets", "labels", "nights").out
    (facts,) = labcore("datasets", "labels", "nights", "--json").lines
    assert [edit["label"] for edit in facts["edits"]] == ["wolf"]
    combined = labcore("datasets", "labels", "nights", "--write", "raven", "--combined")
    assert "\twolf" in combined.out
    lost = (
        "1 label not written: no such recording (no recording is named like it, and it names none; 1); keep what they"
    )
    assert f"warning: {lost} stand in: gone.txt line 1\n" in combined.err
    assert labcore("datasets", "labels", "nights", "--write", "audacity", "-o", tmp_path / "out").status == 0
    assert "0.500000\t0.750000\twolf" in (tmp_path / "out" / f"{recording.name}.labels.txt").read_text()
    for wrong in (
        ["--write", "raven"],
        ["--write", "audacity", "--combined"],
        ["--undo", "no"],
        ["--undo", facts["edits"][0]["id"]],
    ):
        assert labcore("datasets", "labels", "nights", *wrong).status in (1, 2)
    told = labcore("datasets", "labels", "nights", "--undo", facts["edits"][0]["id"], "--anyone")
    assert told.out.startswith("taken back: wolf")
    assert "wolf" not in labcore("datasets", "labels", "nights").out


def test_folds_of_windows_keep_recordings_together(workspace: Workspace, labcore: Labcore, night: Path) -> None:
    labcore("datasets", "import", night, "--name", "night")
    windows = ("--data.windows", "grid", "--data.window_seconds", "0.5", "--data.annotations", "complete")
    told = labcore("datasets", "split", "night", "--by", "source", "--folds", "2", "--as", "halves", *windows)
    assert told.status == 0, told.err
    assert "background" in told.out  # a class of these windows alone
    (facts,) = labcore("datasets", "split", "night", "--show", "halves", "--json", *windows).lines
    assert len(facts["groups"]) == 4
    assert all(len(folds) == 1 for folds in facts["groups"].values())
    (other,) = labcore("datasets", "split", "night", "--show", "halves", "--json").lines
    assert {group: list(folds) for group, folds in other["groups"].items()} == {
        group: list(folds) for group, folds in facts["groups"].items()
    }
