"""Runs that go on after their data set, or the whole workspace, has moved: to the same figures, bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from labcore.backup.restoring import restore
from labcore.backup.writing import back_up
from labcore.cli.train import check_inputs
from labcore.datasets import assemble, registry
from labcore.datasets.record import FILE, ClipRecord
from labcore.datasets.resuming import dataset_of, name_place, require_data
from labcore.errors import DatasetError
from labcore.explore.augment_preview import preview
from labcore.jobs.process import work
from labcore.runs import Run, list_runs
from labcore.runs.origin import EXPERIMENT
from labcore.workspace import Workspace


@pytest.fixture
def home(tmp_path, class_folders):
    """A workspace with the data set "tones", whose folds are drawn."""
    workspace = Workspace(tmp_path / "here")
    shutil.copytree(class_folders, workspace.datasets / "tones")
    return workspace


@pytest.fixture
def config(tiny):
    return tiny.config.replace(
        {
            "data.dataset": "tones",
            "data.fold": None,
            "optim.batch_size": 4,
            "optim.epochs": 3,
            "audio.clip_seconds": 0.25,
        }
    )


def begun(workspace, config, epochs=1):
    """A run that was stopped after some of its epochs."""
    run = Run.create(workspace, config)
    assert work(run, lambda: len(run.epochs()) >= epochs).state == "stopped"
    return run


def to_the_end(run):
    """Its epochs' figures, and the bytes of its weights without their header, which names the data set."""
    torch.manual_seed(99)  # whatever else the process draws in between
    finished = work(run)
    assert (finished.state, finished.error) == ("finished", "")
    shown = ("epoch", "train_loss", "val_loss", "val_accuracy", "lr")
    return [[getattr(epoch, name) for name in shown] for epoch in run.epochs()], tensors(run)


def tensors(run):
    content = run.weights.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


def moved(workspace, to):
    shutil.move(workspace.home, to)
    return Workspace(to)


@pytest.mark.parametrize("way", ["copied", "restored"])
def test_a_workspace_elsewhere_goes_on_to_the_same_figures(home, config, tmp_path, way):
    run = begun(home, config)
    there = Workspace(tmp_path / "there")
    if way == "copied":
        shutil.copytree(home.home, there.home)
    else:
        back_up(home, tmp_path / "b.tar", datasets=True)
        restore(tmp_path / "b.tar", there)
    alone = to_the_end(run)
    shutil.rmtree(home.home)
    (again,) = list_runs(there)
    assert to_the_end(again) == alone
    assert again.config.data.dataset == "tones"


@pytest.mark.parametrize("part", [{"data.validation_share": 0.2}, {"data.train_recordings": 2}])
def test_it_goes_on_without_what_came_to_its_data_set_since(home, config, noise, part):
    config = config.replace(part)
    alone = to_the_end(begun(home, config))
    run = begun(home, config)
    parts = {clip.path: clip.part for clip in ClipRecord.load(run).clips}
    for name in ("high/0a.wav", "low tones/x.wav", "a new class/1.wav", "a new class/2.wav"):
        file = home.datasets / "tones" / name
        file.parent.mkdir(exist_ok=True)
        soundfile.write(file, noise(0.5, 8000), 8000)
    assert to_the_end(run) == alone
    assert {clip.path: clip.part for clip in ClipRecord.load(run).clips} == parts
    (told,) = (event.message for event in run.events() if "it goes on" in getattr(event, "message", ""))
    assert told == f"tones is not as it was when the run began: it goes on with its own {len(parts)} clips"
    kept = pd.read_parquet(run.predictions)
    assert set(kept["clip"]) == {path for path, part in parts.items() if part == "held out"}
    assert set(kept["fold"]) == {run.config.data.fold}


@pytest.mark.parametrize(("what", "told"), [("changed", "high/0.wav has"), ("a fold", "high/0a.wav is new")])
def test_a_clip_that_changed_is_refused_and_so_is_a_new_one_in_a_cross_validation(home, config, noise, what, told):
    run = begun(home, config)
    if what == "changed":
        soundfile.write(home.datasets / "tones" / "high" / "0.wav", noise(0.7, 8000), 8000)
    else:
        run.save(EXPERIMENT, {"experiment": "one", "fold": "1"})
    soundfile.write(home.datasets / "tones" / "high" / "0a.wav", noise(0.5, 8000), 8000)
    finished = work(run)
    assert finished.state == "stopped"
    assert told in finished.error


