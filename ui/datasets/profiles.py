"""Profiles of a data set on its page: begun with a press, followed while they are running, and why one ended without a result."""

from __future__ import annotations

from functools import partial

from labcore.errors import LabError
from labcore.explore.clips.profile import Profile, ProfilePlan
from labcore.jobs.glances import glance
from ui.app import services
from ui.app.shell import action_button
from ui.components import short_jobs


def offer(plan: ProfilePlan, label: str, *, key: str, help: str, quiet: bool = False) -> None:
    """A button that begins a profile; while somebody's of the same plan is waiting or running, its progress in its place."""
    job = _last(plan)
    if job is not None and (status := glance(job)).active:
        short_jobs.follow(job, key)
        return
    action_button(
        label, partial(_start, plan), key=f"{key}-start", icon=":material/refresh:" if quiet else ":material/play_arrow:",
        type="tertiary" if quiet else "secondary", help=help,
    )  # fmt: skip
    if job is not None:
        short_jobs.why_not(job, status)


def running(plan: ProfilePlan) -> bool:
    """Whether a profile of this plan is waiting or running."""
    job = _last(plan)
    return job is not None and glance(job).active


def _last(plan: ProfilePlan) -> Profile | None:
    """The newest profile of a plan; what comes of it is for everybody, whoever asked."""
    return next((job for job in Profile.every(services.workspace()) if _is(job, plan)), None)


def _is(job: Profile, plan: ProfilePlan) -> bool:
    try:
        return job.plan == plan
    except LabError:
        return False


def _start(plan: ProfilePlan) -> None:
    if not running(plan):
        services.ask_for(Profile, plan)
