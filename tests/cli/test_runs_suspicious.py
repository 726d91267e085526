"""`labcore runs suspicious`, with predictions that the test makes up."""

from __future__ import annotations

import csv
import io

import pytest

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.datasets.record import Clip, ClipRecord
from labcore.workspace import Workspace
from tests.judged import LABELS, finished_run, judged, sure

TRUTH = [LABELS[number % 3] for number in range(12)]
GIVEN = ["owl", *TRUTH[1:3], "owl", *TRUTH[4:]]
"""The cats 0 and 3 of one recording are labelled as owls."""
GROUPS = ["=1+1", "b", "c", "=1+1", *map(str, range(8))]


@pytest.fixture
def run(workspace: Workspace):
    return finished_run(workspace, judged(GIVEN, sure(TRUTH), groups=GROUPS))


def test_a_recording_is_a_line(run, labcore):
    told = labcore("runs", "suspicious", run.id)
    assert told.status == 0
    (line,) = [line.split() for line in told.out.splitlines() if "=1+1" in line]
    assert line == ["15.0", "%", "=1+1", "owl", "cat", "2", "2"]
    assert len(told.out.splitlines()) == 2
    (facts,) = labcore("runs", "suspicious", run.id, "--json").lines
    assert (facts["recording"], facts["label"], facts["suggested"], facts["quality"]) == ("=1+1", "owl", "cat", 0.15)
    assert [clip["clip"] for clip in facts["clips"]] == ["0.wav", "3.wav"]
    assert facts["clips"][0]["p_label"] == pytest.approx(0.1)
    assert len(labcore("runs", "suspicious", run.id, "--json", "--all").lines) == 11


def test_labels_that_could_not_be_learnt_are_left_out(run, labcore):
    clips = [Clip("0.wav", 1, "owl", 0.0, None, "held out"), Clip("x.wav", 1, "cat", 0.0, None, "train")]
    ClipRecord("/data", "/data", tuple(LABELS), tuple(clips)).save(run)
    told = labcore("runs", "suspicious", run.id)
    assert (told.status, told.out) == (0, "")
    assert "without clips of owl: the network that held them out was trained on none" in told.err


def test_csv_has_a_line_a_clip_that_a_spreadsheet_opens(run, labcore, tmp_path):
    rows = list(csv.DictReader(io.StringIO(labcore("runs", "suspicious", run.id, "--csv").out)))
    assert [row["clip"] for row in rows] == ["0.wav", "3.wav"]
    assert rows[0]["recording"] == "'=1+1"
    assert (rows[0]["suggested"], rows[0]["p_label"]) == ("cat", "0.1")
    told = labcore("runs", "suspicious", run.id, "--csv", tmp_path / "found.csv")
    assert (told.out, told.err.strip()) == ("", f"2 clips written to {tmp_path / 'found.csv'}")
    assert (tmp_path / "found.csv").read_text() == labcore("runs", "suspicious", run.id, "--csv").out


def test_the_clips_of_all_folds_of_a_cross_validation(workspace, class_folders, labcore):
    config = RunConfig().replace({"data.dataset": str(class_folders)})
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"], queued=False)
    told = labcore("runs", "suspicious", experiment.id)
    assert told.status == 2
    assert "no fold of cross-validation" in told.err
    for (fold, run), label in zip(experiment.members().items(), ("owl", "cat"), strict=True):
        other = finished_run(workspace, judged(["dog", label, "dog"], sure(["dog", "dog", "dog"]), fold=fold))
        other.predictions.rename(run.predictions)
    lines = labcore("runs", "suspicious", experiment.id, "--json").lines
    assert {(line["label"], line["clips"][0]["fold"]) for line in lines} == {("owl", "1"), ("cat", "2")}


def test_nothing_looks_wrong(workspace, labcore):
    run = finished_run(workspace, judged(TRUTH, sure(TRUTH)))
    told = labcore("runs", "suspicious", run.id)
    assert (told.status, told.out) == (0, "")
    assert "no label of 12 clips looks wrong" in told.err
    run.predictions.unlink()
    assert "has no predictions" in labcore("runs", "suspicious", run.id).err
