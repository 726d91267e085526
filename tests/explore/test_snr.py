import numpy as np
import pytest
import torch

from labcore.config import RunConfig
from labcore.datasets.registry import find_dataset
from labcore.datasets.store import open_store
from labcore.errors import DatasetError
from labcore.evaluation.select import select_clips
from labcore.explore.noise import NoiseAt, ratio_db
from labcore.explore.snr import accuracy_over_snr
from labcore.inference.classifier import Classifier
from labcore.intervals import wilson_interval


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

    return Classifier(RunConfig().changed(changes), ["high", "low tones"], Loudest())


def test_accuracy_falls_with_the_noise(classifier, store):
    chosen = select_clips(store.table, classifier.config.data)
    rows, clips = chosen.rows, chosen.sentence
    told = []
    curve = accuracy_over_snr(
        classifier, store, rows, clips=clips, snrs_db=(20.0, -40.0), colour="white", progress=lambda *done: told.append(done), batch_size=2
    )  # fmt: skip
    assert curve.complete
    assert curve.clips == f"{len(rows)} clips of fold 1, held out from training."
    table = curve.table
    assert np.isnan(table["snr_db"][0])
    assert table["snr_db"].tolist()[1:] == [20.0, -40.0]
    assert table["accuracy"].tolist()[:2] == [1.0, 1.0]
    assert table["accuracy"][2] < 1.0
    for row in table.itertuples():
        assert (row.low, row.high) == wilson_interval(row.hits, row.clips)
        assert row.clips == len(rows)
    assert told[-1] == (len(rows), len(rows))
    again = accuracy_over_snr(classifier, store, rows, snrs_db=(20.0, -40.0), colour="white", batch_size=2)
    assert again.table["hits"].tolist() == table["hits"].tolist()


def test_without_noise_it_is_what_the_classifier_says(classifier, store):
    rows = select_clips(store.table, classifier.config.data).rows
    answers = [classifier.classify_waveform(store.waveform(int(row))).label for row in rows]
    hits = sum(answer == label for answer, label in zip(answers, store.table["label"].to_numpy()[rows], strict=True))
    assert accuracy_over_snr(classifier, store, rows, snrs_db=()).table["hits"].tolist() == [hits]


def test_it_stops_when_asked_and_says_so(classifier, store):
    rows = np.arange(len(store))
    asked = iter([False, True])
    curve = accuracy_over_snr(classifier, store, rows, snrs_db=(0.0,), batch_size=3, should_stop=lambda: next(asked))
    assert not curve.complete
    assert curve.table["clips"].tolist() == [3, 3]
    at_once = accuracy_over_snr(classifier, store, rows, snrs_db=(0.0,), should_stop=lambda: True)
    assert at_once.table["accuracy"].isna().all()


def test_classes_that_it_does_not_know_are_told(classifier, store):
    classifier.labels = ["high", "other"]
    with pytest.raises(DatasetError, match="does not know low tones"):
        accuracy_over_snr(classifier, store, np.arange(len(store)))
    with pytest.raises(DatasetError, match="no clips"):
        accuracy_over_snr(classifier, store, np.arange(0))


@pytest.mark.parametrize("snr_db", [-20.0, 0.0, 25.0])
@pytest.mark.parametrize("colour", ["white", "pink", "brown", "any"])
def test_noise_comes_at_its_ratio(tone, snr_db, colour):
    waveform = torch.from_numpy(tone(440, 0.5))
    noisy = NoiseAt(snr_db, colour)(waveform[None])[0]
    assert ratio_db(waveform, noisy) == pytest.approx(snr_db, abs=0.01)
    assert ratio_db(waveform, waveform) is None


def test_silence_gets_no_noise():
    assert not NoiseAt(0.0)(torch.zeros(2, 500)).any()
