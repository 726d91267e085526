"""What forms say of how long a run takes, and where that is from."""

from __future__ import annotations

import re

import pytest

from labcore.config import RunConfig
from labcore.config.budget import FIXED_SECONDS, SHARES, usual_seconds
from labcore.runs import times
from labcore.runs.times import RunTime
from ui.app import services
from ui.forms.estimates import source

from .conftest import words


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (None, ""),
        (RunTime(600.0, source="usual"), "A usual time for a processor like this"),
        (RunTime(600.0, source="steps"), "from a few training steps on this machine; nothing has trained here yet."),
        (RunTime(600.0, source="runs"), "from an earlier run on this machine."),
        (RunTime(600.0, source="runs", busy=True), "beside other work: shorter on an idle machine."),
        (RunTime(600.0, source="runs", busy=True, idle=500.0), "beside other work: shorter on an idle machine."),
        (RunTime(600.0, source="runs", busy=True, idle=100.0), "an idle machine is usually about 6 times as fast."),
    ],
)
def test_where_a_time_is_from(one: RunTime | None, told: str) -> None:
    assert source(one).endswith(told) if told.endswith(".") else told in source(one)


def test_a_preset_tells_its_usual_time_where_there_is_no_data_set(open_page, workspace, monkeypatch):
    monkeypatch.setattr(times, "usable_cores", lambda: 2)
    monkeypatch.setattr(times, "arithmetic", lambda: "bf16")
    assert "About 4 min on a processor like this for 320 clips of 5 s" in words(open_page("pages/train.py"))
    monkeypatch.setattr(times, "arithmetic", lambda: "other")
    told = words(open_page("pages/train.py"))
    minutes = (FIXED_SECONDS + (usual_seconds(RunConfig()) - FIXED_SECONDS) / SHARES["other"]) / 60
    assert f"About {minutes:.0f} min on a processor like this" in told
    monkeypatch.setattr(services, "known_device", lambda: None)  # it may be a GPU
    assert "About 4 minutes on two cores with bf16" in words(open_page("pages/train.py"))


def test_every_preset_tells_its_time_on_the_clips_of_the_form(open_page, dataset, monkeypatch):
    app = open_page("pages/train.py")
    line = re.search(r"A run takes about (.+?) with Quick look, (.+?) with Balanced, (.+?) with Thorough", words(app))
    assert line
    assert "for 320 clips" not in words(app)
    assert f"about {line[2]}" in str(app.table[0].value)  # the form opens with Balanced
    assert "A usual time for a processor like this; nothing has trained here yet." in words(app)
    app.number_input(key="setting-optim.epochs").set_value(7).run()
    assert f"Choosing a preset resets them. {line[0]}" in words(app)  # those of the presets, not of seven epochs
    monkeypatch.setattr(services, "known_device", lambda: None)  # it may be a GPU
    assert "A run takes" not in words(open_page("pages/train.py"))


@pytest.mark.parametrize(("arithmetic", "begun"), [("bf16", "balanced"), ("other", "quick")])
def test_a_first_run_begins_with_what_ends_within_minutes(open_page, dataset, monkeypatch, arithmetic, begun):
    monkeypatch.setattr(times, "usable_cores", lambda: 2)
    monkeypatch.setattr(times, "arithmetic", lambda: arithmetic)
    app = open_page()
    app.button(key="train-on-it").click().run()
    assert app.segmented_control(key="preset-choice").value == begun
