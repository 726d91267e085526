"""What is fitted to a run is kept in its weights beside each other, and thresholds that no longer hold are switched off."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from labcore import keeping
from labcore.errors import RunError
from labcore.export import export_zip
from labcore.inference.classifier import Classifier
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import NEVER, Thresholds, threshold_words
from labcore.inference.unknown import Unknown
from labcore.inference.weights_file import read_weights

KEPT = Thresholds(values={"cat": 0.25, "dog": NEVER}, rate=0.5, hours=2.0, source="2 h in 3 recordings")


def unknown() -> Unknown:
    return Unknown.of(np.ones((4, 8)), np.zeros((2, 8))).fitted(np.arange(30.0), 0.1, "30 clips")


def test_thresholds_are_kept_and_read_back(make_run):
    run = make_run()
    before = run.weights.read_bytes()
    with pytest.raises(RunError, match="has no thresholds for false alarms"):
        keeping.switch(run, Thresholds, True)
    assert keeping.keep(run, KEPT) is False
    assert (
        Classifier.load(run.path).thresholds == Thresholds.of_file(run.weights) == keeping.kept(run, Thresholds) == KEPT
    )
    with zipfile.ZipFile(io.BytesIO(export_zip(run))) as archive:
        note = archive.read(f"{run.id}/README.txt").decode()
        script = archive.read(f"{run.id}/classify.py").decode()
    assert "Thresholds for 0.5 false alarms an hour in all, measured on 2 h in 3 recordings." in note
    assert "cat 25.0 %, dog never" in note
    assert "threshold_in_use(None, classifier.thresholds, classifier.label_thresholds)" in script
    assert not keeping.switch(run, Thresholds, False).on
    assert Thresholds.of_file(run.weights) == KEPT.switched(False)
    without = Classifier.load(run.path)
    without.thresholds = None
    without.save(run.weights)
    assert run.weights.read_bytes() == before  # nothing else had changed


@pytest.mark.parametrize("change", [Temperature(value=2.0), unknown()], ids=["temperature", "unknown"])
def test_thresholds_of_other_probabilities_are_switched_off(make_run, change):
    run = make_run()
    keeping.keep(run, KEPT)
    assert keeping.keep(run, change.switched(False)) is False
    assert Thresholds.of_file(run.weights).on
    assert keeping.keep(run, change) is True
    assert Thresholds.of_file(run.weights) == KEPT.switched(False)
    for asked in (lambda: keeping.switch(run, Thresholds, True), lambda: keeping.keep(run, KEPT)):
        with pytest.raises(RunError, match="measured with another temperature or other refusals"):
            asked()
    keeping.switch(run, type(change), False)
    assert keeping.switch(run, Thresholds, True).on


@pytest.mark.parametrize("values", [{"cow": 0.5}, {"cat": -0.1}, {"cat": 3.0}, {"cat": "loud"}, "loud"])
def test_what_are_no_thresholds_is_refused(make_classifier, values):
    content = make_classifier().to_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    facts = json.loads(header["__metadata__"]["labcore"]) | {"thresholds": {"values": values}}
    header["__metadata__"]["labcore"] = json.dumps(facts)
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    damaged = len(told).to_bytes(8, "little") + told + content[8 + size :]
    with pytest.raises(RunError, match="not a classifier of this lab"):
        read_weights(io.BytesIO(damaged), len(damaged), "w")


def test_thresholds_in_words():
    told = [threshold_words(value) for value in (0, 0.5, 0.96049, 0.9996, 0.999_996, 1 - 1e-8, 1, NEVER)]
    assert told == ["0.0 %", "50.0 %", "96.0 %", "99.960 %", "99.99960 %", "99.9999990 %", "100.0 %", "never"]


def test_thresholds_of_other_refusals_are_switched_off_too(make_run):
    run, known = make_run(), unknown()
    keeping.keep(run, known)
    kept = KEPT.model_copy(update={"refusal": known.threshold.value})
    assert keeping.keep(run, kept) is False
    assert keeping.keep(run, known.fitted(np.arange(60.0), 0.1, "60 clips")) is True
