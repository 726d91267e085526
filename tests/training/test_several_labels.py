"""A run whose clips have several labels, from its first epoch to its figures."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.batch.predicting import predict_files
from labcore.batch.segments import segments_of, with_labels
from labcore.errors import LabError, RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.evaluate import evaluate
from labcore.evaluation.label_predictions import LabelPredictions
from labcore.events import Epoch, Evaluated, EvaluatedLabels, TrainingStarted
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.task.of_file import gives_several, require_one_label
from labcore.task.several import SeveralLabels
from labcore.task.thresholds import LabelThresholds
from labcore.training.loop import train
from labcore.training.prepare import prepare
from labcore.workspace import Workspace
from tests.training.outcome import outcome

RATE = 8000
CELLS = ("tone", "clicks", "tone;clicks", "-tone", "tone;?", "hiss;clicks")


def mixture(cell: str, random: np.random.Generator, seconds: float = 0.5) -> np.ndarray:
    """What is heard in a clip of a cell, over faint noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    sounds = {
        "tone": 0.3 * np.sin(2 * np.pi * random.uniform(600, 900) * time),
        "clicks": (np.arange(len(time)) % random.integers(350, 450) < 5).astype(float),
        "hiss": random.normal(0, 0.2, len(time)),
    }
    return random.normal(0, 0.01, len(time)) + sum(sound for name, sound in sounds.items() if name in cell.split(";"))


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """A finished run, its events and its workspace."""
    folder, random = tmp_path_factory.mktemp("several"), np.random.default_rng(1)
    rows = ["path,label,fold"]
    for number in range(120):
        cell, name = CELLS[number % len(CELLS)], f"{number}.wav"
        soundfile.write(folder / name, mixture(cell, random), RATE)
        rows.append(f"{name},{cell},{1 + number // len(CELLS) % 4}")
    (folder / "clips.csv").write_text("\n".join(rows))
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    config = tiny.config.replace(
        {"data.dataset": str(folder), "data.validation_share": 0.3, "optim.epochs": 12, "data.fold": "1"}
    )
    run = Run.create(workspace, config)
    events = []
    for event in train(config, run, workspace):
        run.append(event)
        events.append(event)
    return run, events, workspace


def test_weighting_has_a_weight_for_each_label_where_some_clips_have_none(trained):
    run, _, workspace = trained
    config = run.config.replace({"data.balance": "weighting"})
    session = outcome(prepare(config, Run.create(workspace, config), workspace, lambda: False))[1]
    weights = dict(zip(session.clips.labels, session.balance.loss_weights().tolist(), strict=True))
    assert weights["hiss"] > 1.2 * max(weights["tone"], weights["clicks"])


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_it_learns_each_label(trained):
    _, events, _ = trained
    (started,), (result,) = of(events, TrainingStarted), of(events, EvaluatedLabels)
    assert sorted(started.labels) == ["clicks", "hiss", "tone"]
    assert not of(events, Evaluated)
    assert result.mean_ap > 0.7
    if result.mean_ap_low is not None:  # where hardly a draw of recordings changes it there is no interval
        assert result.mean_ap_low <= result.mean_ap <= result.mean_ap_high
    assert result.per_class["tone"] | {"clips": 15, "others": 15} == result.per_class["tone"]  # all is known of tones
    assert (
        result.per_class["hiss"] | {"clips": 5, "others": 20} == result.per_class["hiss"]
    )  # but not of tone;? the rest
    epochs = of(events, Epoch)
    assert {(epoch.train_accuracy, epoch.val_accuracy) for epoch in epochs} == {(None, None)}
    assert all(0 < epoch.val_mean_ap <= 1 for epoch in epochs)
    assert epochs[-1].val_loss < epochs[0].val_loss


def test_the_figures_follow_from_the_kept_predictions(trained):
    run, events, _ = trained
    (result,) = of(events, EvaluatedLabels)
    again = LabelPredictions.read([run.predictions]).figures("1")
    assert again.facts() | {"time": 0} == result.facts() | {"time": 0}
    with pytest.raises(RunError, match="several labels a clip, and this needs predictions of one"):
        ClipPredictions.read([run.predictions])


