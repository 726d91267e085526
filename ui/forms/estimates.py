"""About how long a run, a cross-validation or a search will take, said in a form before it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from labcore.config.budget import USUAL_CLIPS, USUAL_SECONDS, EpochPlan
from labcore.config.presets import PRESETS, preset
from labcore.jobs.glances import glances
from labcore.runs import Run
from labcore.runs.times import MOST_RUNS, RunTime, TrainingSpeed, speed_of
from labcore.training.estimates import EstimateJob, speeds_of_estimates
from labcore.training.run_time import Planned, TrainingClips, plan_of, time_of
from labcore.workspace import Workspace
from ui.app import services
from ui.app.text import duration, plain


def of(plan: Planned, speeds: list[TrainingSpeed] | None = None) -> RunTime | None:
    """About how long one run takes, on the device that is known by now; None where nothing tells.

    Args:
        speeds: how fast this machine trained; looked up where they are not given.
    """
    speeds = _speeds() if speeds is None else speeds
    known, wanted = services.known_device(), plan.config.runtime.device
    if known is not None and wanted in ("auto", known.device):
        return time_of(plan.config, plan, speeds, known.name, cpu=known.device == "cpu")
    return time_of(plan.config, plan, speeds)


def of_preset(name: str) -> RunTime | None:
    """The same of a run of a preset on the usual set; None where nothing tells, or it is not known yet what it will train on."""
    config = preset(name)
    told = of(plan_of(config, TrainingClips(USUAL_CLIPS, USUAL_CLIPS // 4, (USUAL_SECONDS,), (USUAL_SECONDS,))))
    return told if told is not None and (told.measured or services.known_device() is not None) else None


def preset_line(name: str) -> str:
    """What a preset is for, and about how long it takes: here, where that is known."""
    told = of_preset(name)
    chosen = PRESETS[name]
    if told is None:
        return chosen.summary
    where = "on this machine" if told.measured else "on a processor like this"
    return f"{chosen.purpose} About {_round(told.seconds)} {where} for {USUAL_CLIPS} clips of {USUAL_SECONDS:g} s."


def times_of_presets(plans: Mapping[str, Planned]) -> str:
    """About how long one run of each preset takes (name → what it will do), a sentence; empty where nothing tells.

    Where it is not known yet what the run will train on, only what trained here tells.
    """
    speeds, known = _speeds(), services.known_device() is not None
    told = {name: of(plan, speeds) for name, plan in plans.items()}
    each = [
        f"{_round(time.seconds)} with {PRESETS[name].title}"
        for name, time in told.items()
        if time is not None and (time.measured or known)
    ]
    return f"A run takes about {', '.join(each)}." if len(each) == len(plans) else ""


def about(one: RunTime | None, runs: float = 1, most: bool = False) -> str:
    """ "about 5 min", for so many runs one after the other; ``most``: that they can take less."""
    if one is None:
        return "unknown until this network has trained here for more than an epoch"
    return f"{'at most ' if most else ''}about {_round(one.seconds * runs)}"


def automatic(plan: EpochPlan) -> str:
    """What automatic epochs will be, and why: a sentence."""
    reason = re.sub(r"(?<=\d),(?=\d)", "\u202f", plain(plan.reason))
    return f"Automatic: {reason}."


def source(one: RunTime | None) -> str:
    """Where an estimate is from, a sentence; empty where there is none."""
    if one is None:
        return ""
    if one.source == "usual":
        return "A usual time for a processor like this; nothing has trained here yet."
    if one.source == "steps":
        return "Time estimated from a few training steps on this machine; nothing has trained here yet."
    if one.busy:
        times = 1 if one.idle is None else round(one.seconds / one.idle)
        idle = f"an idle machine is usually about {times} times as fast" if times > 1 else "shorter on an idle machine"
        return f"Time estimated from an earlier run beside other work: {idle}."
    return "Time estimated from an earlier run on this machine."


def _round(seconds: float) -> str:
    step = 10 if seconds < 95 else 60 if seconds < 5400 else 600
    return duration(max(step, step * round(seconds / step)))


def _speeds() -> list[TrainingSpeed]:
    found = []
    for run in Run.every(services.workspace(), MOST_RUNS):
        try:
            stamp = (run.path / "events.jsonl").stat()
        except OSError:
            continue
        found.append(_speed(str(run.path), (stamp.st_mtime_ns, stamp.st_size)))
    return [*_estimated(), *(speed for speed in (*found, services.speed_of_steps()) if speed is not None)]


def _estimated() -> list[TrainingSpeed]:
    jobs = glances(services.workspace(), EstimateJob)
    return _speeds_of_estimates(services.workspace(), tuple(job.id for job, status in jobs if not status.active))


@lru_cache(20)
def _speeds_of_estimates(workspace: Workspace, ended: tuple[str, ...]) -> list[TrainingSpeed]:
    return speeds_of_estimates(workspace)


@lru_cache(500)  # looked up for many runs in each rerun, which takes Streamlit's own cache a millisecond each
def _speed(path: str, stamp: tuple[int, int]) -> TrainingSpeed | None:
    return speed_of(Run(Path(path)))