def test_paths_into_the_workspace_are_found_where_it_lies_now(home, config, tmp_path, noise):
    soundfile.write(home.datasets / "rain.wav", noise(1.0, 8000), 8000)
    first = Run.create(home, config)
    to_the_end(first)
    named = config.replace(
        {
            "data.dataset": str(home.datasets / "tones"),
            "augment.noise": 0.5,
            "augment.noise_file": str(home.datasets / "rain.wav"),
            "model.pretrained": str(first.path),
        }
    )
    waits, run = Run.create(home, named), begun(home, named)
    there = moved(home, tmp_path / "there")
    for each in (run, waits):
        elsewhere = Run(there.runs / each.id)
        require_data(elsewhere, there)
        figures, _ = to_the_end(elsewhere)
        assert len(figures) == 3
    assert tensors(Run(there.runs / run.id)) == tensors(Run(there.runs / waits.id))
    check_inputs(named, there)  # as before a run is made
    clip = noise(0.5, 8000)
    shown = preview(named, clip, 0, steps="noise", workspace=there).sound
    named_anew = named.replace({"augment.noise_file": str(there.datasets / "rain.wav")})
    assert np.array_equal(shown, preview(named_anew, clip, 0, steps="noise").sound)


def by_absolute_paths(run, folder):
    """Turn a run into one of the first versions, whose checkpoint knows its clips by absolute paths."""
    state = torch.load(run.checkpoint, weights_only=True)
    state["fingerprint"] = ClipRecord.load(run).fingerprint_in(str(folder))
    torch.save(state, run.checkpoint)
    (run.path / FILE).unlink()


@pytest.mark.parametrize("named", ["by name", "by path"])
def test_a_checkpoint_of_absolute_paths_goes_on_in_place_and_moved(home, config, tmp_path, monkeypatch, named):
    folder = home.datasets / "tones"
    config = config.replace({"data.dataset": "tones" if named == "by name" else str(folder)})
    with monkeypatch.context() as before:
        before.setattr(assemble, "ways_from", lambda folder, paths: paths)  # folds were drawn by absolute paths, too
        whole, run = Run.create(home, config), begun(home, config)
        alone = to_the_end(whole)
        drawn = registry.find_dataset(home, "tones").table["fold"]
        by_absolute_paths(run, folder)
    assert list(registry.find_dataset(home, "tones").table["fold"]) != list(drawn)
    there = Workspace(shutil.copytree(home.home, tmp_path / "there"))
    shutil.rmtree(there.cache)

    def goes_on(run, workspace):
        assert to_the_end(run) == alone
        assert list(dataset_of(run, workspace, "tones").table["fold"]) == list(drawn)
        assert ClipRecord.load(run).drawn_in == str(folder)

    goes_on(run, home)
    shutil.rmtree(home.home)
    goes_on(Run(there.runs / run.id), there)


def test_it_goes_on_twice(home, config, monkeypatch, tmp_path):
    with monkeypatch.context() as before:
        before.setattr(assemble, "ways_from", lambda folder, paths: paths)
        run = begun(home, config)
        alone = to_the_end(Run.create(home, config))
        by_absolute_paths(run, home.datasets / "tones")
    assert work(run, lambda: len(run.epochs()) >= 2).state == "stopped"
    there = moved(home, tmp_path / "there")
    assert to_the_end(Run(there.runs / run.id)) == alone


def test_a_data_set_that_was_moved_is_named_anew(home, config, tmp_path, class_folders):
    config = config.replace({"data.dataset": str(class_folders)})
    run, whole = begun(home, config), Run.create(home, config)
    alone = to_the_end(whole)
    moved_to = Path(shutil.move(class_folders, tmp_path / "new place"))
    with pytest.raises(DatasetError, match=rf"was at {class_folders}, with 12 clips") as told:
        require_data(run, home)
    assert f"labcore resume {run.id} --dataset PATH" in told.value.remedy
    name_place(run, home, str(moved_to))
    assert run.config.data.dataset == str(moved_to)
    assert to_the_end(run) == alone


def test_another_place_with_other_clips_is_refused_and_nothing_changes(home, config, tiny, tmp_path):
    run = begun(home, config)
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(DatasetError, match=r"high/0\.wav is not there"):
        name_place(run, home, str(tiny.path))
    with pytest.raises(DatasetError, match="no data set"):
        name_place(run, home, str(tmp_path / "nowhere"))
    assert (run.path / "config.json").read_bytes() == before


def test_a_run_whose_data_are_away_or_changed_stays_stopped(home, config):
    run = begun(home, config)
    checkpoint = run.checkpoint.read_bytes()
    place = home.datasets / "tones"
    place.rename(home.home / "aside")
    finished = work(run)
    assert (finished.state, finished.epochs_done) == ("stopped", 1)
    assert f"was at {place}" in finished.error
    assert run.status().error == finished.error
    (home.home / "aside").rename(place)
    (place / "high" / "3.wav").write_bytes((place / "high" / "4.wav").read_bytes() + b"\0\0")
    finished = work(run)
    assert finished.state == "stopped"
    assert "high/3.wav has" in finished.error
    assert run.checkpoint.read_bytes() == checkpoint


def test_a_new_run_without_its_data_set_has_failed(home, config):
    assert work(Run.create(home, config.replace({"data.dataset": "none"}))).state == "failed"
