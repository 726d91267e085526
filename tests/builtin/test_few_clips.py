from __future__ import annotations

import pytest

from labcore import builtin
from labcore.builtin.few_clips import helps
from labcore.config import RunConfig

CONFIG = RunConfig().replace({"data.dataset": "birds"})


def test_fewer_than_five_clips_a_class_are_few():
    wanted, told = helps(CONFIG, 49, 10)
    assert wanted
    assert told.startswith(
        "49 training clips of 10 classes are few: a linear classifier on the features of the built-in"
    )
    assert helps(CONFIG, 50, 10) == (False, "")


@pytest.mark.parametrize("changes", [{"model.few_clips": "off"}, {"model.pretrained": "published"}])
def test_who_asks_for_something_else_is_left_alone(changes):
    assert helps(CONFIG.replace(changes), 20, 10) == (False, "")


@pytest.mark.parametrize("rate", [16_000, 22_050, 32_000, 48_000])
def test_it_hears_what_usual_front_ends_give(rate):
    assert helps(CONFIG.replace({"audio.sample_rate": rate}), 20, 10)[0]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data.dataset": "demo"}, "it was trained on clips of this data set"),
        ({"features.n_mels": 128}, "it hears 64 mel bands, and the front end has 128"),
        ({"audio.sample_rate": 8000}, "it hears up to 7,200 Hz, and the front end up to 3,600 Hz"),
        ({"audio.sample_rate": 250_000}, "it hears from 50 to 7,200 Hz, and the front end from 5,625 to 112,500 Hz"),
        ({"features.f_min": 1000}, "it hears from 50 to 7,200 Hz, and the front end from 1,000 to 9,922 Hz"),
        ({"audio.clip_seconds": 0.5}, "its frames are 24 ms apart, and those of the front end 6 ms"),
    ],
)
def test_a_front_end_that_it_cannot_hear_is_told(changes, why):
    wanted, told = helps(CONFIG.replace(changes), 20, 10)
    assert not wanted
    assert told == f"20 training clips of 10 classes are few, and the built-in network cannot help: {why}"


def test_a_lab_without_it_trains_on(monkeypatch, tmp_path):
    monkeypatch.setattr(builtin, "RUN", builtin.Run(tmp_path))
    assert helps(CONFIG, 20, 10)[1].endswith("cannot help: the lab was installed without it")
