"""Mistakes by cell, class and confidence, and nearest embeddings, with answers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.mistakes import Choice, by_class, by_confidence, nearest, rows_of

CLIPS = [  # label, probabilities of dog, rain, owl
    ("dog", 0.9, 0.1, 0.0),  # right
    ("dog", 0.2, 0.8, 0.0),
    ("dog", 0.05, 0.95, 0.0),
    ("rain", 0.6, 0.3, 0.1),
    ("owl", 0.1, 0.2, 0.7),  # right
    ("fox", 0.0, 0.5, 0.5),  # of a class that the classifier does not know
    ("dog", 0.4, 0.3, 0.3),  # right
    ("rain", 0.05, 0.15, 0.8),
]


@pytest.fixture
def judged() -> ClipPredictions:
    frame = pd.DataFrame(CLIPS, columns=["label", "dog", "rain", "owl"])
    return ClipPredictions(
        frame.assign(clip=[f"{n}.wav" for n in range(len(CLIPS))], group="1"), ("dog", "rain", "owl")
    )


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        (None, [2, 1, 7, 3, 5]),
        (Choice(true="dog"), [2, 1]),
        (Choice(true="dog", predicted="rain"), [2, 1]),
        (Choice(true="rain", predicted="dog"), [3]),
        (Choice(predicted="rain"), [2, 1, 5]),
        (Choice(true="fox"), [5]),
        (Choice(true="dog", predicted="dog"), [6, 0]),  # the diagonal: the least confident first
        (Choice(low=0.5, high=0.8), [1, 7, 3]),
        (Choice(true="owl"), []),
    ],
)
def test_clips_of_a_choice(judged, choice, rows):
    assert rows_of(judged, choice).tolist() == rows


def test_mistakes_by_class(judged):
    found = by_class(judged).set_index("label")
    assert found["missed"].to_dict() == {"dog": 2, "rain": 2, "owl": 0, "fox": 1}
    assert found["taken"].to_dict() == {"dog": 1, "rain": 3, "owl": 1, "fox": 0}


def test_mistakes_by_confidence(judged):
    found = by_confidence(judged, 5)
    assert found["right"].tolist() == [0, 1, 0, 1, 1]  # 0.4 belongs to the range that ends with it
    assert found["wrong"].tolist() == [0, 0, 2, 2, 1]
    for bar in found.itertuples():  # a bar that is pressed gives the clips that it counts
        assert len(rows_of(judged, Choice(low=bar.low, high=bar.high))) == bar.wrong


def test_no_clips():
    judged = ClipPredictions(pd.DataFrame({"label": [], "dog": [], "rain": []}), ("dog", "rain"))
    assert rows_of(judged).tolist() == []
    assert by_class(judged)["missed"].tolist() == [0, 0]
    assert by_confidence(judged, 2)["wrong"].tolist() == [0, 0]


def test_nearest_by_cosine():
    among = np.float32([[1, 0], [10, 10], [0, 2], [-1, 0], [0, 0]])
    order, cosines = nearest(np.float32([[3, 0], [0, 0]]), among, 4)
    assert order[0].tolist() == [0, 1, 2, 4]
    assert cosines[0] == pytest.approx([1, 0.5**0.5, 0, 0])
    assert not cosines[1].any()
    assert nearest(np.float32([[0, 1]]), among[:2], 3)[0].tolist() == [[1, 0]]
    with pytest.raises(RunError, match="different networks"):
        nearest(np.float32([[0, 1, 2]]), among)
