"""What one server process keeps for all its visitors: the job manager, the device, loaded classifiers."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.device import DeviceChoice, choose_device
from labcore.errors import RunError
from labcore.jobs.manager import JobManager
from labcore.owners import clean
from labcore.runs import Run
from labcore.runs.times import TrainingSpeed
from labcore.training import machine_speed
from labcore.workspace import Workspace
from ui.app import tasks
from ui.auth import visitor

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier


def workspace() -> Workspace:
    """The workspace of this server: one for as long as it runs, so what is kept of it needs no name of it."""
    return Workspace.default()


def visitor_name() -> str:
    """Who looks at the page, by the name that runs carry. The one place where pages learn it."""
    return clean(visitor.visitor().name)


@st.cache_resource(show_spinner=False)
def manager() -> JobManager:
    """The job manager of this server."""
    return JobManager(workspace())


def ask_for(kind: Any, *what: Any, **more: Any) -> Any:
    """A new job of a kind in the queue, asked for by the visitor; the rest as its ``create`` takes it."""
    return manager().take(kind.create(workspace(), *what, queued=True, by=visitor_name(), **more))


@st.cache_resource(max_entries=20, show_spinner=False)
def visits(path: str) -> dict[str, float]:
    """Who looks at a run: browser session → when it looked last, by ``time.monotonic``."""
    return {}


# --- the device


def look_for_device() -> tasks.Task:
    """Import torch and choose a device in the background, once a server."""

    def work(_: tasks.Progress) -> DeviceChoice:
        choice = choose_device()
        settle_memory()
        return choice

    return tasks.held().get("device") or tasks.begin("device", work)


def time_steps() -> tasks.Task | None:
    """Time some steps of training in the background, once a machine, where that is the CPU and nobody waits for anything else."""
    device, there = known_device(), tasks.held().get("steps")
    if there is not None or device is None or device.device != "cpu" or manager().queue() or manager().at_work():
        return there
    home = workspace()

    def work(progress: tasks.Progress) -> TrainingSpeed | None:
        return machine_speed.recall(home) or machine_speed.measure(home, progress)

    return tasks.begin("steps", work)


def speed_of_steps() -> TrainingSpeed | None:
    """How fast these steps were, where that is known by now."""
    task = tasks.held().get("steps")
    return task.result if task is not None else None


def settle_memory() -> None:
    """Take what is loaded by now out of the garbage collector's sight.

    Streamlit collects garbage after every run of a script and of a fragment. With torch and pandas loaded that walks over a
    million objects that never die: a fifth of a second of CPU at every tick of a live part, taken from the training beside it.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def settle_memory_once(after: str) -> None:
    """The same, once a server after each of the parts that load more."""
    settle_memory()


def known_device() -> DeviceChoice | None:
    """The device, where it is known by now."""
    task = tasks.held().get("device")
    return task.result if task is not None else None


def device_trouble() -> str:
    """Why the device could not be found out; empty where it could, or is still being looked for."""
    task = tasks.held().get("device")
    return str(task.error) if task is not None and task.error is not None else ""


# --- classifiers


def classifier(run: Run) -> Classifier:
    """The classifier of a run, loaded once and shared.

    Raises:
        RunError: the run has no weights, or they cannot be read.
    """
    try:
        version = run.weights.stat().st_mtime_ns
    except OSError as error:
        raise RunError(f"run {run.id} has no weights", "Choose another run") from error
    return _classifier(str(run.path), version)


@st.cache_resource(max_entries=3, show_spinner="Loading the network …")
def _classifier(path: str, version: int) -> Classifier:
    from labcore.evaluation.work import loaded
    from labcore.inference.route_finder import find_later

    return find_later(loaded(Path(path)), workspace())
