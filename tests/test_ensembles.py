"""Ensembles: what they answer, that they are classifiers like any other, and which runs are refused."""

import json
import zipfile

import numpy as np
import pytest
import torch

from labcore.cli import ensemble as command
from labcore.cli.main import main
from labcore.config import RunConfig
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import find_dataset
from labcore.datasets.splits import split_for
from labcore.ensembles import put_together, save_ensemble
from labcore.errors import ConfigError, RunError
from labcore.evaluation.metrics import Circumstances, figures_of
from labcore.evaluation.predictions import read_predictions
from labcore.events import RunFinished
from labcore.export import export_zip
from labcore.inference.classifier import Classifier
from labcore.models.ensemble import Ensemble
from labcore.runs import Run
from labcore.runs.honesty import adjustments

LABELS = ["dog_bark", "car_horn"]


@pytest.fixture
def member(workspace, urbansound):
    """member(seed, labels=…, **changes) → a finished run with fresh weights."""

    def make(seed, *, labels=LABELS, finished=True, mean=0.0, **changes):
        config = RunConfig().replace(
            {
                "data.dataset": str(urbansound),
                "data.fold": "2",
                "audio.sample_rate": 8000,
                "audio.clip_seconds": 0.1,
                "features.n_mels": 16,
                "model.width": 0.25,
                "runtime.seed": seed,
                **{path.replace("__", "."): value for path, value in changes.items()},
            }
        )
        run = Run.create(workspace, config)
        if finished:
            torch.manual_seed(seed)
            classifier = Classifier(config, labels)
            classifier.log_mel.mean.fill_(mean)
            classifier.save(run.weights)
            run.append(RunFinished(state="finished"))
        return run

    return make


@pytest.fixture
def sound(noise):
    return noise(0.35, 8000, seed=3)


def test_its_probabilities_are_the_mean_of_its_members(member, sound):
    runs = [member(0), member(1), member(2, model__name="small_cnn", optim__epochs=3)]
    answers = [Classifier.load(run.path).classify_waveform(sound).probabilities for run in runs]
    together = put_together(runs).classify_waveform(sound).probabilities
    for label in LABELS:
        assert together[label] == pytest.approx(np.mean([answer[label] for answer in answers]), abs=1e-5)
    assert len({round(answer["dog_bark"], 4) for answer in answers}) > 1


def test_it_is_a_run_like_any_other(member, workspace, sound, tmp_path):
    runs = [member(0), member(1)]
    made, result = save_ensemble(workspace, runs)
    assert made.status().state == "finished"
    assert made.status().accuracy == result.accuracy
    assert (result.clips, result.fold) == (4, "2")
    assert [each["run"] for each in made.load("ensemble")["members"]] == [run.id for run in runs]
    kept = read_predictions([made.predictions])
    assert len(kept) == result.clips
    assert (
        kept[LABELS].to_numpy().argmax(1) == [LABELS.index(label) for label in kept["label"]]
    ).mean() == result.accuracy
    assert len(kept["embedding"][0]) == 2 * 128  # of both members
    assert not [path for path in workspace.runs.iterdir() if path.name.startswith(".")]
    again = Classifier.load(made.path)
    assert isinstance(again.network, Ensemble)
    told, made_of = again.classify_waveform(sound), put_together(runs).classify_waveform(sound)
    assert told.probabilities == pytest.approx(made_of.probabilities, abs=1e-5)  # what is loaded is folded for use
    home = tmp_path / "home.zip"
    home.write_bytes(export_zip(made))
    with zipfile.ZipFile(home) as archive:
        assert f"labcore ensemble {runs[0].id} {runs[1].id}" in archive.read(f"{made.id}/README.txt").decode()
    assert Classifier.load(home).classify_waveform(sound) == again.classify_waveform(sound)
    assert len(put_together([made, member(2)]).network.members) == 3
    assert again.to_bytes() == Classifier.load(home).to_bytes()


def test_what_its_members_learnt_of_the_held_out_clips_is_told(member, workspace, urbansound):
    runs = [member(0), member(1)]
    dataset = find_dataset(workspace, str(urbansound))
    for run, fold in zip(runs, ("2", "1"), strict=True):  # the second one was made with other folds
        parts = split_for(dataset, run.config.data.model_copy(update={"fold": fold}))
        ClipRecord.of(dataset, dataset.table, parts, LABELS).save(run)
    runs[0].append(figures_of({}, Circumstances(adjusted=2)))
    made, result = save_ensemble(workspace, runs)
    assert (result.trained_on, result.leaks, result.clips) == (4, True, 4)
    assert adjustments(made.events()) == 2


def test_an_ensemble_of_a_random_split_leaks_as_its_members_do(member, workspace):
    runs = [member(seed, data__split="random") for seed in range(2)]
    _, result = save_ensemble(workspace, runs)
    assert (
        result.leaks
        == split_for(find_dataset(workspace, runs[0].config.data.dataset), runs[0].config.data).leaks
        is True
    )


def test_a_very_sure_member_gives_finite_logits():
    class Sure(torch.nn.Module):
        def forward(self, images):
            return torch.tensor([[1000.0, -1000.0]]).expand(len(images), -1)

    logits = Ensemble([Sure(), Sure()])(torch.zeros(3, 1, 4, 4))
    assert bool(torch.isfinite(logits).all())
    assert logits.softmax(1)[:, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"labels": ["car_horn", "dog_bark"]}, "different classes"),
        ({"data__fold": "1"}, "differ in data.fold: 2 and 1"),
        ({"data__split": "random"}, r"differ in data\.split"),
        ({"data__named_split": "mine"}, r"differ in data\.named_split"),
        ({"features__n_mels": 24}, "differ in features"),
        ({"audio__clip_seconds": 0.2}, "differ in audio"),
        ({"mean": -20.0}, "different clips"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(member, other, says):
    with pytest.raises(ConfigError, match=says):
        put_together([member(0), member(1, **other)])


def test_one_run_twice_one_alone_and_one_unfinished_are_refused(member):
    run = member(0)
    with pytest.raises(ConfigError, match="at least two"):
        put_together([run])
    with pytest.raises(ConfigError, match="given twice"):
        put_together([run, run])
    with pytest.raises(RunError, match="no weights"):
        put_together([run, member(1, finished=False)])


def test_the_command(member, workspace, monkeypatch, capsys):
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    runs = [member(0), member(1)]
    assert main(["ensemble", *(run.id for run in runs), "--device", "cpu", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["members"] == [run.id for run in runs]
    assert told["clips"] == 4
    assert Run.open(workspace, told["run_id"]).status().state == "finished"
    assert main(["ensemble", runs[0].id, "nothing"]) == 2
    assert "no run 'nothing'" in capsys.readouterr().err
    assert command.parser().prog == "labcore ensemble"
