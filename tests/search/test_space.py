"""Ranges: from the settings' own bounds and from what is typed."""

from __future__ import annotations

import pytest

from labcore.config import RunConfig, all_settings
from labcore.errors import ConfigError
from labcore.search.sampling import distribution
from labcore.search.space import FIXED, Range, default_ranges, range_of, read_range, read_ranges

RECIPE = RunConfig()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optim.lr=0.01:0.3:log", Range("optim.lr", 0.01, 0.3, log=True)),
        ("optim.lr=0.01:0.3", Range("optim.lr", 0.01, 0.3, log=True)),
        ("optim.lr=0.01:0.3:linear", Range("optim.lr", 0.01, 0.3)),
        ("--lr=0.01:0.3", Range("optim.lr", 0.01, 0.3, log=True)),
        ("model.dropout=0:0.6", Range("model.dropout", 0.0, 0.6)),
        ("optim.weight_decay=0:0.1", Range("optim.weight_decay", 0.0, 0.1)),
        ("model.width=0.5,1,2", Range("model.width", choices=(0.5, 1.0, 2.0))),
        ("model=compact,resnet18", Range("model.name", choices=("compact", "resnet18"))),
        ("optim.lr=auto,0.2", Range("optim.lr", choices=(None, 0.2))),
        ("optim.optimizer", Range("optim.optimizer", choices=("sgd", "adamw"))),
        ("--optimiser", Range("optim.optimizer", choices=("sgd", "adamw"))),
        ("features.n_mels", Range("features.n_mels", 8, 256)),
        ("epochs", Range("optim.epochs", 20, 160, log=True)),
        ("budget", Range("optim.budget", 25600, 204800, log=True)),
        ("augment.masks=1:3", Range("augment.masks", 1, 3)),
    ],
)
def test_what_is_typed_and_back(text, expected):
    read = read_range(text, RECIPE)
    assert read == expected
    assert read_range(read.words(), RECIPE) == read
    assert Range.from_dict(read.to_dict()) == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("optim.lrr=1:2", "no setting"),
        ("optim.lr=1", "not a range"),
        ("optim.lr=1:2:3:4", "not a range"),
        ("optim.lr=1:2:often", "not a range"),
        ("optim.lr=0.3:0.1", "not below"),
        ("optim.lr=0.1:9", "out of bounds"),
        ("optim.lr=nan:1", "out of bounds"),
        ("optim.epochs=ten:20", "whole number"),
        ("model.dropout=0:0.5:log", "must be above 0"),
        ("model.name", "takes choices"),
        ("model.name=compact", "one choice"),
        ("optim.optimizer=sgd,lion", "sgd"),
        ("data.fold=1,2", "cannot be varied"),
        ("runtime.seed=0:9", "cannot be varied"),
    ],
)
def test_what_makes_no_sense_is_told(text, told):
    with pytest.raises(ConfigError, match=told):
        read_range(text, RECIPE)


def test_every_setting_that_can_be_varied_has_a_range_or_says_what_it_takes():
    for path, setting in all_settings().items():
        if path.startswith(FIXED):
            continue
        if setting.kind == "text" or (setting.kind != "choice" and setting.ge is None):
            with pytest.raises(ConfigError):
                range_of(path, RECIPE)
            continue
        each = range_of(path, RECIPE)
        assert distribution(each).single() is False
        if not path.startswith(("features.", "audio.")):
            for value in each.choices or (each.low, each.high):
                RECIPE.replace({path: value})


def test_the_default_set_holds_the_recipe_it_starts_from():
    for config in (
        RECIPE,
        RECIPE.replace({"optim.optimizer": "adamw", "model.dropout": 0.8, "augment.time_mask": 0.4}),
    ):
        for each in default_ranges(config):
            part, _, name = each.path.partition(".")
            value = config.optim.peak_lr if each.path == "optim.lr" else getattr(getattr(config, part), name)
            assert each.holds(value), each


def test_a_usual_range_stays_within_the_bounds():
    assert range_of("optim.epochs", RECIPE.replace({"optim.epochs": 1500})) == Range(
        "optim.epochs", 375, 2000, log=True
    )
    assert range_of("optim.epochs", RECIPE.replace({"optim.epochs": 2})) == Range("optim.epochs", 2, 10, log=True)


def test_drawn_values_have_few_digits_and_stay_inside():
    lr = Range("optim.lr", 0.012345678, 0.1234321, log=True)
    assert lr.value(0.0456789123) == 0.04568
    assert lr.value(0.1234320) == 0.1234
    assert lr.value(0.012343) == 0.012345678
    assert Range("features.n_mels", 8, 100).step == 8
    assert distribution(Range("features.n_mels", 8, 100)).high == 96
    assert not Range("features.n_mels", 8, 96).holds(20)
    assert [each.path for each in read_ranges(["lr", "dropout"], RECIPE)] == ["optim.lr", "model.dropout"]