def test_mistakes_are_missed_or_false(trained):
    run, _, _ = trained
    predictions = LabelPredictions.read([run.predictions])
    for number, label in enumerate(predictions.labels):
        for kind, known in (("missed", 1), ("false alarms", 0)):
            rows = predictions.mistakes(label, kind)
            assert (predictions.targets[rows, number] == known).all()
            assert (predictions.decided[rows, number] != known).all()
            assert (np.diff(predictions.probabilities[rows, number]) * (1 if known else -1) >= 0).all()


def test_the_weights_know_labels_and_thresholds(trained):
    run, events, _ = trained
    (result,) = of(events, EvaluatedLabels)
    classifier = Classifier.load(run.weights)
    assert classifier.verify() < 1e-4
    limits = classifier.label_thresholds
    assert limits.source == f"the {of(events, TrainingStarted)[0].validation_clips} validation clips"
    assert {label: row["threshold"] for label, row in result.per_class.items()} == {
        label: limits.of(label) for label in classifier.labels
    }
    assert gives_several(run.weights)
    with pytest.raises(RunError, match="A temperature needs a classifier of one label a clip") as refused:
        require_one_label(run, "A temperature", "Use thresholds")
    assert refused.value.remedy == "Use thresholds"
    content = classifier.to_bytes()
    assert Classifier.from_bytes(content).to_bytes() == content
    classifier.task = SeveralLabels(LabelThresholds(values={"clocks": 0.5}, source="elsewhere"))
    with pytest.raises(LabError, match="a threshold for 'clocks', which is none of its labels"):
        Classifier.from_bytes(classifier.to_bytes())


def test_a_recording_has_its_labels_over_time(trained, tmp_path: Path):
    run, _, _ = trained
    random, file = np.random.default_rng(5), tmp_path / "long.wav"
    parts = [mixture(cell, random, 2.0) for cell in ("tone", "tone;clicks", "clicks")]
    soundfile.write(file, np.concatenate(parts), RATE)
    classifier = Classifier.load(run.weights)
    ((_, told),) = predict_files(classifier, [file])
    events = segments_of(told, classifier.label_thresholds.values)
    (tone,) = (each for each in events if each.label == "tone" and each.windows > 3)
    (clicks,) = (each for each in events if each.label == "clicks" and each.windows > 3)
    assert (tone.start_s, clicks.end_s) == (0.0, pytest.approx(6.0))
    assert clicks.start_s < 3 < tone.end_s  # they overlap
    everything = with_labels(told, 0.0)
    assert set(everything["label"].split(";")) == {"clicks", "hiss", "tone"}
    nothing = with_labels(told, 1.0)
    assert (nothing["labels"], nothing["label"]) == ([], "none of these")


def test_the_same_clips_are_evaluated_to_the_same_figures(trained):
    from labcore.datasets.resuming import dataset_of
    from labcore.datasets.splits import split_for
    from labcore.datasets.store import open_store

    run, events, workspace = trained
    (result,) = of(events, EvaluatedLabels)
    classifier = Classifier.load(run.weights)
    store = open_store(workspace, dataset_of(run, workspace, run.config.data.dataset), RATE)
    again = evaluate(classifier, store, split_for(store.table, run.config.data).held_out, "1")
    assert again.mean_ap == pytest.approx(result.mean_ap)
    assert again.per_class["tone"]["f1"] == pytest.approx(result.per_class["tone"]["f1"])


def test_a_stopped_run_goes_on_to_the_same_weights(trained):
    run, _, workspace = trained
    config = run.config.replace({"optim.epochs": 2})
    whole, parted = (Run.create(workspace, config) for _ in range(2))
    for event in train(config, whole, workspace):
        whole.append(event)
    for event in train(config, parted, workspace, should_stop=lambda: parted.epochs_done == 1):
        parted.append(event)
    assert not parted.weights.exists()
    for event in train(config, parted, workspace):
        parted.append(event)
    assert parted.weights.read_bytes() == whole.weights.read_bytes()
