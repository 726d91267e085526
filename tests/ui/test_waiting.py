"""A queue says behind what one waits."""

from __future__ import annotations

import contextlib

import pytest

from labcore.benchmark import Benchmark, Progress, quick_plan
from ui import waiting

from .conftest import words


@pytest.fixture
def at_work(make_run):
    """A run at work and three that wait, in the order in which they will start."""
    with contextlib.ExitStack() as held:
        running = make_run("running", by="Ada")
        held.enter_context(running.hold())
        yield [running, *(make_run("queued", by="Ada") for _ in range(3))]


def test_a_run_in_the_queue_says_what_it_waits_for(open_page, at_work):
    _, first, second, last = at_work
    assert "Waits behind small · compact (5 s left)" in words(open_page("pages/train.py", run=first.id))
    assert words(open_page("pages/train.py", run=second.id)).count("small · compact (5 s left), small · compact") == 1
    assert "small · compact and 1 more job" in words(open_page("pages/train.py", run=last.id))


def test_with_nothing_before_it_a_run_is_next(open_page, make_run):
    assert "Next in the queue" in words(open_page("pages/train.py", run=make_run("queued").id))


def test_another_persons_run_carries_its_name(open_page, make_run):
    other = make_run("running", by="Bo")
    with other.hold():
        assert "Waits behind small · compact (Bo, 5 s left)" in words(
            open_page("pages/train.py", run=make_run("queued", by="Ada").id)
        )


def test_the_form_says_what_a_run_would_wait_for(open_page, at_work, dataset):
    shown = words(open_page("pages/train.py"))
    assert "Running: small · compact (5 s left). Queue: small · compact, small · compact and 1 more job." in shown
    assert "This run would wait for its turn." in shown


def test_the_form_names_a_benchmark_at_work_too(open_page, workspace, dataset):
    benchmark = Benchmark.create(workspace, quick_plan(["cpu"]))
    with benchmark.hold():
        benchmark.append(benchmark.started("Ada"))
        benchmark.append(Progress(done=1, total=4, what="compact", seconds_left=9.0))
        shown = words(open_page("pages/train.py"))
    assert "Running: benchmark · quick (9 s left). This run would wait for its turn." in shown


def test_nothing_at_work_is_no_line(workspace):
    assert waiting.busy() == ""
