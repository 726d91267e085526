"""Several servers on one workspace, one after the other or at once, and jobs that others started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.events import RunStarted
from labcore.jobs.manager import JobManager
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.jobs.told import began, ended, state

MakeManager = Callable[..., JobManager]
MakeConfig = Callable[..., RunConfig]
Until = Callable[..., None]
Submit = Callable[..., Run]

both = pytest.mark.parametrize("worker", ["process", "thread"])


def test_foreign_run_keeps_its_device_busy(
    submit: Submit,
    make_manager: MakeManager,
    make_config: MakeConfig,
    workspace: Workspace,
    fake_command: list[str],
    until: Until,
) -> None:
    foreign = Run.create(workspace, make_config(epochs=2000), queued=True)
    with subprocess.Popen([*fake_command, foreign.path], stdout=subprocess.DEVNULL) as process:
        until(lambda: state(foreign) == "running")
        manager = make_manager("thread")
        run = submit(manager, make_config())
        until(lambda: manager.leads)
        assert state(run) == "queued"
        manager.stop(foreign)
        assert process.wait(30) == 0
    until(lambda: state(run) == "finished")
    assert ended(foreign).time <= began(run)


def test_restart_of_the_server(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    first = make_manager()
    running, waiting = submit(first, make_config(epochs=2000)), submit(first, make_config())
    until(lambda: running.status().epoch >= 1)
    first.close()
    assert state(running) == "running"
    second = make_manager("thread")
    until(lambda: second.leads)
    assert second.queue() == [waiting]
    second.stop(running)
    until(lambda: state(waiting) == "finished")
    assert state(running) == "stopped"


def test_one_of_two_managers_schedules_and_the_other_takes_over(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    first = make_manager("thread")
    until(lambda: first.leads)
    second = make_manager("thread")
    run = submit(second, make_config())
    until(lambda: state(run) == "finished")
    assert not second.leads
    first.close()
    until(lambda: second.leads)
    run = submit(second, make_config())
    until(lambda: state(run) == "finished")


@both
def test_server_process_exits_cleanly(worker: str, workspace: Workspace, until: Until) -> None:
    """Without close(), as when a server gets SIGINT: exit status 0, nothing on stderr, a worker process lives on."""
    script = f"""
        import importlib.util, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from fake_worker import train
        from functools import partial
        from pathlib import Path
        from labcore.config import RunConfig
        from labcore.jobs.executors import ProcessChild, ThreadChild
        from labcore.jobs.manager import JobManager
        from labcore.runs import Run
        from labcore.training.job import working
        from labcore.workspace import Workspace
        command = [sys.executable, {str(Path(__file__).with_name("fake_worker.py"))!r}]
        executors = {{"process": partial(ProcessChild, command=command), "thread": partial(ThreadChild, doing=working(train))}}
        workspace = Workspace(Path({str(workspace.home)!r}))
        manager = JobManager(workspace, executors[{worker!r}], 0.02)
        config = RunConfig().replace({{"model.name": "steady", "optim.epochs": 2000}})
        run = manager.take(Run.create(workspace, config, queued=True))
        while run.status().epoch < 1:
            time.sleep(0.01)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        check=False, capture_output=True, text=True, timeout=60, cwd=Path.cwd(),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = [path for path in workspace.runs.iterdir() if not path.name.startswith(".")]
    run = Run(path)
    if worker == "process":
        assert state(run) == "running"
        run.request_stop()
    until(lambda: state(run) == "stopped")


def test_server_killed(
    submit: Submit, workspace: Workspace, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    """A worker whose server and itself were killed is interrupted, and goes on under the next server."""
    first = make_manager()
    run = submit(first, make_config(epochs=30))
    until(lambda: run.status().epoch >= 1)
    first.close()
    event = run.last_event(RunStarted)
    assert event is not None
    os.kill(event.pid, signal.SIGKILL)
    until(lambda: state(run) == "interrupted")
    second = make_manager("thread")
    second.resume(run)
    until(lambda: state(run) == "finished")
    assert [event.epoch for event in run.epochs()] == list(range(1, 31))
