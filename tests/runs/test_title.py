"""What a run is called as long as nobody named it."""

from __future__ import annotations

import pytest

from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.runs import Run
from labcore.runs.asked import save_worked_out
from labcore.runs.title import title_of


@pytest.mark.parametrize(
    ("name", "changes", "title"),
    [
        ("quick", {"data.fold": "1", "optim.epochs": 25}, "demo · quick · fold 1 · 25 epochs"),
        ("balanced", {"data.dataset": "/data/ESC-50/"}, "ESC-50 · balanced"),
        ("quick", {"augment.mixup": 0.4, "runtime.seed": 3}, "demo · quick · mixup 0.4 · seed 3"),
        ("balanced", {"model.name": "resnet18"}, "demo · resnet18"),
        ("quick", {"model.name": "resnet18", "optim.epochs": 1}, "demo · resnet18 · quick · 1 epoch"),
        ("balanced", {"data.fold": "2", "data.split": "random"}, "demo · balanced · random fold 2"),
        ("balanced", {"optim.lr": 0.2, "model.dropout": 0.1, "augment.mixup": 0.0}, "demo · balanced · 3 changes"),
        ("balanced", {"runtime.device": "cpu", "runtime.threads": 1}, "demo · balanced"),
        ("quick", {"data.annotations": "complete", "data.fold": "1"}, "demo · quick · annotations complete · fold 1"),
        (
            "quick",
            {"data.windows": "grid", "data.window_seconds": 2, "augment.mixup": 0.4},
            "demo · quick · mixup 0.4 · windows grid · window seconds 2",
        ),
        (
            "quick",
            {"data.windows": "grid", "data.window_seconds": 2, "data.labels": "single"},
            "demo · quick · 3 changes of clips",
        ),
    ],
)
def test_it_tells_data_recipe_fold_and_epochs(name, changes, title):
    assert title_of(preset(name).replace(changes)) == title


def test_what_the_lab_worked_out_is_no_change(workspace):
    asked = preset("quick").replace({"data.dataset": "demo"})
    run = Run.create(workspace, asked)
    save_worked_out(run, asked, asked.replace({"optim.epochs": 25, "data.fold": "1", "features.n_fft": 512}))
    assert run.name == "demo · quick · 25 epochs"


def test_names_are_accepted_where_ids_are(workspace):
    one = Run.create(workspace, RunConfig().replace({"data.fold": "1"}))
    two = Run.create(workspace, RunConfig().replace({"data.fold": "2"}))
    assert Run.open(workspace, "demo · balanced · FOLD 1") == one
    assert Run.open(workspace, "fold 2") == two
    with pytest.raises(Run.kind.error, match="2 runs match"):
        Run.open(workspace, "balanced")
