"""Predictions of several labels a clip as arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labcore.evaluation import clip_predictions
from labcore.evaluation.label_predictions import KINDS, LabelPredictions
from labcore.evaluation.predictions import class_columns


def test_mistakes_of_a_label_by_probability_and_all_of_them_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ("dog", "cat", *(f"species {number}" for number in range(20)))
    shares = np.full((5, len(labels)), 0.1)
    shares[:, 0] = [0.9, 0.2, 0.4, 0.7, 0.6]
    frame = pd.DataFrame({"label": ["dog", "dog;cat", "dog", "", "?"], "group": list("aabbc")})
    frame[class_columns(labels)] = shares
    said = LabelPredictions(frame, labels, np.full(shares.shape, 0.5), None)  # type: ignore[arg-type]
    missed, false_alarms = KINDS
    assert said.mistakes("dog", missed).tolist() == [1, 2]
    assert said.mistakes("dog", false_alarms).tolist() == [3]
    assert said.mistakes("cat", missed).tolist() == [1]
    read: list[object] = []
    monkeypatch.setattr(clip_predictions, "class_columns", lambda labels: read.append(labels) or class_columns(labels))
    for kind in KINDS:
        assert said.wrong[kind].sum(0).tolist() == [len(said.mistakes(label, kind)) for label in labels]
    assert said.wrong[missed] is said.wrong[missed]
    assert said.decided is said.decided
    assert not read
