"""The entry point of the image: becomes the command that is asked for, or a worker that has the pages beside it.

Process 1 is an init (tini): it hands signals on and reaps orphans. When the process that it started ends, so does the container.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from labcore.allowed_paths import restrict
from labcore.container.commands import Command, understand
from labcore.errors import LabError
from labcore.jobs.worker import Worker, resumes, stop_seconds
from labcore.workspace import Workspace


def main(words: Sequence[str]) -> int:
    """Do what the words after the image's name ask for; returns the exit status."""
    try:
        workspace = Workspace.default()
        command = understand(words, workspace)
        seconds = stop_seconds(os.environ.get("LABCORE_STOP_SECONDS", ""))
    except LabError as error:
        say(" ".join(str(error).split()))
        return 2
    if not command.has_worker:
        return become(command)
    restrict()  # what is started here was asked for by visitors of the pages
    starts = not command.words or os.environ.get("LABCORE_WORKER") != "external"
    worker = Worker(workspace, say, seconds, resumes=resumes(), starts=starts, owns_container=True)
    return work(worker, command)


def work(worker: Worker, command: Command) -> int:
    """Run a worker, and beside it a command where there is one. Both end with the command, or when this process is told to stop.

    Returns:
        0 after a stop; 137 where the command had to be killed for it; else the command's status, 128 and the signal if one ended it.
    """
    stopping = threading.Event()
    told = 0.0  # when it was told to stop, on the monotonic clock
    beside: subprocess.Popen[bytes] | None = None

    def stop(*_: object) -> None:
        nonlocal told
        told = told or time.monotonic()
        stopping.set()
        if beside is not None:
            beside.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if command.words:
        environment = os.environ | dict(command.environment) | {"LABCORE_WORKER": "external"}
        beside = subprocess.Popen(command.words, cwd=command.folder, env=environment)
        threading.Thread(target=_watch, args=(beside, stopping), daemon=True).start()
        if told:
            beside.terminate()
    worker.run(stopping)
    if beside is None:
        return 0
    if not told:
        status = beside.wait()
        return status if status >= 0 else 128 - status
    try:
        beside.wait(max(0.1, told + worker.stop_seconds - time.monotonic()))
    except subprocess.TimeoutExpired:
        beside.kill()
        return 128 + signal.SIGKILL
    return 0


def _watch(process: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    process.wait()
    stopping.set()


def become(command: Command) -> int:
    """Replace this process by a command. Returns an exit status only where it cannot be started."""
    if command.folder is not None:
        os.chdir(command.folder)
    try:
        os.execvpe(command.words[0], list(command.words), os.environ | dict(command.environment))
    except FileNotFoundError:
        say(f"there is no command {command.words[0]!r}")
        return 127
    except OSError as error:
        say(f"{command.words[0]!r} cannot be started: {error.strerror}")
        return 126


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)
