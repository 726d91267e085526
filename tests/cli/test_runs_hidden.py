"""`labcore runs hidden`: what it shows of a test that was made, and what it refuses before it trains anything."""

import pytest

from tests.hiding import hidden_test
from tests.judged import drawn, finished_run


@pytest.fixture
def run(workspace):
    return finished_run(workspace, drawn(8))


def test_the_results_of_the_newest_test(run, labcore):
    told = labcore("runs", "hidden", run.id, "--show")
    assert told.status == 2
    assert "no class of run" in told.err
    hidden_test(run, {"cat": 0.6}, moment=9e8)
    test = hidden_test(run, {"dog": 0.9, "owl": 0.5})
    out = labcore("runs", "hidden", run.id, "--show").out
    assert [line.split()[:2] for line in out.splitlines() if "dog " in line or "owl " in line] == [
        ["dog", "0.900"],
        ["owl", "0.500"],
    ]
    assert "0.800 to 0.950" in out
    assert "cat 2, owl 1" in out
    assert "mean over 2 classes: AUROC 0.700, noticed 25.0 % where 5.0 % of known clips may be refused" in out
    (facts,) = labcore("runs", "hidden", run.id, "--show", "--json").lines
    assert (facts["hidden_id"], facts["run_id"], facts["state"], facts["mean_auroc"]) == (
        test.id,
        run.id,
        "finished",
        0.7,
    )
    assert [each["label"] for each in facts["classes"]] == ["dog", "owl"]
    assert facts["classes"][0]["noticed"] == 0.25
    listed = labcore("runs", "list").out
    assert test.id in listed


def test_what_cannot_be_done_is_told(run, labcore, make_classifier):
    told = labcore("runs", "hidden", run.id)
    assert (told.status, "has no weights yet" in told.err) == (2, True)
    make_classifier().save(run.weights)
    told = labcore("runs", "hidden", run.id)
    assert (told.status, "there is no data set 'made'" in told.err) == (2, True)
    assert labcore("runs", "hidden", run.id, "--refuse", "2").status == 2
