from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labcore.config import RunConfig
from labcore.jobs.executors import ProcessChild, ThreadChild
from labcore.jobs.manager import JobManager
from labcore.runs import Run
from labcore.training.job import working
from labcore.workspace import Workspace
from tests.by_path import module_at
from tests.jobs.inline import InlineChild

FAKE = Path(__file__).with_name("fake_worker.py")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def fake_train() -> Any:
    """The make-believe training, as the work of a run."""
    module = module_at(FAKE)
    return working(module.train)


@pytest.fixture
def fake_command() -> list[str]:
    """Starts a worker process with the make-believe training loop."""
    return [sys.executable, str(FAKE)]


@pytest.fixture
def make_manager(workspace: Workspace, fake_command: list[str], fake_train: Any) -> Iterator[Callable[..., JobManager]]:
    """Managers that are closed, and whose runs are stopped, when the test is over."""
    managers: list[JobManager] = []

    def make(worker: str = "process", command: list[str] = fake_command, **options: Any) -> JobManager:
        executors = {
            "process": partial(ProcessChild, command=command),
            "thread": partial(ThreadChild, doing=fake_train),
            "inline": partial(InlineChild, doing=fake_train),
        }
        managers.append(JobManager(workspace, executors[worker], 0.02, background=worker != "inline", **options))
        return managers[-1]

    yield make
    for path in workspace.runs.iterdir():
        if (path / "config.json").is_file():
            Run(path).request_stop()
    for manager in managers:
        children = list(manager._workers.values())
        manager.close()
        for child in children:
            process = getattr(child, "process", None)
            if process is not None:
                process.returncode = None
                process.wait(20)


def config(kind: str = "steady", epochs: int = 2, device: str = "cpu") -> RunConfig:
    return RunConfig().replace({"model.name": kind, "optim.epochs": epochs, "runtime.device": device})


@pytest.fixture
def make_config() -> Callable[..., RunConfig]:
    return config


@pytest.fixture
def submit(workspace: Workspace) -> Callable[..., Run]:
    """Puts a run into the queue."""
    return lambda manager, config, **who: manager.take(Run.create(workspace, config, queued=True, **who))
