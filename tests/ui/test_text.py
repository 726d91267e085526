"""Numbers and times as people read them."""

from __future__ import annotations

import pytest

from labcore.jobs.status import JobStatus
from labcore.runs import Run
from ui.app.text import (
    ago,
    count,
    duration,
    label_name,
    label_names,
    percent,
    plain,
    points,
    progress_line,
    run_name,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (48, "48 s"),
        (200, "3 min 20 s"),
        (1300, "21 min"),
        (7500, "2 h 5 min"),
        (None, "–"),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert duration(seconds) == text


def test_counts_are_grouped():
    assert count(1234567) == "1\u202f234\u202f567"
    assert count(3.25) == "3.2"


def test_percent_of_nothing_is_a_dash():
    assert percent(0.8754) == "87.5 %"
    assert percent(None) == "–"


def test_differences_are_signed_unless_they_round_to_nothing():
    assert points(0.225) == "+22.5 points"
    assert points(-0.5) == "−50.0 points"
    assert points(-0.0001) == points(0.0) == "0.0 points"


def test_ago_turns_into_a_date():
    assert ago(100, 130) == "just now"
    assert ago(100, 100 + 7200) == "2 h ago"
    assert ":" in ago(100, 10**6)


def test_foreign_texts_keep_their_letters_and_lose_their_markup():
    assert plain("**a**_b [c](d) :red[e]\n$f$").replace("\\", "") == "**a**_b [c](d) :red[e] $f$"
    assert "**" not in plain("**a**")


def test_runs_are_named_by_data_network_and_moment(tmp_path):
    assert run_name(Run(tmp_path / "20261123-164809-demo-small_cnn-1a2b")) == "demo · small_cnn, 23 Nov 16:48:09"
    assert run_name(Run(tmp_path / "of-my-own")) == "of-my-own"


def test_a_status_becomes_a_line():
    assert progress_line(JobStatus("running", 3, 20, seconds_left=75)) == "epoch 4 of 20, 1 min 15 s left"
    assert progress_line(JobStatus("running")) == "starting"
    assert progress_line(JobStatus("running", fraction=0.25, seconds_left=9)) == "25 % done, 9 s left"
    assert progress_line(JobStatus("queued")) == "queued"


def test_labels_are_shown_alike_everywhere_and_stay_apart():
    assert label_name("dog_bark") == "dog bark"
    assert label_name("_") == "_"
    assert label_names(["dog_bark", "siren"]) == {"dog_bark": "dog bark", "siren": "siren"}
    assert label_names(["a_b", "a b"]) == {"a_b": "a_b", "a b": "a b"}
