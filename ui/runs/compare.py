"""Two or more runs beside each other."""

from __future__ import annotations

from labcore.runs import Run
from ui.runs import one
from ui.runs.rows import table


def show(runs: list[Run]) -> None:
    one.back()
    table(runs)
