"""The training clips of a run as its network sees them: made once, whole, with the labels of the time."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from labcore.config import RunConfig
from labcore.datasets import read_dataset
from labcore.datasets.record import ClipRecord
from labcore.datasets.splits import split_for
from labcore.errors import DatasetError, RunError
from labcore.evaluation import training_clips as module
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.eval_set import EvalSet
from labcore.evaluation.training_clips import FILE, known_training_clips, training_clips
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from tests.small import SMALL


@pytest.fixture
def run(workspace, class_folders) -> Run:
    """One with weights that nobody trained, and a record of its clips."""
    config = RunConfig().replace({"data.dataset": str(class_folders), "data.fold": "1", **SMALL})
    made = Run.create(workspace, config)
    dataset = read_dataset(class_folders)
    parts = split_for(dataset.table, config.data)
    ClipRecord.of(dataset, dataset.table, parts, dataset.labels).save(made)
    Classifier(config, dataset.labels).save(made.weights)
    return made


def test_they_are_those_that_were_trained_on(run, workspace):
    assert known_training_clips(run) is None
    told = []
    made = training_clips(run, workspace, lambda done, total: told.append((done, total)), device="cpu")
    record = ClipRecord.load(run)
    assert list(made.frame["clip"]) == [clip.path for clip in record.clips if clip.part == "train"]
    assert list(made.frame["label"]) == [clip.label for clip in record.clips if clip.part == "train"]
    assert told[-1] == (len(made), len(made))
    classifier = Classifier.load(run.path)
    expected = classifier.classify(run.config.data.dataset + "/" + made.frame["clip"][0]).probabilities
    assert made.probabilities[0] == pytest.approx(list(expected.values()), abs=1e-4)
    assert made.embeddings.shape[0] == len(made)


def test_they_are_made_once(run, workspace, monkeypatch):
    first = training_clips(run, workspace, device="cpu")
    monkeypatch.setattr(module, "open_store", lambda *given: pytest.fail("made again"))
    assert np.array_equal(training_clips(run, workspace).embeddings, first.embeddings)
    monkeypatch.undo()
    later = (run.path / FILE).stat().st_mtime_ns + 10**9  # other weights
    os.utime(run.weights, ns=(later, later))
    assert known_training_clips(run) is None
    (run.path / FILE).write_bytes(b"PAR1 damaged")
    os.utime(run.weights, ns=(0, 0))
    assert known_training_clips(run) is None
    assert isinstance(training_clips(run, workspace, device="cpu"), ClipPredictions)


def test_a_full_gpu_leaves_it_to_the_cpu(run, workspace, monkeypatch):
    real, tries = EvalSet.parts, []

    def parts(self, progress):
        tries.append(self.classifier.device.type)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, progress)

    monkeypatch.setattr(EvalSet, "parts", parts)
    assert len(training_clips(run, workspace)) > 0
    assert len(tries) == 2
    assert tries[1] == "cpu"


def test_what_is_stopped_leaves_nothing_behind(run, workspace):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training_clips(run, workspace, stop, device="cpu")
    assert known_training_clips(run) is None
    assert not list(run.path.glob(f"*{FILE}*"))


def test_labels_are_those_of_the_training(run, workspace, class_folders):
    record = ClipRecord.load(run)
    first, second = [n for n, clip in enumerate(record.clips) if clip.part == "train"][:2]
    clips = list(record.clips)
    clips[first] = replace(clips[first], label="low tones")  # corrected since
    replace(record, clips=tuple(clips)).save(run)
    (class_folders / clips[second].path).unlink()
    made = training_clips(run, workspace, device="cpu").frame.set_index("clip")["label"]
    assert made[clips[first].path] == "low tones"
    assert clips[second].path not in made.index


def test_what_is_missing_is_told(run, workspace, class_folders):
    for file in class_folders.glob("*/*.wav"):
        file.rename(file.with_name(f"other-{file.name}"))
    with pytest.raises(DatasetError, match="none of the clips"):
        training_clips(run, workspace, device="cpu")
    run.weights.unlink()
    with pytest.raises(RunError):
        training_clips(run, workspace, device="cpu")
