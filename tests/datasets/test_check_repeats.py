"""Sounds that are there more than once."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from labcore.datasets.checks.evidence import Evidence
from labcore.datasets.checks.measure import Span
from labcore.datasets.checks.repeats import of_repeats


def test_a_sound_is_told_once_by_the_set_that_holds_all_of_its_clips():
    """Group a lies wholly in a set of equal files, group b in part; clips 5 and 6 are in a near set of other labels."""
    evidence = Evidence(
        spans=[Span(f"{number}.wav", 0.0, math.nan) for number in range(8)],
        labels=["cat"] * 6 + ["dog", "dog"],
        folds=list("12112211"),
        groups=["a", "a", "b", "b", "b", "c", "d", "e"],
        channels=[0] * 8,
        found=[SimpleNamespace(fingerprint=np.ones(2))] * 8,
        equal=[[0, 1], [2, 3], [5, 6]],
        near=[[5, 6, 7]],
    )
    told = {each.kind: [[clip.path for clip in same] for same in each.sets] for each in of_repeats(evidence)}
    assert told == {
        "duplicates": [["0.wav", "1.wav"], ["5.wav", "6.wav"]],
        "copies": [["2.wav", "3.wav"]],
        "near duplicates": [["5.wav", "6.wav", "7.wav"]],
        "mislabelled": [["5.wav", "6.wav", "7.wav"]],  # and not once more as equal files
        "straddling": [["2.wav", "3.wav", "4.wav"]],
    }
