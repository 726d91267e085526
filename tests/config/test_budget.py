from __future__ import annotations

import pytest

from labcore.config import RunConfig
from labcore.config.budget import (
    FEWEST_EPOCHS,
    MOST_EPOCHS,
    USUAL_SECONDS,
    cost_of,
    plan,
    plan_for,
    trained_clips,
    work_of,
)
from labcore.config.presets import preset

BALANCED = RunConfig().optim


def test_the_recipe_is_unchanged_for_the_set_it_was_found_with():
    assert plan(320, 1.0, BALANCED).epochs == 320
    assert plan(320, 1.0, preset("quick").optim).epochs == 50
    assert plan(320, 1.0, preset("thorough").optim).epochs == 640


@pytest.mark.parametrize("name", ["quick", "balanced", "thorough"])
@pytest.mark.parametrize("clips", [1, 7, 40, 80, 320, 900, 2500, 9000, 50_000, 10**6])
@pytest.mark.parametrize("seconds", [0.1, 1.0, 4.0, 5.0, 10.0])
def test_no_set_takes_longer_than_the_budget_and_none_is_seen_less_than_a_few_times(name, clips, seconds):
    optim = preset(name).optim
    made = plan(clips, cost_of(RunConfig().replace({"audio.clip_seconds": seconds})), optim)
    assert FEWEST_EPOCHS <= made.epochs <= MOST_EPOCHS
    assert 1 <= made.clips <= clips
    assert made.seen * max(0.5, seconds) <= 1.2 * 5.0 * optim.budget or made.epochs == FEWEST_EPOCHS
    assert made.sampled == (made.clips < clips)


def test_a_small_set_needs_less_and_a_large_one_no_more():
    seen = [plan(clips, 1.0, BALANCED).seen for clips in (160, 320, 640, 5000)]
    assert seen[0] == pytest.approx(seen[1] / 2**0.5, rel=0.01)
    assert seen[2:] == pytest.approx([seen[1]] * 2, rel=0.05)


def test_a_set_that_is_too_large_is_drawn_from_and_told():
    made = plan(100_000, 1.0, BALANCED)
    assert made.clips == BALANCED.budget // FEWEST_EPOCHS
    assert "20,480 of 100,000 training clips, drawn by class" in made.reason


def test_clips_are_seen_in_whole_batches():
    assert [trained_clips(clips, 32) for clips in (1, 20, 32, 63, 64, 100)] == [1, 20, 32, 32, 64, 96]
    assert trained_clips(0, 32) == 0
    made = plan(63, 1.0, BALANCED)
    assert made.seen == 32 * made.epochs
    assert f"{32 * made.epochs:,} clips seen" in made.reason


def test_what_is_given_counts():
    config = RunConfig().replace({"optim.epochs": 7, "data.train_clips": 50})
    assert (plan_for(config, 400).epochs, plan_for(config, 400).clips, plan_for(config, 30).clips) == (7, 50, 30)
    assert plan_for(RunConfig(), 320).epochs == 320


def test_a_clip_of_the_usual_length_and_front_end_costs_one_whatever_the_network():
    usual = RunConfig().replace({"audio.clip_seconds": USUAL_SECONDS})
    assert cost_of(usual) == cost_of(RunConfig()) == 1.0
    assert cost_of(usual.replace({"features.n_mels": 128, "model.width": 2.0})) == 1.0


def test_ultrasound_costs_what_it_takes():
    config = RunConfig().replace({"audio.sample_rate": 256_000, "audio.clip_seconds": 1.25})
    assert cost_of(config) == pytest.approx(1.93, abs=0.01)
    assert plan_for(config, 10_000).seen * work_of(config, 1.25) <= 1.1 * config.optim.budget * work_of(
        RunConfig(), USUAL_SECONDS
    )
