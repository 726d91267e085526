"""Settings of a search: on which clips it judges, and what is refused at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labcore.errors import ConfigError, DatasetError
from labcore.search.settings import validation_fold
from labcore.search.space import Range


def test_the_longest_trial_is_known_before(make):
    ranges = (Range("optim.epochs", 5, 50), Range("model.width", choices=(0.5, 2.0)), Range("optim.lr", 0.01, 0.3))
    assert make(ranges).longest == {"optim.epochs": 50, "model.width": 2.0}
    assert make((Range("optim.lr", 0.01, 0.3),)).longest == {}


def test_several_labels_have_no_accuracy_to_search_for(workspace, make, urbansound, tmp_path):
    sounds, cells = sorted(urbansound.rglob("*.wav"))[:6], ("a;b", "a", "b", "a;b", "b", "a")
    rows = [
        f"{sound},{cell},{number % 3},{number}" for number, (sound, cell) in enumerate(zip(sounds, cells, strict=True))
    ]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,fold,group", *rows]))
    place = {"data.dataset": str(tmp_path / "clips.csv")}
    for objective in ("accuracy", "balanced"):
        with pytest.raises(ConfigError, match=r"no .*accuracy to search for") as told:
            make(changes=place, objective=objective)
        assert "map or loss" in told.value.remedy
    assert make(changes=place).objective == "map"
    assert make(changes=place, objective="loss").objective == "loss"
    assert make().objective == "accuracy"
    with pytest.raises(ConfigError, match="one label each"):
        make(objective="map")


@pytest.mark.parametrize(
    ("folds", "test_fold", "validation"),
    [
        (["1", "2", "3"], "2", "3"),
        (["1", "2", "3"], "3", "1"),
        (["1", "2"], "1", "2"),
        (["train", "val", "test"], "test", "val"),
        (["train", "test"], "test", "train"),
        (["train", "val"], "val", "train"),
    ],
)
def test_the_fold_that_trials_are_judged_on(folds, test_fold, validation):
    assert validation_fold(folds, test_fold) == validation


def test_the_part_test_is_never_what_trials_are_judged_on(workspace, make):
    with pytest.raises(DatasetError, match="no part is left to validate"):
        validation_fold(["train", "val", "test"], "val")
    assert make().rest == "all other folds"
    assert replace(make(), test_fold="test", validation="val").rest == "the part train, as the trials"


def test_settings_that_cannot_work_are_refused_at_once(workspace, make):
    for changes, told in (
        ({"data.split": "random"}, "leaks"),
        ({"data.leave_out": "2"}, "excluded fold itself"),
    ):
        with pytest.raises(ConfigError, match=told):
            make(changes=changes)
    with pytest.raises(ConfigError, match="trials"):
        make(trials=0)
    with pytest.raises(ConfigError, match="twice"):
        make(ranges=(Range("optim.lr", 0.1, 0.2), Range("optim.lr", 0.1, 0.3)))
    with pytest.raises(DatasetError, match="no fold"):
        make(changes={"data.fold": "9"})
