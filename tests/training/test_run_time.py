"""What is known of a run before it starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from labcore.config import RunConfig
from labcore.config.budget import work_of
from labcore.config.presets import PRESETS, preset
from labcore.datasets import find_dataset
from labcore.datasets.lengths import expected_seconds
from labcore.device import cpu_name
from labcore.runs import times
from labcore.training import run_time
from labcore.training.run_time import TrainingClips, clips_of, plan_of, time_of
from labcore.training.watching import FEWEST


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("seconds", [1.0, 4.0, 30.0])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_ten_thousand_clips_of_any_length_take_little_longer_than_the_usual_set(monkeypatch, name, seconds, rate):
    monkeypatch.setattr(times, "usable_cores", lambda: 2)
    monkeypatch.setattr(times, "arithmetic", lambda: "bf16")
    config = preset(name).replace({"audio.sample_rate": rate})

    def told(clips, seconds):
        known = TrainingClips(clips, clips // 4, (seconds,), (seconds,))
        return time_of(config, plan_of(config, known), []).seconds

    assert told(8000, seconds) < 1.25 * told(320, 5.0)


def test_beside_a_gpu_the_speed_of_the_processor_tells_nothing(monkeypatch):
    config, known = RunConfig(), TrainingClips(320, 80, (5.0,), (5.0,))
    here = times.TrainingSpeed("compact", 1.0, "a", cpu_name(), 1e5, 5.0, 0.01, 0.01)
    card = replace(here, device="a card", seconds_per_clip=0.001)
    assert time_of(config, plan_of(config, known), [here]).measured
    monkeypatch.setattr(run_time, "gpu_count", lambda: 1)
    assert time_of(config, plan_of(config, known), [here]) is None
    on_card = time_of(config, plan_of(config, known), [here, card])
    assert on_card == time_of(config, plan_of(config, known), [card])


def test_a_plan_goes_by_the_length_of_the_clips_where_it_is_automatic():
    config = RunConfig()
    long = plan_of(config, TrainingClips(10_000, 0, (30.0,) * 20, ()))
    assert long.config.audio.clip_seconds == 10.0
    assert long.epochs.seen * 10.0 <= 1.05 * 5.0 * config.optim.budget
    given = config.replace({"audio.clip_seconds": 2.0})
    assert plan_of(given, TrainingClips(10_000, 0, (30.0,) * 20, ())).config == given


def test_each_epoch_is_evaluated_on_the_windows_there_is_time_for():
    config = RunConfig().replace({"audio.clip_seconds": 5.0})
    assert plan_of(config, TrainingClips(320, 80, (), (5.0,))).windows == 80
    assert plan_of(config, TrainingClips(320, 80, (), (5.001,))).windows == 80  # encoders leave a few samples more
    assert plan_of(config, TrainingClips(320, 80, (), (12.0,))).windows == 320  # four that overlap by half
    assert plan_of(config, TrainingClips(320, 5000, (), (5.0,))).windows == FEWEST


def test_evaluations_are_counted_as_often_as_they_are_done():
    config = RunConfig().replace({"audio.clip_seconds": 5.0, "optim.epochs": 400})
    known = [times.TrainingSpeed("compact", 1.0, "a", "", work_of(config, 5.0), 5.0, 0.0, 0.01)]
    told = time_of(config, plan_of(config, TrainingClips(29, 80, (), (5.0,))), known, "")
    assert told.seconds - times.FIXED_SECONDS == pytest.approx(81 * 80 * 0.01)  # the first of 400, and every fifth


def test_clips_are_those_of_the_recordings_that_are_asked_for(tiny):
    dataset = find_dataset(tiny.workspace, tiny.config.data.dataset)
    whole = clips_of(dataset, tiny.config.data)
    assert (whole.trained, whole.watched) == (24, 12)
    few = clips_of(dataset, tiny.config.data.model_copy(update={"train_recordings": 2}))
    assert (few.trained, few.watched) == (6, 12)
    assert set(whole.trained_seconds) == {0.5, 0.8}


def test_a_file_without_a_header_hides_no_other_length(tiny, tmp_path):
    for name, seconds in (("a/1", 1.0), ("a/2", 1.0), ("b/1", 1.0), ("b/2", 1.0)):
        file = tmp_path / "set" / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.zeros(int(8000 * seconds)), 8000)
    dataset = find_dataset(tiny.workspace, str(tmp_path / "set"))
    (tmp_path / "set" / "a" / "1.wav").write_bytes(b"nothing")
    rows = np.arange(len(dataset.table))
    assert expected_seconds(dataset, rows, 8000.0) == 1.0
    assert expected_seconds(dataset, rows[:0], 8000.0) is None


def test_the_time_that_is_told_before_a_run_is_by_its_own_front_end():
    bats = RunConfig().replace({"audio.sample_rate": 250_000, "features.f_max": 112_500.0})
    told = plan_of(bats, TrainingClips(10_000, 0, (5.0,) * 20, ()))
    assert told.config.audio.clip_seconds == 1.28
