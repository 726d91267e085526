import pytest

from labcore.curve.events import MEL
from labcore.curve.summary import Gain, csv_table, summarise
from tests.curving import made_curve

SIZES = ("2", "5", "all")


@pytest.fixture
def curve(workspace):
    return lambda figures, samples=1: summarise(made_curve(workspace, figures, SIZES, samples))


def test_the_accuracy_of_a_size_is_the_mean_over_its_samples(curve):
    told = curve({"2/1": (4, 8), "2/2": (8, 8), "5/1": (10, 8)}, 2)
    small, middle, large = told.sizes
    assert (small.finished, middle.finished, large.finished, large.recipe) == (2, 1, 0, None)
    assert small.recipe.accuracy == pytest.approx((6 + 12) / 2 / 30)
    assert small.recipe.deviation == pytest.approx(6 / 30 / 2**0.5)
    assert small.recipe.low < small.recipe.accuracy < small.recipe.high
    assert (middle.recipe.deviation, middle.clips, middle.recordings) == (None, 10, 5.0)
    assert (told.test_clips, told.test_recordings) == (30, 20)


def test_a_recipe_below_the_baseline_is_told(curve):
    told = curve({"2/1": (4, 10), "5/1": (12, 12), "all/1": (16, 12)})
    assert [list(size.below) for size in told.sizes] == [[MEL], [], []]
    points, (low, high) = told.sizes[0].below[MEL]
    assert points == pytest.approx(-9 / 30)
    assert low < points < high < 0
    (warning,) = told.warnings
    assert warning.startswith(
        "With 2 recordings per class the recipe is below the baseline on mel statistics: -30.0 points"
    )


def test_what_the_last_doubling_brought_is_told_with_its_interval(curve):
    told = curve({"2/1": (4, 4), "5/1": (6, 4), "all/1": (16, 4)})
    gain = told.gain
    assert (gain.smaller, gain.larger) == (5.0, 16.0)  # 5 is nearer to half of 16 than 2 is
    assert gain.points == pytest.approx(15 / 30)
    assert gain.low < gain.points < gain.high
    assert "From 5 to 16 recordings per class the accuracy rose by 50.0 points" in told.sentence
    assert (
        "twice as many bring about 20.0 points" in told.sentence
    )  # no more than is left, though a doubling brought 29.8
    assert "20.0 points are left" in told.sentence


def test_a_gain_within_its_interval_promises_nothing(curve):
    assert "too small to tell" in curve({"5/1": (15, 4), "all/1": (16, 4)}).sentence
    same = curve({"5/1": (15, 4), "all/1": (15, 4)})
    assert (same.gain.low, same.gain.points) == (None, 0)
    assert "stayed the same" in same.sentence
    assert "does not tell" in same.sentence
    few = curve({"5/1": (11, 4), "all/1": (16, 4)})  # five recordings more, and none less: chance once in sixteen
    assert few.gain.low > 0
    assert few.gain.p == pytest.approx(1 / 16)
    assert "too small to tell" in few.sentence
    assert "did not help" in Gain(5, 16, -0.1, -0.2, -0.05, 1.7, 0.3).sentence


def test_sizes_are_compared_on_the_samples_that_both_have(curve):
    told = curve({"5/1": (10, 4), "5/2": (2, 4), "all/1": (10, 4)}, 2)
    assert told.gain.points == 0
    assert curve({"5/1": (10, 4)}).sentence.startswith("Two sizes")
    assert curve({"5/2": (10, 4), "all/1": (10, 4)}, 2).gain is None


def test_the_table_has_a_row_a_classifier(curve):
    rows = csv_table(curve({"2/1": (4, 8), "all/1": (16, 12)})).splitlines()
    assert [row.split(",")[:3] for row in rows[1:]] == [
        ["2", "recipe", "0.2"], ["2", "mel", "0.4"], ["all", "recipe", "0.8"], ["all", "mel", "0.6"],
    ]  # fmt: skip
