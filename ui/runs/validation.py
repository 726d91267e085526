"""The evaluation of a run's validation clips, which whatever is fitted on them waits for."""

from __future__ import annotations

from labcore.evaluation.jobs import Evaluation
from labcore.jobs.glances import glance
from labcore.runs import Run
from ui.components import short_jobs


def evaluating(run: Run, key: str) -> bool:
    """Follow it where it is waiting or running; why the last one ended without a result is told."""
    validation = (job for job in Evaluation.of_run(run) if job.load("evaluation", {}).get("part") == "validation")
    job = next(validation, None)
    if job is None:
        return False
    status = glance(job)
    if status.active:
        short_jobs.follow(job, key)
        return True
    short_jobs.why_not(job, status)
    return False
