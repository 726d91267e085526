"""`labcore curve`: what it shows of a curve that was made, and what it refuses before it trains anything."""

from tests.curving import made_curve


def test_the_results_of_a_curve(workspace, labcore):
    assert "no learning curves yet" in labcore("curve", "--list").out + labcore("curve", "--list").err
    curve = made_curve(workspace, {"2/1": (4, 8), "5/1": (6, 4), "all/1": (16, 4)}, ("2", "5", "all"))
    out = labcore("curve", "--show", "last").out
    rows = [line.split() for line in out.splitlines() if line.strip().startswith(("2 ", "5 ", "all "))]
    assert [row[0] for row in rows] == ["2", "5", "all"]
    assert rows[0][1:6] == ["4", "9", "1/1", "20.0", "%"]
    assert "With 2 recordings per class the recipe is below the baseline on mel statistics" in out
    assert "the accuracy rose by 50.0 points" in out
    (facts,) = labcore("curve", "--show", curve.id, "--json").lines
    assert (facts["type"], facts["id"], facts["state"], len(facts["sizes"])) == (
        "learning_curve",
        curve.id,
        "finished",
        3,
    )
    assert facts["gain"]["larger"] == 16.0
    assert facts["sizes"][0]["below"]["mel"][0] < 0
    assert curve.id in labcore("curve", "--list").out
    assert curve.id in labcore("runs", "list").out
    assert curve.id in labcore("jobs", "list", "--kind", "curves").out


def test_what_cannot_be_done_is_told(labcore, tmp_path):
    told = labcore("curve", tmp_path / "gone")
    assert (told.status, "gone" in told.err) == (2, True)
    assert labcore("curve", "--samples", "x").status == 2
    told = labcore("curve", "--show", "last")
    assert (told.status, "there is no learning curve" in told.err.lower()) == (2, True)
