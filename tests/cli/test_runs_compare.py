"""`labcore runs compare`, `calibrate` and the figures of `show`, with predictions that the test makes up."""

from __future__ import annotations

import numpy as np
import pytest

from labcore import keeping
from labcore.inference.unknown import Unknown
from tests.judged import LABELS, drawn, finished_run, judged, sure

TRUTH = [LABELS[number % 3] for number in range(30)]


@pytest.fixture
def pair_of_runs(workspace):
    worse = [label if number % 2 else LABELS[number % 3 - 1] for number, label in enumerate(TRUTH)]
    one = finished_run(workspace, judged(TRUTH, sure(worse)))
    return one, finished_run(workspace, judged(TRUTH, sure(TRUTH)), {"optim.lr": 0.02})


def test_a_comparison_for_people_and_as_json(pair_of_runs, labcore):
    ids = [run.id for run in pair_of_runs]
    told = labcore("runs", "compare", *ids)
    assert told.status == 0
    assert "B is better by 50.0 points (33.3 to 70.0): this is hardly chance with 30 clips of 30 recordings" in told.out
    assert "optim.lr" in told.out
    assert "15 clips won by B, the first 10:" in told.out
    assert "lost by B" not in told.out
    (facts,) = labcore("runs", "compare", *ids, "--json").lines
    assert facts["settings"] == {"optim.lr": ["automatic", "0.02"]}
    assert len(facts["comparisons"][0]["won"]) == 15


def test_one_run_is_no_comparison(pair_of_runs, labcore):
    told = labcore("runs", "compare", pair_of_runs[0].id)
    assert told.status == 2
    assert "two runs at least" in told.err


def test_show_tells_all_figures(workspace, labcore):
    run = finished_run(workspace, drawn(60))
    out = labcore("runs", "show", run.id).out
    for word in ("balanced accuracy", "macro F1", "average precision", "AUROC", "calibration error"):
        assert word in out
    (facts,) = labcore("runs", "show", run.id, "--json").lines
    assert facts["figures"]["clips"] == 60
    run.predictions.write_bytes(b"junk")
    (facts,) = labcore("runs", "show", run.id, "--json").lines
    assert facts["figures"] is None


def test_a_run_without_clips_to_fit_on_is_told_so(workspace, labcore, make_classifier):
    run = finished_run(workspace, drawn(30))
    assert "has no weights yet" in labcore("runs", "calibrate", run.id).err
    make_classifier().save(run.weights)
    told = labcore("runs", "calibrate", run.id)
    assert told.status == 2
    assert "no clips to fit anything on" in told.err
    assert "has no temperature" in labcore("runs", "calibrate", run.id, "--off").err


def test_a_run_is_told_to_refuse_unknown_sounds(workspace, labcore, make_classifier):
    run = finished_run(workspace, drawn(30))
    assert "has no weights yet" in labcore("runs", "unknown", run.id).err
    make_classifier().save(run.weights)
    told = labcore("runs", "unknown", run.id)
    assert told.status == 2
    assert "no clips to fit anything on" in told.err
    assert "no threshold" in labcore("runs", "unknown", run.id, "--off").err
    keeping.keep(run, Unknown.of(np.ones((4, 2)), np.zeros((2, 2))).fitted(np.arange(30.0), 0.1, "30 clips"))
    (facts,) = labcore("runs", "unknown", run.id, "--off", "--json").lines
    assert (facts["on"], facts["refused"], facts["source"]) == (False, 0.1, "30 clips")
