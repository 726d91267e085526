import numpy as np

from labcore.curve.scoring import labelled, scored
from labcore.evaluation.centroids import nearest_centroid

TRAIN = np.array([[0.0, 0.0, 5.0], [0.2, 1.0, 5.0], [3.0, 100.0, 5.0], [3.2, 101.0, 5.0]])
LABELS = np.array(["cat", "cat", "dog", "dog"], dtype=object)


def test_a_clip_gets_the_class_of_the_nearest_centroid_whatever_the_units():
    clips = np.array([[0.1, 3.0, 5.0], [2.9, 95.0, 7.0]])
    for units in (np.ones(3), np.array([1e-3, 1e4, 1.0])):
        assert list(nearest_centroid(TRAIN * units, LABELS, clips * units)) == ["cat", "dog"]


def test_the_held_out_clips_have_no_part_in_the_standardisation():
    clips = np.array([[0.1, 3.0, 5.0], [1e6, -1e6, 5.0]])
    alone = nearest_centroid(TRAIN, LABELS, clips[:1])
    assert nearest_centroid(TRAIN, LABELS, clips)[0] == alone[0] == "cat"


def test_clips_without_features_are_no_hits():
    features = {("a.wav", 0.0): TRAIN[0], ("b.wav", 0.0): TRAIN[2], ("c.wav", 0.0): TRAIN[3]}
    trained = {("a.wav", 0.0): "cat", ("b.wav", 0.0): "dog", ("gone.wav", 0.0): "dog"}
    asked = [("c.wav", 0.0), ("silent.wav", 0.0)]
    found = labelled(features, trained, asked)
    assert list(found) == ["dog", ""]
    told = scored(np.array(["dog", "dog"], dtype=object), found, np.array(["y", "x"]))
    assert (told.accuracy, told.correct) == (0.5, [0, 1])
    assert list(labelled({}, trained, asked)) == ["", ""]


def test_figures_are_by_recording_in_the_order_of_their_names():
    truth = np.array(["a", "b", "b", "b"], dtype=object)
    told = scored(truth, np.array(["a", "a", "b", "b"], dtype=object), np.array(["2", "1", "2", "1"]))
    assert told.correct == [1, 2]
    assert told.accuracy == 0.75
    assert abs(told.macro_f1 - (2 / 3 + 0.8) / 2) < 1e-12
