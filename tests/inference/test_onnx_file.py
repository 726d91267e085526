"""A classifier as ONNX says what it says in torch, front end included."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from labcore import builtin
from labcore.audio import dequantise, quantise
from labcore.audio.waveforms import resample
from labcore.errors import LabError
from labcore.inference.classifier import Classifier
from labcore.inference.onnx_file import _Probabilities, save_onnx
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import Thresholds


@pytest.mark.slow
def test_probabilities_of_waveforms_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    classifier = Classifier.load(builtin.RUN.path)
    classifier.temperature = Temperature(value=1.7)
    values = dict.fromkeys(classifier.labels, 0.25)
    classifier.thresholds = Thresholds(values=values, temperature=1.7)
    save_onnx(classifier, tmp_path / "city.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "city.onnx")
    for clips in (1, 3):
        waveforms = torch.rand(clips, classifier.config.clip_samples) - 0.5
        (found,) = session.run(None, {"waveforms": waveforms.numpy()})
        assert found == pytest.approx(classifier.predict_proba(waveforms.numpy()), abs=1e-4)
        assert np.ptp(found) > 0.1
    half = np.random.default_rng(0).uniform(-0.5, 0.5, (1, classifier.config.clip_samples // 2)).astype(np.float32)
    samples, scale = quantise(resample(half[0], classifier.sample_rate // 2, classifier.sample_rate))
    (found,) = session.run(
        None, {"waveforms": dequantise(samples, scale)[None]}
    )  # its upper bands hold the rounding alone
    assert found == pytest.approx(classifier.predict_proba(dequantise(samples, scale)[None]), abs=1e-5)
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["labels"]) == classifier.labels
    assert json.loads(told["thresholds"]) == values
    assert int(told["sample_rate"]) == classifier.sample_rate
    assert int(told["clip_samples"]) == classifier.config.clip_samples


def test_what_is_exported_hears_samples_as_the_lab_does(make_classifier: Callable[..., Classifier]) -> None:
    """Of 16 bits: else a quiet clip is another one."""
    classifier = make_classifier()
    clips = np.random.default_rng(0).normal(0, [[1e-5], [1e-3], [0.5]], (3, 4000)).astype(np.float32)
    with torch.inference_mode():
        found = _Probabilities(classifier)(torch.from_numpy(clips)).numpy()
    for row, clip in zip(found, clips, strict=True):
        told = classifier.classify_waveform(clip).probabilities
        assert row == pytest.approx(np.array([told[label] for label in classifier.labels]), abs=1e-5)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(LabError, match=r"needs the packages onnx and onnxscript.*audio-gpu-lab\[onnx\]"):
        save_onnx(Classifier.load(builtin.RUN.path), tmp_path / "city.onnx")
    assert not list(tmp_path.iterdir())
