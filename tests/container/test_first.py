"""Process 1 as a real process: it stops trainings in good order, lets them go on, buries orphans, hands statuses through."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.jobs import preemption
from labcore.runs import Run
from labcore.workspace import Workspace

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")

ROOT = Path(__file__).parents[2]
FAKE = ROOT / "tests" / "jobs" / "fake_worker.py"
TINY = {
    "optim.epochs": 2000, "optim.batch_size": 4, "model.name": "small_cnn", "audio.sample_rate": 8000, "features.n_mels": 16,
    "runtime.precision": "fp32", "runtime.memory_format": "contiguous", "runtime.threads": 1, "runtime.device": "cpu",
    "runtime.compile": "off",
}  # fmt: skip
# The app's place is taken by a server that only sleeps; the rest is as in the container.
PROGRAM = """
import sys
from labcore.container.commands import Command
from labcore.container.first import First
from labcore.workspace import Workspace
seconds, app, *words = sys.argv[1:]
keeper = [sys.executable, "-m", "labcore.container.keeper"] if app == "app" else None
sys.exit(First(Command(words, is_app=app == "app"), Workspace.default(), keeper=keeper, seconds=float(seconds), marks=app == "app").run())
"""
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def begin(workspace: Workspace) -> Iterator[Begin]:
    """begin(*words, app=False, seconds=30): process 1 with a command, in a session of its own."""
    begun: list[subprocess.Popen[str]] = []

    def start(
        *words: str, app: bool = False, seconds: float = 30, before: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        command = [*before, sys.executable, "-c", PROGRAM, str(seconds), "app" if app else "other", *words]
        environment = os.environ | {
            "LABCORE_HOME": str(workspace.home),
            "LABCORE_DATA_ROOTS": str(workspace.home.parent),  # in place of /data
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        begun.append(
            subprocess.Popen(
                command, env=environment, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )  # fmt: skip
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    return process.returncode, told


def epochs(run: Run) -> int:
    return len(run.epochs())


def test_a_training_is_stopped_with_its_checkpoint_and_goes_on_at_the_next_start(
    begin: Begin, workspace: Workspace, class_folders: Path, until: Callable[..., None]
) -> None:
    run = Run.create(workspace, RunConfig().replace(TINY | {"data.dataset": str(class_folders)}), queued=True)
    waiting = Run.create(workspace, RunConfig().replace(TINY | {"data.dataset": str(class_folders)}), queued=True)

    first = begin("sleep", "600", app=True)  # the keeper takes the run from the queue, without any page
    until(lambda: epochs(run) >= 2)
    status, told = stop(first)
    assert status == 0, told
    assert f"run {run.id} was cut short" in told
    assert run.status().state == "stopped"
    assert run.checkpoint.is_file()
    assert preemption.is_preempted(run)
    assert waiting.status().state == "queued"
    assert not (waiting.path / "cut_short.json").exists()
    done = epochs(run)

    second = begin("sleep", "600", app=True)
    until(lambda: epochs(run) > done)
    began = [event.first_epoch for event in run.events() if event.type == "training_started"]
    assert began == [1, done + 1]
    status, told = stop(second)
    assert status == 0, told


def test_a_training_from_a_shell_is_stopped_as_well_though_its_parents_are_gone(
    begin: Begin, workspace: Workspace, until: Callable[..., None]
) -> None:
    make_believe = RunConfig().replace({"model.name": "steady", "optim.epochs": 2000, "runtime.device": "cpu"})
    run = Run.create(workspace, make_believe, queued=True)
    line = f"nohup {sys.executable} {FAKE} {run.path} > {workspace.home}.log 2>&1 & exit 0"
    process = begin("sh", "-c", f"(setsid sh -c '{line}'); exec sleep 600")
    until(lambda: epochs(run) >= 2)
    status, told = stop(process)
    assert status == 0, told
    assert run.status().state == "stopped"
    assert run.checkpoint.is_file()
    assert not preemption.is_preempted(run)  # nobody would let it go on: only the app's start does


def test_as_process_1_it_tells_those_that_came_in_from_outside(
    begin: Begin, workspace: Workspace, until: Callable[..., None]
) -> None:
    alone = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if (
        not shutil.which("unshare")
        or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("a namespace of processes cannot be made here")
    run = Run.create(workspace, RunConfig().replace({"model.name": "steady", "optim.epochs": 2000}), queued=True)
    process = begin("sleep", "600", before=alone)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: children.read_text().split() and Path(f"/proc/{children.read_text().split()[0]}/task").exists())
    first = children.read_text().split()[0]
    until(lambda: Path(f"/proc/{first}/task/{first}/children").read_text())
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    inside = ["nsenter", "--target", first, "--pid", "--mount", "--wdns=/", sys.executable, str(FAKE), str(run.path)]
    visitor = subprocess.Popen(inside, env=environment, start_new_session=True)
    until(lambda: epochs(run) >= 2)
    os.kill(int(first), signal.SIGTERM)
    assert process.wait(60) == 0
    assert visitor.wait(10) == 0
    assert run.status().state == "stopped"


def test_statuses_come_through_and_orphans_are_buried(begin: Begin, until: Callable[..., None]) -> None:
    assert begin("sh", "-c", "exit 7").wait(30) == 7
    assert begin("sh", "-c", "kill -KILL $$").wait(30) == 137
    assert begin("no-such-command-here").wait(30) == 127

    process = begin("sh", "-c", "for i in 1 2 3; do (sleep 0.1 &); done; exec sleep 600")

    def states() -> list[str]:
        """Of its children."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == process.pid:
                found.append(state)
        return found

    time.sleep(0.5)
    until(lambda: len(states()) == 1)
    assert "Z" not in states()
    status, _ = stop(process)
    assert status == 0


def test_a_command_that_does_not_go_is_killed_in_time(begin: Begin) -> None:
    process = begin(
        sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)", seconds=1
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    before = time.monotonic()
    status, told = stop(process)
    assert status == 137
    assert time.monotonic() - before < 20
    assert "had not ended in time" in told
