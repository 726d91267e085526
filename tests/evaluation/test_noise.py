import numpy as np
import pytest
import torch

from labcore.augment.waveform import NoiseAt, ratio_db
from labcore.config import RunConfig
from labcore.datasets.registry import find_dataset
from labcore.datasets.store import open_store
from labcore.errors import DatasetError
from labcore.evaluation import noise
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.jobs import InNoise
from labcore.evaluation.noise import _NoisyClips, accuracy_over_snr
from labcore.evaluation.select import select_clips
from labcore.inference.classifier import Classifier
from labcore.jobs.following import Stopped


@pytest.fixture
def store(class_folders, workspace):
    return open_store(workspace, find_dataset(workspace, str(class_folders)), 8000)


@pytest.fixture
def classifier(store):
    """Tells high from low tones by the levels of the mel bands: perfect without noise, guessing under it."""
    changes = {
        "audio.sample_rate": 8000,
        "features.n_fft": 256,
        "features.win_length": 256,
        "features.hop_length": 128,
        "features.n_mels": 32,
        "audio.clip_seconds": 0.25,
        "data.fold": "1",
    }

    class Loudest(torch.nn.Module):
        def forward(self, images):
            level = 10 ** (images[:, 0] / 10)
            high, low = level[:, 16:].sum((1, 2)), level[:, :16].sum((1, 2))
            return torch.stack([high, low], 1).log()

    return Classifier(RunConfig().replace(changes), ["high", "low tones"], Loudest())


def results(*arguments, **options):
    return [event for event in accuracy_over_snr(*arguments, **options) if isinstance(event, InNoise)]


def test_accuracy_falls_with_the_noise(classifier, store, monkeypatch):
    monkeypatch.setattr(noise, "BATCH", 2)
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
    judge = _NoisyClips(classifier, store, "pink")
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
    monkeypatch.setattr(noise, "BATCH", 2)
    asked = iter([False, False, True])  # in the middle of the first ratio
    with pytest.raises(Stopped):
        results(classifier, store, np.arange(len(store)), (None, 0.0), should_stop=lambda: next(asked, True))


def test_classes_that_it_does_not_know_are_told(classifier, store):
    classifier.labels = ["high", "other"]
    with pytest.raises(DatasetError, match="does not know low tones"):
        results(classifier, store, np.arange(len(store)))
    with pytest.raises(DatasetError, match="no clips"):
        results(classifier, store, np.arange(0))


@pytest.mark.parametrize("snr_db", [-20.0, 0.0, 25.0])
@pytest.mark.parametrize("colour", ["white", "pink", "brown", "any"])
def test_noise_comes_at_its_ratio(tone, snr_db, colour):
    waveform = torch.from_numpy(tone(440, 0.5))
    noisy = NoiseAt(snr_db, colour)(waveform[None])[0]
    assert ratio_db(waveform, noisy) == pytest.approx(snr_db, abs=0.01)
    assert ratio_db(waveform, waveform) is None


def test_silence_gets_no_noise():
    assert not NoiseAt(0.0)(torch.zeros(2, 500)).any()
