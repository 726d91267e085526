from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labcore.config import RunConfig
from labcore.events import Event
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.runs import list_runs
from labcore.search import driver
from labcore.search.folder import Search
from labcore.search.settings import Settings, make_settings
from labcore.search.space import Range
from labcore.training.job import working
from labcore.workspace import Workspace
from tests.by_path import module_at

FAKE = Path(__file__).with_name("fake_training.py")
RANGES = (Range("optim.lr", 0.001, 1.0, log=True), Range("model.dropout", 0.0, 0.6))


@pytest.fixture(scope="session")
def fake() -> Any:
    """The make-believe training as a module."""
    return module_at(FAKE)


@pytest.fixture
def driver_command() -> list[str]:
    """Starts a driver process whose workers make believe."""
    return [sys.executable, str(FAKE)]


@pytest.fixture
def recipe(urbansound: Path) -> RunConfig:
    """A recipe for the tiny set of three folds: six make-believe epochs of a millisecond."""
    return RunConfig().replace({"data.dataset": str(urbansound), "optim.epochs": 6, "optim.clip_norm": 1})


@pytest.fixture
def make(workspace: Workspace, recipe: RunConfig) -> Callable[..., Settings]:
    """Settings of a search on it: ``make(trials=4, changes={…}, ranges=…)``."""

    def made(ranges: tuple[Range, ...] = RANGES, changes: dict[str, Any] | None = None, **options: Any) -> Settings:
        options = {"trials": 5, "pruning": False} | options
        return make_settings(workspace, recipe.replace(changes or {}), ranges, **options)

    return made


@pytest.fixture
def queue(workspace: Workspace, fake: Any) -> Iterator[JobManager]:
    """A job manager with make-believe training in threads."""
    manager = JobManager(workspace, partial(ThreadChild, doing=working(fake.train)), 0.02)
    yield manager
    for run in list_runs(workspace):
        run.request_stop()
    manager.close()


@pytest.fixture
def driven(queue: JobManager, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Event]]:
    """Drives a search in this process: ``driven(search)`` → its events."""
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.01)

    def run(search: Search, should_stop: Callable[[], bool] = lambda: False, **options: Any) -> list[Event]:
        events: list[Event] = []
        work(search, should_stop, events.append, doing=partial(driver.work, queue=queue, **options))
        return events

    return run
