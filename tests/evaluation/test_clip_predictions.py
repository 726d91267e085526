"""Predictions as arrays, from the columns of the file."""

import numpy as np
import pandas as pd
import pytest

from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions

FRAME = pd.DataFrame(
    {
        "clip": ["a.wav", "b.wav", "c.wav"],
        "group": ["1", "1", "2"],
        "fold": "1",
        "label": ["dog", "rain", "owl"],
        "dog": np.float32([0.7, 0.6, 0.1]),
        "rain": np.float32([0.3, 0.4, 0.9]),
        "embedding": [np.float16([1, 2]), np.float16([3, 4]), np.float16([5, 6])],
    }
)


def test_arrays_of_the_columns():
    judged = ClipPredictions(FRAME, ("dog", "rain"))
    assert judged.probabilities == pytest.approx(np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]]))
    assert judged.targets.tolist() == [0, 1, -1]
    assert judged.predicted.tolist() == [0, 0, 1]
    assert judged.confidence == pytest.approx([0.7, 0.6, 0.9])
    assert judged.embeddings.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert judged.chosen(judged.targets != judged.predicted).frame["clip"].tolist() == ["b.wav", "c.wav"]
    assert judged.chosen(np.array([2, 0])).groups.tolist() == ["2", "1"]


def test_embeddings_that_were_not_kept():
    with pytest.raises(RunError, match="no embeddings"):
        _ = ClipPredictions(FRAME.assign(embedding=None), ("dog", "rain")).embeddings
