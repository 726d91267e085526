"""A queue says behind what one waits."""

from __future__ import annotations

import contextlib

import pytest

from labcore.benchmark.events import BenchmarkProgress
from labcore.benchmark.job import Benchmark
from labcore.benchmark.plan import quick_plan
from labcore.config import RunConfig
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.evaluation.robustness import RobustnessPlan, RobustnessTest
from labcore.jobs.queue import QueueState
from labcore.training.estimates import EstimateJob
from ui.app import live
from ui.components import queue_line

from .conftest import Manager, words

TITLE = "small · quick · clip seconds 0.5 · 8 epochs"


@pytest.fixture
def at_work(make_run):
    """One running and three that wait, in the order in which they will start."""
    with contextlib.ExitStack() as held:
        running = make_run("running", by="Ada")
        held.enter_context(running.hold())
        yield [running, *(make_run("queued", by="Ada") for _ in range(3))]


def test_a_run_in_the_queue_says_what_it_waits_for(open_page, at_work):
    _, first, second, last = at_work
    assert f"Queued behind {TITLE} (5 s left)" in words(open_page("pages/train.py", run=first.id))
    assert words(open_page("pages/train.py", run=second.id)).count(f"{TITLE} (5 s left), {TITLE}") == 1
    assert f"{TITLE} and 1 more job" in words(open_page("pages/train.py", run=last.id))


def test_with_nothing_before_it_a_run_is_next(open_page, make_run):
    assert "Next in the queue" in words(open_page("pages/train.py", run=make_run("queued").id))


def test_without_a_worker_elsewhere_the_page_says_so(open_page, make_run, dataset, monkeypatch):
    monkeypatch.setattr(Manager, "lacks_worker", True)
    assert "No worker is running" in words(open_page("pages/train.py", run=make_run("queued").id))
    assert "No worker is running" in words(open_page("pages/train.py"))


def test_another_persons_run_carries_its_name(open_page, make_run):
    other = make_run("running", by="Bo")
    with other.hold():
        assert f"Queued behind {TITLE} (Bo, 5 s left)" in words(
            open_page("pages/train.py", run=make_run("queued", by="Ada").id)
        )


def test_the_form_says_what_a_run_would_wait_for(open_page, at_work, dataset):
    shown = words(open_page("pages/train.py"))
    assert f"Running: {TITLE} (5 s left). Queue: {TITLE}, {TITLE} and 1 more job." in shown
    assert "4 jobs ahead of this run." in shown


def test_the_form_names_a_benchmark_at_work_too(open_page, workspace, dataset):
    benchmark = Benchmark.create(workspace, quick_plan(["cpu"]))
    with benchmark.hold():
        benchmark.append(benchmark.started("Ada"))
        benchmark.append(BenchmarkProgress(done=1, total=4, what="compact", seconds_left=9.0))
        shown = words(open_page("pages/train.py"))
    assert "Running: benchmark · quick (9 s left). 1 job ahead of this run." in shown


def test_the_overview_lists_the_jobs_of_every_kind_with_their_pages(open_page, make_run, workspace):
    run = make_run("queued", by="Ada")
    benchmark = Benchmark.create(workspace, quick_plan(["cpu"]))
    noise = RobustnessTest.create(workspace, RobustnessPlan(run=run.id), queued=True, by="Bo")
    Evaluation.create(workspace, EvaluationPlan(run=run.id), queued=True, by="Ada")
    estimate = EstimateJob.create(workspace, RunConfig(), queued=True, by="Ada")
    with benchmark.hold():
        benchmark.append(benchmark.started("Ada"))
        benchmark.append(BenchmarkProgress(done=1, total=4, what="compact", seconds_left=9.0))
        app = open_page()
    links = {link.proto.help.replace("\\", ""): link.proto for link in app.get("page_link") if link.proto.help}
    ways = {run.id: ("train", f"run={run.id}"), benchmark.id: ("benchmark", f"report={benchmark.id}"),
            noise.id: ("explore", f"noise={run.id}"), estimate.id: ("train", "")}  # fmt: skip
    assert {name: (link.page, link.query_string) for name, link in links.items()} == ways
    shown = words(app)
    assert "25 % done, 9 s left" in shown
    assert "evaluation" in shown
    assert shown.count("Queued behind benchmark · quick") == 4
    assert links[noise.id].label.endswith(":gray[· Bo]")


def test_nothing_at_work_is_no_line(workspace):
    assert queue_line.busy() == ""


def test_of_many_that_wait_the_first_are_drawn_and_the_queue_is_looked_at_as_often(
    open_page, make_run, workspace, monkeypatch
):
    looks: list[object] = []  # of this workspace: the page of another test may still be at it
    look = QueueState.look
    monkeypatch.setattr(
        QueueState, "look", lambda queue: looks.extend([queue] * (queue.workspace == workspace)) or look(queue)
    )
    monkeypatch.setattr(live, "MOST_AT_WORK", 3)
    make_run("queued", by="Ada")
    open_page()
    few = len(looks)
    for _ in range(5):
        make_run("queued", by="Ada")
    shown = words(open_page())
    assert len(looks) == 2 * few
    assert shown.count("Next in the queue") == 1
    assert shown.count("Queued behind") == 2
    assert "and 3 more jobs running or in the queue" in shown
