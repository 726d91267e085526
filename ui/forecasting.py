"""What a run will take, told before it starts (a few probe steps in a process of its own) and as it begins."""

from __future__ import annotations

from typing import Any

import streamlit as st

from labcore.config import RunConfig
from labcore.events import Event, Forecast, Preparing
from labcore.texts import counted
from ui import live, services
from ui.services import Task
from ui.shell import action_button, log, show_error
from ui.text import count, duration, plain

OWN = "forecast-own"
"""Where a browser session keeps the forecast that it asked for. One at a time is at work on a server."""


def words(event: Forecast) -> dict[str, str]:
    """A forecast as a short table: what → how much."""
    told = {
        "An epoch": _seconds(event.seconds_per_epoch),
        "To the end": duration(event.seconds_total) + (f", {counted(event.epochs, 'epoch')}" if event.epochs else ""),
        "Peak memory": f"{gigabytes(event.peak_bytes)} of {gigabytes(event.memory_bytes)}",
    }
    if event.largest_batch is not None:
        told["Room for a batch"] = _room(event)
    if event.micro_batch < event.batch_size:
        told["Batches"] = f"{counted(event.batch_size, 'clip')}, in parts of {count(event.micro_batch)}"
    return told


def line(event: Forecast) -> str:
    """A forecast as a line of the log."""
    parts = [f"{_seconds(event.seconds_per_epoch)} an epoch", f"{duration(event.seconds_total)} to the end"]
    parts.append(f"peak memory {gigabytes(event.peak_bytes)} of {gigabytes(event.memory_bytes)}")
    if event.largest_batch is not None:
        parts.append(f"{_room(event)} in a batch")
    return f"Forecast from {counted(event.steps_timed, 'step')}: {', '.join(parts)}"


def _room(event: Forecast) -> str:
    from labcore.jobs.forecast import room

    return room(event.largest_batch, event.clips)


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"


def part(config: RunConfig | None) -> None:
    """The button of the form, the work while it goes on, and what came of it for the settings that the form shows."""
    task = _task()
    wanted = None if config is None else config.to_json()
    if task is not None and task.running:
        _at_work()
        return
    task = st.session_state.get(OWN)  # the visitor's own, whoever has asked for another since
    action_button(
        "Forecast",
        lambda: start(config),
        key="forecast-start",
        icon=":material/timer:",
        width="stretch",
        disabled=config is None,
        help="Prepares the data and takes a few steps: seconds an epoch, time to the end, memory. Nothing of it is kept but what "
        "the run itself would prepare.",
    )
    if task is None or task.about != wanted:
        return
    if task.error is not None:
        show_error(task.error)
    elif task.failure is not None:
        log.error("the forecast failed", exc_info=task.failure)
        st.error("The forecast failed. The server's log has the details.")
    elif task.result is not None:
        assert config is not None
        told = words(task.result)
        st.table({name: plain(value) for name, value in told.items()}, border="horizontal", alt="Forecast of the run")
        st.caption(f"From {counted(task.result.steps_timed, 'step')}, on the machine as busy as it was then.")


def start(config: RunConfig | None) -> None:
    """Begin a forecast in the background; one that is at work for somebody else is waited for."""
    task = _task()
    if config is None or (task is not None and task.running):
        return
    home = services.workspace()

    def work(progress: Any) -> Forecast:
        from labcore.jobs.forecast import forecast

        def on_event(event: Event) -> None:
            if isinstance(event, Preparing):
                task.doing = event.what
                progress(event.done, event.total)

        return forecast(config, home, on_event)

    task = Task(work, about=config.to_json(), doing="starting")
    services.tasks(str(home.home))["forecast"] = st.session_state[OWN] = task.start()


@st.fragment(run_every=live.TICK)
def _at_work() -> None:
    task = _task()
    if task is None or not task.running:
        st.rerun()
    st.progress(task.fraction, text=f"Forecast: {plain(task.doing)} …")


def _task() -> Task | None:
    return services.tasks(str(services.workspace().home)).get("forecast")


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)
