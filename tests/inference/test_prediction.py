"""Predictions as they are shown."""

from __future__ import annotations

import numpy as np

from labcore.inference.prediction import Prediction, Shares, Window


def test_a_prediction_is_one_line_however_long_the_recording() -> None:
    labels = [f"class {number}" for number in range(8)]
    shares = Shares({label: place for place, label in enumerate(labels)}, np.full(8, 0.125, np.float32))
    windows = [Window(second, second + 1, "class 0", 0.125, shares) for second in range(3600)]
    told = repr(Prediction("class 0", 0.125, dict(shares), 3600.0, windows, ["channels cancel"]))
    assert told == (
        "Prediction: class 0 (class 0 12.5 %, class 1 12.5 %, class 2 12.5 %, class 3 12.5 %, class 4 12.5 % and 3 more), "
        "3600 s in 3600 windows; channels cancel"
    )
    few = repr(Prediction("a", 0.75, {"b": 0.25, "a": 0.75}, 1.0, windows[:1]))
    assert few == "Prediction: a (a 75.0 %, b 25.0 %), 1 s in 1 window"


def test_the_probabilities_of_a_window_are_seen() -> None:
    assert repr(Shares({"a": 0, "b": 1}, np.array([0.25, 0.75], np.float32))) == "{'a': 0.25, 'b': 0.75}"
