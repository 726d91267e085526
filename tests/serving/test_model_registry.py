import unicodedata

import numpy as np
import pytest
import torch

from labcore.errors import ConfigError, RunError
from labcore.inference.classifier import Classifier
from labcore.inference.temperature import Temperature
from labcore.inference.unknown import Unknown
from labcore.serving.model_registry import ModelRegistry


def test_a_model_is_known_by_its_run_or_by_a_name(make_run, find):
    one, two = make_run(1), make_run(2, labels=("a", "b"))
    registry = ModelRegistry([str(one.path), f"birds={two.path}"], find, "cpu")
    assert [model.name for model in registry.models] == [one.id, "birds"]
    assert registry.get() is registry.get(one.id)
    assert registry.get("birds").classifier.labels == ["a", "b"]
    assert registry.get("bats") is None
    facts = registry.get("birds").facts
    assert (facts.run, facts.golden_clips, facts.device) == (two.id, 2, "cpu")
    assert facts.golden_difference < 1e-5


def test_a_model_has_a_name_in_any_script(make_run, find):
    one, two = make_run(1), make_run(2)
    registry = ModelRegistry([f"певчий={one.path}", f"鳥 の 声={two.path}"], find, "cpu")
    assert [model.name for model in registry.models] == ["певчий", "鳥-の-声"]
    assert registry.get(unicodedata.normalize("NFD", "певчий")).facts.run == one.id


def test_two_models_need_two_names(make_run, find):
    run = make_run()
    with pytest.raises(ConfigError, match="two models have the name"):
        ModelRegistry([str(run.path), str(run.path)], find, "cpu")
    with pytest.raises(ConfigError, match="no model"):
        ModelRegistry([], find, "cpu")


def test_weights_that_answer_otherwise_are_not_served(make_run, find):
    run = make_run()
    classifier = Classifier.load(run.path)
    with torch.no_grad():
        classifier.network[-1].bias[0] += 0.01
    classifier.save(run.weights)
    with pytest.raises(RunError, match="is not served: the self-check failed"):
        ModelRegistry([str(run.path)], find, "cpu")


def test_weights_without_golden_clips_are_served_and_said_to_be_unverified(make_run, find):
    facts = ModelRegistry([str(make_run(golden=0).path)], find, "cpu").get().facts
    assert (facts.golden_clips, facts.golden_difference) == (0, None)


def test_what_the_weights_carry_is_told(make_run, find):
    run = make_run()
    facts = ModelRegistry([str(run.path)], find, "cpu").get().facts
    assert (facts.temperature, facts.unknown) == (None, None)
    classifier = Classifier.load(run.path)
    classifier.temperature = Temperature(value=1.5, on=False, clips=40, source="40 validation clips of the run")
    known = Unknown.of(np.ones((4, 128)), np.zeros((2, 128))).fitted(np.arange(30.0), 0.1, "30 clips")
    classifier.unknown = known
    classifier.save(run.weights)
    told = ModelRegistry([str(run.path)], find, "cpu").get().facts.model_dump()
    assert told["temperature"] == {"value": 1.5, "on": False, "clips": 40, "source": "40 validation clips of the run"}
    assert told["unknown"] == known.threshold.model_dump()
    assert (told["unknown"]["on"], told["unknown"]["refused"]) == (True, 0.1)


def test_changed_weights_are_taken_and_the_others_stay(make_run, make_classifier, find):
    one, two = make_run(1), make_run(2)
    registry = ModelRegistry([f"one={one.path}", f"two={two.path}"], find, "cpu")
    before = registry.get("one"), registry.get("two")
    make_classifier(3).save(two.weights)
    assert registry.reload() == {"one": None, "two": None}
    assert registry.get("one") is before[0]
    assert registry.get("two").facts.sha256 != before[1].facts.sha256
    assert [model.name for model in registry.models] == ["one", "two"]


def test_bad_weights_are_not_taken(make_run, find):
    run = make_run()
    registry = ModelRegistry([str(run.path)], find, "cpu")
    before = registry.get()
    run.weights.write_bytes(b"\x80\x04 nothing good")
    outcome = registry.reload()
    assert "is a pickle" in str(outcome[run.id])
    run.weights.unlink()
    assert "cannot be read" in str(registry.reload()[run.id])
    assert registry.get() is before
