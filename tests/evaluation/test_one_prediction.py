"""Whoever asks, and however, is told the same of a clip: windows, silence, batches and the mean over windows stand once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from labcore.api.app import create_app
from labcore.audio import blocks, quantise
from labcore.batch.predicting import predict_files
from labcore.datasets.registry import find_dataset
from labcore.datasets.store import open_store
from labcore.evaluation import eval_set
from labcore.evaluation.disturbed_clips import DisturbedClips, accuracy_over_levels
from labcore.evaluation.eval_set import EvalSet
from labcore.evaluation.evaluate import evaluate
from labcore.evaluation.predictions import read_predictions
from labcore.evaluation.robustness import RobustnessPlan
from labcore.extract.features import embeddings_of
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import waveform_cache
from labcore.runs import Run
from labcore.serving.model_registry import ModelRegistry
from labcore.serving.settings import ServiceSettings
from labcore.training.precision import Precision

RATE = 8000
CLIPS = (
    ((1.5, 0), (0.2, 8000), (2.3, 0)),  # a bark in silence
    ((2.0, 3000),),  # sound throughout
    ((0.2, 3000),),  # shorter than a window
    ((1.0, 20), (0.3, 9000), (1.5, 20)),  # a knock in faint hiss
    ((1.4, 0),),  # nothing at all
    ((0.501, 3000),),  # a little longer than a window
)


@pytest.fixture(params=["skip", "count"])
def run(request, make_classifier, workspace):
    made = make_classifier(3)
    config = made.config.replace({"audio.silent_windows": request.param})
    torch.manual_seed(3)
    classifier = Classifier(config, made.labels)
    classifier.load_state_dict(made.state_dict())
    run = Run.create(workspace, config)
    classifier.save(run.weights)
    return run


@pytest.fixture
def store(workspace, tmp_path, write_wav):
    draw = np.random.default_rng(0)
    for number, parts in enumerate(CLIPS):
        samples = np.concatenate([draw.normal(0, level, int(seconds * RATE)) for seconds, level in parts])
        label = ("cat", "dog")[number % 2]
        write_wav(tmp_path / "set" / label / f"{number}.wav", samples.clip(-32768, 32767).astype(np.int16), RATE)
    return open_store(workspace, find_dataset(workspace, str(tmp_path / "set")), RATE)


def by_label(classifier, answers):
    return np.array([[answer["probabilities"][label] for label in classifier.labels] for answer in answers])


def by_the_service(run, files):
    app = create_app(ModelRegistry([f"m={run.path}"], lambda name: run.path, "cpu"), ServiceSettings(threads=1))
    with TestClient(app, base_url="http://localhost") as client:
        bodies = [file.read_bytes() for file in files]
        told = [client.post("/v1/classify", content=body, headers={"content-type": "audio/wav"}) for body in bodies]
    return [each.json()["results"][0] for each in told]


def test_every_way_gives_the_same_probabilities(run, store, tmp_path, monkeypatch):
    classifier = Classifier.load(run.path)
    rows, waves = np.arange(len(store)), waveform_cache(store, torch.device("cpu"))
    files = [tmp_path.joinpath(path) for path in store.table["path"]]
    expected = EvalSet(classifier, waves, rows).probabilities()
    assert expected.shape == (6, 3)
    assert (np.ptp(expected, axis=0) > 1e-3).all()  # the clips differ
    monkeypatch.setattr(eval_set, "PART", 1)
    assert len(list(EvalSet(classifier, waves, rows, 2).parts())) > 1
    told = {
        "validation": EvalSet(classifier, waves, rows, 2).probabilities(Precision("fp32", "contiguous", "").run),
        "in parts": np.concatenate([part.clip_probabilities for part in EvalSet(classifier, waves, rows, 2).parts()]),
        "in noise": DisturbedClips(classifier, store).probabilities(rows, None),
        "of waveforms": by_label(
            classifier, [classifier.classify_waveform(store.waveform(row)).to_dict() for row in rows]
        ),
        "of files": by_label(classifier, [classifier.classify(file, batch_size=1).to_dict() for file in files]),
        "command line": by_label(classifier, [answer for _, answer in predict_files(classifier, files)]),
        "service": by_label(classifier, by_the_service(run, files)),
    }
    monkeypatch.setattr(eval_set, "KEEP_BYTES", 0)
    told["anew each time"] = EvalSet(classifier, waves, rows, 3).probabilities()
    file = tmp_path / "predictions.parquet"
    evaluate(classifier, store, rows, "all", 4, file=file)
    told["kept"] = read_predictions([file])[classifier.labels].to_numpy()
    monkeypatch.setattr(blocks, "ONE_GO", 3000)
    monkeypatch.setattr(blocks, "BLOCK", 2500)
    told["in blocks"] = by_label(classifier, [classifier.classify(file).to_dict() for file in files])
    for way, probabilities in told.items():
        np.testing.assert_allclose(probabilities, expected, atol=1e-6, err_msg=way)


def test_without_noise_accuracy_in_noise_is_that_of_evaluate(run, store):
    classifier, rows = Classifier.load(run.path), np.arange(len(store))
    result = evaluate(classifier, store, rows, "all")
    *_, clean = accuracy_over_levels(classifier, store, rows, RobustnessPlan(run="any"), (None,))
    assert (clean.accuracy, clean.clips) == (result.accuracy, result.clips)


def test_the_embedding_of_a_clip_is_the_mean_of_what_extract_gives_of_its_windows(run, store, tmp_path):
    classifier, rows = Classifier.load(run.path), np.arange(len(store))
    evaluate(classifier, store, rows, "all", file=tmp_path / "clips.parquet")
    evaluate(classifier, store, rows, "all", file=tmp_path / "windows.parquet", by_window=True)
    clips, windows = read_predictions([tmp_path / "clips.parquet"]), read_predictions([tmp_path / "windows.parquet"])
    for row, embedding in zip(rows.tolist(), clips["embedding"], strict=True):
        samples, _ = quantise(store.waveform(row))
        answer, bounds = classifier.classify_waveform(store.waveform(row)), classifier.windows_of(len(samples))
        of_windows = embeddings_of(classifier, *quantise(store.waveform(row)), bounds)
        quiet = np.array([window.silent for window in answer.windows])
        of_sound = of_windows if quiet.all() else of_windows[~quiet]
        np.testing.assert_allclose(embedding.astype(np.float32), of_sound.mean(0), rtol=2e-3, atol=2e-3)
        kept = windows[windows["clip"] == clips["clip"][row]]
        np.testing.assert_allclose(np.stack(kept["embedding"]).astype(np.float32), of_windows, rtol=2e-3, atol=2e-3)
        assert kept["start_s"].tolist() == [window.start_s for window in answer.windows]
        assert kept["end_s"].tolist() == [window.end_s for window in answer.windows]
        said = np.array([list(window.probabilities.values()) for window in answer.windows])
        np.testing.assert_allclose(kept[classifier.labels].to_numpy(), said, atol=1e-6)
