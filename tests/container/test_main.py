"""What the image starts: a worker with a command beside it, whose status comes through; a stop preempts trainings from a shell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.container.commands import Command
from labcore.container.main import become, main, work
from labcore.jobs import preemption
from labcore.jobs.worker import Worker
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.small import ON_CPU

ROOT = Path(__file__).parents[2]
TINY = {
    "optim.epochs": 2000, "optim.batch_size": 4, "model.name": "small_cnn", "audio.sample_rate": 8000, "features.n_mels": 16,
    "runtime.compile": "off", **ON_CPU,
}  # fmt: skip


@pytest.fixture
def run_beside(workspace: Workspace) -> Iterator[Callable[..., int]]:
    """run_beside(line, stop=False, seconds=9): a worker with a shell's line beside it, to its end or to a SIGTERM; the status."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(line: str, *, stop: bool = False, seconds: float = 9) -> int:
        ready = workspace.home / "ready"
        if stop:

            def tell() -> None:
                while not ready.exists():
                    pass
                os.kill(os.getpid(), signal.SIGTERM)

            threading.Thread(target=tell).start()
        line = line.replace("READY", str(ready))
        return work(Worker(workspace, lambda _: None, stop_seconds=seconds), Command(["sh", "-c", line]))

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("line", "options", "status"),
    [
        ("exit 7", {}, 7),
        ("kill -KILL $$", {}, 137),
        ('test "$LABCORE_WORKER" = external', {}, 0),
        ("touch READY; exec sleep 600", {"stop": True}, 0),
        ("trap '' TERM; touch READY; exec sleep 600", {"stop": True, "seconds": 0.2}, 137),
    ],
)
def test_the_status_of_what_runs_beside_the_worker(
    run_beside: Callable[..., int], workspace: Workspace, line: str, options: dict[str, float], status: int
) -> None:
    workspace.home.mkdir(parents=True)
    assert run_beside(line, **options) == status


def test_other_commands_take_the_place_of_the_entry(capfd: pytest.CaptureFixture[str]) -> None:
    words = [sys.executable, "-m", "labcore.container", "sh", "-c", "exit 7"]
    assert subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode == 7
    assert become(Command(["no-such-command-here"])) == 127
    assert main([str(ROOT)]) == 126
    assert "cannot be started: Permission denied" in capfd.readouterr().err


@pytest.mark.slow
def test_a_training_from_a_shell_is_preempted_with_its_container_and_goes_on_with_the_next(
    workspace: Workspace, class_folders: Path, until: Callable[..., None]
) -> None:
    """A namespace of processes stands in for the container; the shell enters it, and is nobody's child there."""
    alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a namespace of processes cannot be made here")
    environment = os.environ | {
        "LABCORE_HOME": str(workspace.home),
        "LABCORE_DATA_ROOTS": str(class_folders.parent),  # in place of /data
        "LABCORE_STOP_SECONDS": "60",
        "PYTHONPATH": str(ROOT),
    }
    run = Run.create(workspace, RunConfig().replace(TINY | {"data.dataset": str(class_folders)}))
    init = ["tini", "-s", "-g", "--"] if shutil.which("tini") else []

    def start() -> tuple[subprocess.Popen[str], str]:
        words = [*alone, *init, sys.executable, "-m", "labcore.container", "worker"]
        container = subprocess.Popen(words, env=environment, text=True, stderr=subprocess.PIPE)
        children = Path(f"/proc/{container.pid}/task/{container.pid}/children")
        until(lambda: (workspace.runs / ".manager.lock").exists() and children.read_text())
        return container, children.read_text().split()[0]

    def stop(container: subprocess.Popen[str], first: str) -> str:
        os.kill(int(first), signal.SIGTERM)
        _, told = container.communicate(timeout=90)
        assert container.returncode == 0, told
        return told

    container, first = start()
    enter = ["nsenter", "--target", first, "--pid", "--mount", "--wdns=/"]
    inside = [*enter, sys.executable, "-m", "labcore", "resume", str(run.path)]
    shell = subprocess.Popen(
        inside, env=environment, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    until(lambda: len(run.epochs()) >= 2)
    assert f"run {run.id} is preempted" in stop(container, first)
    shell.wait(30)  # ended by itself, or with its container right after
    assert run.status().state == "stopped"
    assert run.checkpoint.is_file()
    assert preemption.is_preempted(run)
    done = len(run.epochs())

    container, first = start()
    until(lambda: len(run.epochs()) > done)
    assert [event.first_epoch for event in run.events() if event.type == "training_started"] == [1, done + 1]
    stop(container, first)
