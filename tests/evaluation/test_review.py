"""Which clips a person is asked about: mistakes by confidence, among them others, the same ones in the same order every time."""

import numpy as np
import pandas as pd
import pytest

from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.review import BLOCK, review_clips


@pytest.fixture
def predictions():
    """40 clips of which every fourth is a mistake, of growing confidence."""
    share = np.linspace(0.55, 0.95, 40)
    frame = pd.DataFrame({"clip": [f"{n}.wav" for n in range(40)], "start_s": 0.0, "label": "dog"})
    frame["dog"] = np.where(np.arange(40) % 4 == 0, 1 - share, share)
    frame["rain"] = 1 - frame["dog"]
    return ClipPredictions(frame, ("dog", "rain"))


def numbers(clips) -> list[int]:
    return [int(clip.clip.removesuffix(".wav")) for clip in clips]


def test_mistakes_alone_come_most_confident_first(predictions):
    clips = review_clips(predictions, "mistakes")
    assert numbers(clips) == [36, 32, 28, 24, 20, 16, 12, 8, 4, 0]
    assert (clips[0].predicted, round(clips[0].probability, 3)) == ("rain", round(0.55 + 0.4 * 36 / 39, 3))


def test_mistakes_come_with_as_many_others_and_no_order_tells_which(predictions):
    clips = review_clips(predictions, "mixed")
    assert numbers(clips) == numbers(review_clips(predictions, "mixed"))
    wrong = [clip.predicted != "dog" for clip in clips]
    assert [sum(wrong[begin : begin + BLOCK]) for begin in (0, BLOCK)] == [BLOCK // 2, BLOCK // 2]
    assert {number for number in numbers(clips)[:BLOCK] if number % 4 == 0} == {36, 32, 28, 24, 20}
    assert len(set(numbers(clips))) == 20
    assert wrong not in ([True, False] * BLOCK, [False, True] * BLOCK)


def test_few_mistakes_come_with_few_others(predictions):
    few = predictions.chosen(np.arange(40) > 30)
    assert [clip.predicted for clip in review_clips(few, "mixed")].count("dog") == 2


def test_all_clips_come_once(predictions):
    clips = numbers(review_clips(predictions, "all"))
    assert sorted(clips) == list(range(40))
    assert clips != list(range(40))


def test_where_nothing_is_wrong_there_is_nothing_to_ask(predictions):
    right = predictions.chosen(predictions.predicted == predictions.targets)
    assert review_clips(right, "mixed") == review_clips(right, "mistakes") == []
