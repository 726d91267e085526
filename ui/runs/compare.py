"""Two or more runs or cross-validations beside each other."""

from __future__ import annotations

from labcore.jobs.folder import JobFolder
from ui.runs import one
from ui.runs.rows import table


def show(jobs: list[JobFolder]) -> None:
    one.back()
    table(jobs, key="runs-compared")
