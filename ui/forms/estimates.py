"""About how long a run, a cross-validation or a search will take, said in a form before it starts."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from labcore.config import RunConfig
from labcore.config.budget import EpochPlan
from labcore.runs import Run, list_runs
from labcore.runs.times import MOST_RUNS, RunTime, TrainingSpeed, estimate, speed_of
from ui.app import services
from ui.app.text import duration, plain


def of(config: RunConfig, plan: EpochPlan) -> RunTime | None:
    """About how long one run takes, on the device that is known by now; None where nothing tells."""
    known, wanted = services.known_device(), config.runtime.device
    if known is not None and wanted in ("auto", known.device):
        return estimate(config, plan, _speeds(), known.name, cpu=known.device == "cpu")
    return estimate(config, plan, _speeds(), cpu=wanted in ("auto", "cpu"))


def about(one: RunTime | None, runs: float = 1, most: bool = False) -> str:
    """ "about 5 min", for so many runs one after the other; ``most``: that they can take less."""
    if one is None:
        return "unknown until this network has trained here"
    told = f"{'at most ' if most else ''}about {_round(one.seconds * runs)}"
    return told if one.measured else f"{told} on two cores"


def automatic(plan: EpochPlan) -> str:
    """What automatic epochs will be, and why: a sentence."""
    reason = re.sub(r"(?<=\d),(?=\d)", "\u2009", plan.reason)
    return f"Automatic: {plain(reason)}."


def source(one: RunTime | None) -> str:
    """Where an estimate is from, a sentence; empty where there is none."""
    if one is None:
        return ""
    return (
        "Time estimated from an earlier run on this machine."
        if one.measured
        else "Time measured on another machine with two cores."
    )


def _round(seconds: float) -> str:
    step = 10 if seconds < 95 else 60 if seconds < 5400 else 600
    return duration(max(step, step * round(seconds / step)))


def _speeds() -> list[TrainingSpeed]:
    found = []
    for run in list_runs(services.workspace())[:MOST_RUNS]:
        try:
            stamp = (run.path / "events.jsonl").stat()
        except OSError:
            continue
        found.append(_speed(str(run.path), (stamp.st_mtime_ns, stamp.st_size)))
    return [speed for speed in found if speed is not None]


@st.cache_data(max_entries=500, show_spinner=False)
def _speed(path: str, stamp: tuple[int, int]) -> TrainingSpeed | None:
    return speed_of(Run(Path(path)))
