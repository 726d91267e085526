import numpy as np
import pytest
import torch

from labcore.augment.waveform import NoiseAt, ratio_db
from labcore.config import RunConfig
from labcore.datasets.registry import find_dataset
from labcore.datasets.store import open_store
from labcore.errors import DatasetError
from labcore.evaluation import disturbed_clips
from labcore.evaluation.disturbed_clips import DisturbedClips, accuracy_over_levels
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.robustness import Disturbed, InNoise, RobustnessPlan
from labcore.evaluation.select import select_clips
from labcore.inference.classifier import Classifier
from labcore.jobs.following import Stopped
from tests.small import FRONT_END


@pytest.fixture
def store(class_folders, workspace):
    return open_store(workspace, find_dataset(workspace, str(class_folders)), 8000)


@pytest.fixture
def classifier(store):
    """Tells high from low tones by the levels of the mel bands: perfect without noise, guessing under it."""
    changes = FRONT_END | {"features.n_mels": 32, "data.fold": "1"}

    class Loudest(torch.nn.Module):
        def forward(self, images):
            level = 10 ** (images[:, 0] / 10)
            high, low = level[:, 16:].sum((1, 2)), level[:, :16].sum((1, 2))
            return torch.stack([high, low], 1).log()

    return Classifier(RunConfig().replace(changes), ["high", "low tones"], Loudest())


def results(classifier, store, rows, levels, of="noise", colour="pink", **options):
    plan = RobustnessPlan(run="any", disturbance=of, colour=colour)
    told = accuracy_over_levels(classifier, store, rows, plan, levels, **options)
    return [event for event in told if isinstance(event, (InNoise, Disturbed))]


def test_accuracy_falls_with_the_noise(classifier, store, monkeypatch):
    monkeypatch.setattr(disturbed_clips, "BATCH", 2)
    rows = select_clips(store.table, classifier.config.data).rows
    clean, faint, loud = results(classifier, store, rows, (None, 20.0, -40.0), colour="white")
    assert [each.snr_db for each in (clean, faint, loud)] == [None, 20.0, -40.0]
    assert clean.accuracy == faint.accuracy == 1.0 > loud.accuracy
    for each in (clean, faint, loud):
        assert (each.low, each.high) == wilson_interval(each.hits, each.clips)
        assert each.clips == len(rows)
    (again,) = results(classifier, store, rows, (-40.0,), colour="white")
    assert again.hits == loud.hits  # whatever was judged before it


def test_a_clip_gets_the_same_noise_at_all_ratios(classifier, store):
    heard = {}
    judge = DisturbedClips(classifier, store)
    classifier.predict_proba = lambda batch: heard.setdefault(ratio, batch)[:, :2]
    for ratio in (None, 10.0, 4.0):
        judge.probabilities(np.arange(2), ratio, seed=5)
    faint, loud = heard[10.0] - heard[None], heard[4.0] - heard[None]
    np.testing.assert_allclose(loud, faint * 10 ** (6 / 20), rtol=1e-3, atol=1e-5)
    assert np.abs(faint).max() > 1e-3


def test_without_noise_it_is_what_the_classifier_says(classifier, store):
    rows = select_clips(store.table, classifier.config.data).rows
    answers = [classifier.classify_waveform(store.waveform(int(row))).label for row in rows]
    hits = sum(answer == label for answer, label in zip(answers, store.table["label"].to_numpy()[rows], strict=True))
    assert [each.hits for each in results(classifier, store, rows, (None,))] == [hits]


def test_it_stops_when_asked(classifier, store, monkeypatch):
    monkeypatch.setattr(disturbed_clips, "BATCH", 2)
    asked = iter([False, False, True])  # in the middle of the first ratio
    with pytest.raises(Stopped):
        results(classifier, store, np.arange(len(store)), (None, 0.0), should_stop=lambda: next(asked, True))


def test_classes_that_it_does_not_know_are_told(classifier, store):
    classifier.labels = ["high", "other"]
    with pytest.raises(DatasetError, match="does not know low tones"):
        results(classifier, store, np.arange(len(store)), (None,))
    with pytest.raises(DatasetError, match="no clips"):
        results(classifier, store, np.arange(0), (None,))


@pytest.mark.parametrize("snr_db", [-20.0, 0.0, 25.0])
@pytest.mark.parametrize("colour", ["white", "pink", "brown", "any"])
def test_noise_comes_at_its_ratio(tone, snr_db, colour):
    waveform = torch.from_numpy(tone(440, 0.5))
    noisy = NoiseAt(snr_db, colour)(waveform[None])[0]
    assert ratio_db(waveform, noisy) == pytest.approx(snr_db, abs=0.01)
    assert ratio_db(waveform, waveform) is None


def test_silence_gets_no_noise():
    assert not NoiseAt(0.0)(torch.zeros(2, 500)).any()


def test_whole_clips_are_disturbed_too(classifier, store):
    rows = np.arange(len(store))
    clean, mild, bad = results(classifier, store, rows, (None, 32_000.0, 1000.0), "sample_rate")
    assert clean.hits == mild.hits == len(rows) > bad.hits
    assert [(each.of, each.level) for each in (mild, bad)] == [("sample_rate", 32_000.0), ("sample_rate", 1000.0)]


def test_gain_reaches_the_network(classifier, store):
    heard = []
    classifier.predict_proba = lambda batch: heard.append(batch) or np.zeros((len(batch), 2), dtype=np.float32)
    judge = DisturbedClips(classifier, store, "gain")
    for decibels in (None, -20.0):
        judge.probabilities(np.arange(2), decibels)
    np.testing.assert_allclose(heard[1], heard[0] / 10, atol=2e-5)


@pytest.mark.parametrize("of", ["mp3", "opus"])
def test_clips_go_through_an_encoder(classifier, store, of):
    clean, coded = results(classifier, store, np.arange(len(store)), (None, 64.0), of)
    assert coded.hits == clean.hits == len(store)
