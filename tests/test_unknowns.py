"""What the threshold for unknown sounds is fitted on: clips of known classes that were not trained on, never those of the test fold."""

import numpy as np
import pytest

from labcore import calibration, keeping, unknowns
from labcore.errors import ConfigError, RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.inference.unknown import Unknown
from labcore.runs import Run
from tests.judged import drawn, finished_run


def embedded(clips: int, away: float, seed: int) -> ClipPredictions:
    """Made-up predictions for clips whose embeddings lie so far from zero."""
    said = drawn(clips, seed=seed)
    said.frame["embedding"] = list(away + np.random.default_rng(seed).normal(0, 1, (clips, 4)).astype(np.float16))
    return said


@pytest.fixture
def network(monkeypatch):
    """Every run is compared with the same training clips."""
    training = np.random.default_rng(0).normal(0, 1, (60, 4))
    monkeypatch.setattr(unknowns, "compared", lambda run, progress: Unknown.of(training, np.full((1, 4), 40.0)))


@pytest.fixture
def folds(workspace, monkeypatch, network):
    """A run and the two other folds of its cross-validation; the clips of its own fold are far away from all that is known."""
    said = {}
    runs = [finished_run(workspace, drawn(4)) for _ in range(3)]
    for number, run in enumerate(runs):
        said[run.predictions] = embedded(50, 0.0 if number else 9.0, number)
    monkeypatch.setattr(ClipPredictions, "read", lambda paths: said[paths[0]])
    monkeypatch.setattr(calibration, "other_folds", lambda run: [each for each in runs if each != run])
    return runs


def test_a_fold_is_fitted_on_the_clips_of_the_others(folds):
    unknown = unknowns.fit(folds[0], 0.1)
    others = [unknown.scores(embedded(50, 0.0, number).embeddings) for number in (1, 2)]
    assert float((np.concatenate(others) > unknown.threshold.value).mean()) == pytest.approx(0.1)
    assert (unknown.threshold.clips, unknown.threshold.source) == (100, "100 clips of 2 other folds")
    effect = unknowns.effect(folds[0], unknown)
    assert (effect.clips, effect.refused) == (50, 50)
    assert unknowns.fit(folds[1], 0.1).threshold.value > 3 * unknown.threshold.value  # fold 0 is among the others


def test_a_share_that_is_none_and_too_few_clips(folds, monkeypatch):
    with pytest.raises(ConfigError, match="no share"):
        unknowns.fit(folds[0], 0.6)
    monkeypatch.setattr(calibration, "FEWEST", 101)
    with pytest.raises(RunError, match="cannot be fitted on 100 clips"):
        unknowns.fit(folds[0])


def test_a_run_alone_takes_its_validation_clips(workspace, network, monkeypatch):
    run = finished_run(workspace, drawn(4))
    with pytest.raises(RunError, match="no clips to fit anything on"):
        unknowns.to_evaluate(run)
    monkeypatch.setattr(calibration, "clips_for", lambda run: None)
    assert unknowns.to_evaluate(run)
    with pytest.raises(RunError, match="not evaluated yet"):
        unknowns.fit(run)
    clips = calibration.CalibrationClips(embedded(40, 0.0, 3), "40 validation clips of the run")
    monkeypatch.setattr(calibration, "clips_for", lambda run: clips)
    assert not unknowns.to_evaluate(run)
    assert unknowns.fit(run).threshold.source == "40 validation clips of the run"


def test_it_is_kept_and_switched(workspace, make_classifier):
    run: Run = finished_run(workspace, drawn(4))
    make_classifier(labels=("cat", "dog", "owl")).save(run.weights)
    with pytest.raises(RunError, match="no threshold"):
        keeping.switch(run, Unknown, True)
    keeping.keep(run, Unknown.of(np.ones((4, 8)), np.zeros((2, 8))).fitted(np.arange(30.0), 0.1, "30 clips"))
    assert not keeping.switch(run, Unknown, False).threshold.on
    kept = keeping.kept(run, Unknown)
    assert kept is not None
    assert (kept.threshold.on, kept.threshold.source) == (False, "30 clips")
