"""The map: what is alike lies together, samples are told, and a map of other clips is known to be old."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labcore.datasets import find_dataset
from labcore.errors import DatasetError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.explore.clips import map as maps
from labcore.explore.clips.map import arrange, correctness, keep_map, known_map, map_file, sample


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_what_is_alike_lies_together(method):
    random = np.random.default_rng(0)
    centres = random.normal(0, 10, (3, 20))
    features = np.repeat(centres, 12, axis=0) + random.normal(0, 0.3, (36, 20))
    places = arrange(features.astype(np.float32))[method]
    near = np.linalg.norm(places[:, None] - places[None], axis=2).argsort(1)[:, 1]
    assert (near // 12 == np.arange(36) // 12).all()


@pytest.mark.parametrize("features", [np.zeros((5, 4)), np.arange(3.0)[:, None], np.eye(4), np.full((3, 2), 7.0)])
def test_few_clips_and_clips_of_one_sound_have_places(features):
    for places in arrange(features.astype(np.float32)).values():
        assert places.shape == (len(features), 2)
        assert np.isfinite(places).all()


def test_too_few_clips_are_told():
    with pytest.raises(DatasetError, match="3 clips at least, and 2 can be read"):
        arrange(np.zeros((2, 4), np.float32))


def test_a_sample_is_the_same_each_time():
    assert sample(5).tolist() == [0, 1, 2, 3, 4]
    drawn = sample(1000, 100)
    assert len(set(drawn.tolist())) == 100
    assert drawn.tolist() == sorted(sample(1000, 100).tolist())


def test_a_map_is_kept_until_the_clips_change(workspace, class_folders):
    dataset = find_dataset(workspace, class_folders)
    weights = class_folders.parent / "weights"
    weights.write_bytes(b"one")
    rows = np.arange(len(dataset))
    places = {method: np.random.default_rng(0).normal(size=(len(rows), 2)) for method in maps.METHODS}
    assert known_map(workspace, dataset, "run", weights) is None
    keep_map(workspace, dataset, "run", weights, rows, places)
    known = known_map(workspace, dataset, "run", weights)
    assert known.current
    assert known.clips == len(dataset)
    np.testing.assert_array_equal(known.points[["tsne_x", "tsne_y"]], places["tsne"])
    assert known_map(workspace, dataset, "", None) is None
    first = next(class_folders.rglob("*.wav"))
    first.rename(first.with_name("another.wav"))
    assert not known_map(workspace, find_dataset(workspace, class_folders), "run", weights).current
    map_file(workspace, dataset, "run").write_bytes(b"PAR1")
    assert known_map(workspace, dataset, "run", weights) is None


def test_predictions_come_to_their_clips():
    frame = pd.DataFrame({"clip": ["a", "a", "b", "c"], "start_s": [0.0, 1.0, 0.0, 0.0], "label": ["x", "y", "y", "x"]})
    said = pd.DataFrame(
        {"clip": ["b", "a", "a"], "start_s": [0.0, 1.00001, 0.0], "x": [0.9, 0.2, 0.7], "y": [0.1, 0.8, 0.3]}
    )
    found = correctness(frame, ClipPredictions(said, ("x", "y")))
    assert found["verdict"].tolist() == ["right", "right", "wrong", "not predicted"]
    assert found["predicted"].tolist() == ["x", "y", "x", ""]
