"""The automatic front end of a run: worked out from its training clips before any is decoded, told, and kept."""

from types import SimpleNamespace

import torch

from labcore.config import RunConfig
from labcore.config.front_end import Bandwidths
from labcore.events import Log
from labcore.runs import Run
from labcore.runs.asked import asked_for, front_end_reason, save_worked_out
from labcore.runs.origin import EXPERIMENT
from labcore.training.clips import open_clips
from labcore.training.prepare import _alike

AUTOMATIC = {
    "audio.sample_rate": None,
    "audio.clip_seconds": None,
    **{f"features.{name}": None for name in ("n_fft", "win_length", "hop_length")},
}


def opened(config, run, workspace):
    """The configuration that is worked out, and what is told meanwhile."""
    told, work = [], open_clips(config, run, workspace, lambda: False, None)
    while True:
        try:
            event = next(work)
        except StopIteration as stop:
            return stop.value[0], told
        told += [event.message] if isinstance(event, Log) else []


def test_it_is_worked_out_told_and_kept(tiny):
    asked = tiny.config.replace(AUTOMATIC)
    run = Run.create(tiny.workspace, asked)
    config, told = opened(asked, run, tiny.workspace)
    assert (config.audio.sample_rate, config.features.f_min, config.features.f_max) == (8000, 50.0, 4000.0)
    assert config.features.hop_length == config.framing.hop_length
    reason = "sample rate 8 kHz, mel bands from 50 Hz to 4 kHz: the rate of most clips"
    assert reason in told
    assert front_end_reason(run) == reason
    save_worked_out(run, asked, config)
    assert run.config == config
    assert asked_for(run) == asked
    again, told = opened(run.config, run, tiny.workspace)  # a run that goes on works nothing out
    assert again == config
    assert reason not in told


def test_the_folds_of_a_cross_validation_ask_the_clips_of_all_folds(tiny, monkeypatch):
    rows = []

    def bandwidths(workspace, dataset, chosen):
        rows.append(list(chosen))
        return Bandwidths()

    monkeypatch.setattr("labcore.datasets.bandwidths.bandwidths_in", bandwidths)
    for fold, marks in (("1", {}), ("1", {EXPERIMENT: {"fold": "1"}}), ("2", {EXPERIMENT: {"fold": "2"}})):
        config = tiny.config.replace({"audio.sample_rate": None, "audio.usual_rate": 8000, "data.fold": fold})
        opened(config, Run.create(tiny.workspace, config, marks=marks), tiny.workspace)
    alone, first, second = rows
    assert len(alone) == 24
    assert first == second == list(range(36))


def test_a_rate_that_was_given_asks_no_clips(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    config, _ = opened(tiny.config, run, tiny.workspace)
    assert config.audio.sample_rate == tiny.config.audio.sample_rate
    assert config.features.f_max is None
    assert front_end_reason(run) == ""
    assert RunConfig().replace({"audio.sample_rate": 8000}).f_max == 3600


def test_measuring_it_is_no_part_of_every_run(tiny, monkeypatch):
    now = iter((10.0, 17.5))
    monkeypatch.setattr("labcore.training.clips.time", SimpleNamespace(perf_counter=lambda: next(now)))
    config, ended = tiny.config.replace(AUTOMATIC), []

    def followed():
        run = Run.create(tiny.workspace, config)
        ended.append((yield from open_clips(config, run, tiny.workspace, lambda: False, None)))

    list(followed())
    assert ended[0][1].front_end_seconds == 7.5


def test_processes_with_different_front_ends_are_not_alike():
    clips, device = (
        SimpleNamespace(record=SimpleNamespace(fingerprint="f")),
        SimpleNamespace(torch=lambda: torch.device("cpu")),
    )
    low, high, again = (
        _alike(SimpleNamespace(clips=clips, device=device, config=RunConfig().replace({"features.f_max": f_max})))
        for f_max in (3600.0, 4000.0, 3600.0)
    )
    assert low == again != high
