"""What a run will take, told before it starts (a few steps of it, measured) and as it begins."""

from __future__ import annotations

import json
from functools import partial

import streamlit as st

from labcore.config import RunConfig
from labcore.events import Estimate
from labcore.jobs.glances import glances
from labcore.texts import counted
from labcore.training.estimates import EstimateJob, busy_words, room
from ui.app import services
from ui.app.shell import action_button
from ui.app.text import capital, count, duration, plain
from ui.components import owner_guard, short_jobs


def words(event: Estimate) -> dict[str, str]:
    """An estimate as a short table: what → how much."""
    told = {
        "Time per epoch": _seconds(event.seconds_per_epoch),
        "Total time": duration(event.seconds_total) + (f", {counted(event.epochs, 'epoch')}" if event.epochs else ""),
        "Peak memory": f"{gigabytes(event.peak_bytes)} of {gigabytes(event.memory_bytes)}",
    }
    if event.largest_batch is not None:
        told["Batch size limit"] = room(event.largest_batch, event.clips)
    if event.micro_batch < event.batch_size:
        told["Micro-batch"] = f"{counted(event.micro_batch, 'clip')} of a batch of {count(event.batch_size)}"
    return told


def line(event: Estimate) -> str:
    """An estimate as a line of the log."""
    parts = [f"{_seconds(event.seconds_per_epoch)} per epoch", f"{duration(event.seconds_total)} in total"]
    parts.append(f"peak memory {gigabytes(event.peak_bytes)} of {gigabytes(event.memory_bytes)}")
    if event.largest_batch is not None:
        parts.append(f"{room(event.largest_batch, event.clips)} in a batch")
    if words := busy_words(event, duration):
        parts.append(words)
    return f"Estimate from {counted(event.steps_timed, 'step')}: {', '.join(parts)}"


def caption(event: Estimate) -> str:
    """Where an estimate is from, and whether the machine had other work then."""
    about = f"The whole run, estimated from {counted(event.steps_timed, 'step')}."
    words = busy_words(event, duration)
    return f"{about} :orange[:material/warning:] {capital(words)}." if words else about


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"


def part(config: RunConfig | None) -> None:
    """The button of the form, the work while it goes on, and what came of it for the settings that the form shows."""
    jobs = glances(services.workspace(), EstimateJob)
    mine = [(job, status) for job, status in jobs if not owner_guard.anothers(status.by)]
    at_work = next((job for job, status in mine if status.active), None)
    if at_work is not None:
        short_jobs.follow(at_work, "estimate")
        return
    action_button(
        "Estimate time and memory",
        partial(start, config),
        key="estimate-start",
        icon=":material/timer:",
        width="stretch",
        disabled=config is None,
        help="Prepares the data and times a few training steps. The prepared data is kept for the run.",
    )
    wanted = None if config is None else json.loads(config.to_json())
    about = next(((job, status) for job, status in mine if job.load("config", {}) == wanted), None)
    if about is None:
        return
    job, status = about
    short_jobs.why_not(job, status)
    if (result := job.result) is not None:
        told = words(result)
        st.table({name: plain(value) for name, value in told.items()}, border="horizontal", alt="Estimate of the run")
        st.caption(caption(result))


def start(config: RunConfig | None) -> None:
    """Put an estimate into the queue."""
    if config is not None:
        services.ask_for(EstimateJob, config)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)
