import io
import zipfile

import numpy as np
import pytest
import safetensors.torch
import torch

from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.inference.classifier import Classifier
from labcore.inference.golden import Golden, spread

RATE = 8000


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    config = RunConfig().replace({"audio.sample_rate": RATE, "audio.clip_seconds": 0.5, "model.width": 0.25})
    made = Classifier(config, ["cat", "dog"])
    made.log_mel.mean.normal_(-40, 5)
    with torch.no_grad():
        made.network[-1].weight.mul_(2)
    return made.eval()


@pytest.fixture
def clips():
    drawn = np.random.default_rng(0).normal(0, 0.1, (3, RATE // 2)).astype(np.float32)
    drawn[1] *= 20  # beyond full scale
    return drawn


def test_golden_clips_travel_with_the_weights(classifier, clips, tmp_path):
    classifier.remember(clips)
    classifier.save(tmp_path / "weights.safetensors")
    again = Classifier.load(tmp_path / "weights.safetensors")
    assert len(again.golden) == 3
    np.testing.assert_array_equal(again.golden.samples, classifier.golden.samples)
    assert again.verify() <= 1e-6
    assert again.to_bytes() == classifier.to_bytes()
    answer = again.classify_waveform(clips[1])
    np.testing.assert_allclose([*answer.probabilities.values()], again.golden.probabilities[1], atol=1e-6)


def test_other_weights_are_found_out(classifier, clips):
    classifier.remember(clips)
    with torch.no_grad():
        classifier.network[-1].bias[0] += 0.01
    with pytest.raises(RunError, match=r"golden clip \d of 3 is (cat|dog) with probability .* now and was"):
        classifier.verify()


def test_another_front_end_is_found_out(classifier, clips):
    classifier.remember(clips)
    classifier.log_mel.mean.add_(0.5)
    with pytest.raises(RunError, match="self-check failed"):
        classifier.verify()


def test_weights_that_are_no_numbers_are_found_out(classifier, clips):
    classifier.remember(clips)
    with torch.no_grad():
        classifier.network[-1].bias.fill_(float("nan"))
    with pytest.raises(RunError, match="nan"):
        classifier.verify()


def test_without_golden_clips_there_is_nothing_to_verify(classifier, clips):
    classifier.remember(clips[:0])
    assert classifier.golden is None
    assert classifier.verify() is None
    assert Classifier.from_bytes(classifier.to_bytes()).golden is None


@pytest.mark.parametrize("name", ["samples", "scales", "probabilities"])
def test_mangled_golden_clips_are_refused(classifier, clips, name):
    classifier.remember(clips)
    content = classifier.to_bytes()
    tensors = safetensors.torch.load(content)
    header = safetensors_header(content)
    whole = dict(tensors)
    del whole[f"golden.{name}"]
    with pytest.raises(RunError, match=f"golden clips without golden.{name}"):
        Classifier.from_bytes(safetensors.torch.save(whole, header))
    tensors[f"golden.{name}"] = tensors[f"golden.{name}"][:2]
    with pytest.raises(RunError, match="golden"):
        Classifier.from_bytes(safetensors.torch.save(tensors, header))


def safetensors_header(content):
    import json

    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def test_pickles_are_refused_by_name(classifier, tmp_path):
    torch.save(classifier.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(RunError, match="is a pickle: reading it could execute code"):
        Classifier.load(tmp_path / "weights.pt")
    torch.save(classifier.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RunError, match="is a pickle"):
        Classifier.load(tmp_path / "old.pt")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "nothing")
    (tmp_path / "some.zip").write_bytes(buffer.getvalue())
    with pytest.raises(RunError, match="none in the zip"):
        Classifier.load(tmp_path / "some.zip")


def test_golden_clips_are_of_as_many_classes_as_can_be():
    targets = np.array([0, 0, 0, 1, 1, 2])
    assert spread(targets, 4).tolist() == [0, 3, 5, 1]
    assert spread(targets, 99).tolist() == [0, 3, 5, 1, 4, 2]
    assert spread(targets, 0).tolist() == []


def test_replaying_leaves_tf32_as_it_was(classifier, clips):
    from labcore.device import allow_tf32, set_tf32, tf32_settings

    before = tf32_settings()
    try:
        allow_tf32(True)
        Golden.of(clips, classifier, torch.device("cpu"))
        assert tf32_settings() == (True, True)
    finally:
        set_tf32(before)


def test_the_zip_says_whose_sound_travels_with_the_weights(classifier, clips, workspace):
    from labcore.export import export_zip
    from labcore.runs import Run

    run = Run.create(workspace, classifier.config)
    for kept, sentence in (
        (3, "by 3 held-out clips that the weights carry"),
        (0, "the weights contain no golden clips"),
    ):
        classifier.remember(clips[:kept])
        classifier.save(run.weights)
        with zipfile.ZipFile(io.BytesIO(export_zip(run))) as archive:
            assert sentence in archive.read(f"{run.id}/README.txt").decode()
