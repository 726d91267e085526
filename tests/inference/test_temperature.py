"""A temperature travels with the weights, changes probabilities where it is on, and leaves golden clips valid."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from labcore.errors import RunError
from labcore.inference.classifier import Classifier
from labcore.inference.onnx_file import _Probabilities
from labcore.inference.temperature import Temperature
from labcore.inference.weights_file import read_weights

CLIP = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)


def test_probabilities_are_softmax_of_divided_logits(make_classifier, tmp_path):
    classifier = make_classifier()
    before = classifier.predict_proba(CLIP[None])
    classifier.temperature = Temperature(value=2.5, clips=40, source="40 clips")
    classifier.save(tmp_path / "w.safetensors")
    loaded = Classifier.load(tmp_path / "w.safetensors")
    assert loaded.temperature == classifier.temperature == Temperature.of_file(tmp_path / "w.safetensors")
    with torch.inference_mode():
        expected = (loaded(torch.from_numpy(CLIP)[None]) / 2.5).softmax(1).numpy()
    assert loaded.predict_proba(CLIP[None]) == pytest.approx(expected, abs=1e-7)
    assert loaded.classify_waveform(CLIP).probability == pytest.approx(expected.max(), abs=1e-5)
    assert _Probabilities(loaded)(torch.from_numpy(CLIP)[None]).detach().numpy() == pytest.approx(expected, abs=1e-6)
    assert loaded.verify() == pytest.approx(0, abs=1e-6)
    loaded.temperature = Temperature(value=2.5, on=False)
    assert loaded.predict_proba(CLIP[None]) == pytest.approx(before, abs=1e-7)


def test_weights_without_one_stay_as_they_were(make_classifier, tmp_path):
    classifier = make_classifier()
    assert b"temperature" not in classifier.to_bytes()
    classifier.save(tmp_path / "w")
    assert Temperature.of_file(tmp_path / "w") is None
    assert Temperature.of_file(tmp_path / "nothing") is None


@pytest.mark.parametrize("value", [0, -1, "warm", float("nan"), [2], {}])
def test_what_is_no_temperature_is_refused(make_classifier, value):
    classifier = make_classifier()
    classifier.temperature = SimpleNamespace(model_dump=lambda: {"value": value})
    content = classifier.to_bytes()
    with pytest.raises(RunError, match="not a classifier of this lab"):
        read_weights(io.BytesIO(content), len(content), "w")
