"""What a run keeps of its held-out clips."""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from labcore.backup.restoring import restore
from labcore.backup.writing import back_up
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import summarise
from labcore.evaluation.metrics import Circumstances, score
from labcore.evaluation.predictions import read_predictions
from labcore.events import Evaluated, Log, RunFinished
from labcore.export import export_zip
from labcore.inference.classifier import Classifier
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.task.single import SingleLabel
from labcore.workspace import Workspace


def figures_again(frame, fold):
    """The result, worked out of what was kept."""
    labels = frame.attrs["labels"]
    return score(
        frame[labels].to_numpy().argmax(1), SingleLabel().targets(frame["label"], labels), labels, Circumstances(fold)
    )


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    run = Run.create(workspace, tiny.config.replace({"optim.epochs": 2}))
    assert work(run).state == "finished"
    return run


def test_the_result_follows_from_it(trained, tiny):
    frame, result = read_predictions([trained.predictions]), trained.last_event(Evaluated)
    assert len(frame) == result.clips == 12
    again = figures_again(frame, "1")
    for name in ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "per_class", "confusion"):
        assert getattr(again, name) == getattr(result, name)
    classifier = Classifier.load(trained.path)
    for row in frame.itertuples():
        assert row.clip.startswith("fold1/")
        assert (row.fold, row.label, row.start_s) == ("1", row.clip.split("/")[1], 0.0)
        assert row.end_s == (0.8 if row.clip.endswith("-0.wav") else 0.5)
        answer = classifier.classify(tiny.path / row.clip)
        said = [getattr(row, label) for label in classifier.labels]
        np.testing.assert_allclose(said, [*answer.probabilities.values()], atol=1e-6)
        assert len(row.embedding) == 128
        assert row.embedding.dtype == np.float16


def test_it_is_in_a_backup_and_not_in_the_zip_and_goes_with_the_run(trained, tmp_path):
    workspace = Workspace(trained.path.parent.parent)
    back_up(workspace, tmp_path / "b.tar")
    there = Workspace(tmp_path / "there")
    restore(tmp_path / "b.tar", there)
    restored = Run.open(there, trained.id)
    assert restored.predictions.read_bytes() == trained.predictions.read_bytes()
    with zipfile.ZipFile(BytesIO(export_zip(trained))) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".parquet")]
    restored.predictions.unlink()  # a run of before
    assert restored.status().state == "finished"
    assert Classifier.load(restored.path).labels
    restored.delete()
    assert not restored.path.exists()


def test_a_full_disk_costs_the_file_and_not_the_run(tiny, monkeypatch):
    real = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, *mode, **more: real(Path("/dev/full") if "parquet" in self.name else self, *mode, **more),
    )
    run, told = Run.create(tiny.workspace, tiny.config.replace({"optim.epochs": 1})), []
    assert work(run, on_event=told.append).state == "finished"
    (warning,) = [event for event in told if isinstance(event, Log) and event.level == "warning"]
    assert "No space left" in warning.message
    assert [type(event) for event in told[-2:]] == [Evaluated, RunFinished]
    assert run.weights.is_file()
    assert not [path for path in run.path.iterdir() if "parquet" in path.name]


def test_the_folds_of_a_cross_validation_judge_each_clip_once(tiny, tmp_path):
    workspace = Workspace(tmp_path / "home")
    experiment = CrossValidation.create(workspace, tiny.config.replace({"optim.epochs": 1}), queued=False)
    for run in experiment.members().values():
        assert work(run).state == "finished"
    pooled = read_predictions([run.predictions for run in experiment.members().values()])
    assert sorted(pooled["clip"]) == sorted(str(path.relative_to(tiny.path)) for path in tiny.path.rglob("*.wav"))
    for fold, run in experiment.members().items():  # by the network that never heard it
        assert set(read_predictions([run.predictions])["fold"]) == {fold}
    official, again = summarise(experiment).official, figures_again(pooled, "all")
    assert (official.accuracy, official.low, official.high) == (again.accuracy, again.accuracy_low, again.accuracy_high)
    assert (official.macro_f1, official.per_class, official.confusion) == (
        again.macro_f1,
        again.per_class,
        again.confusion,
    )
