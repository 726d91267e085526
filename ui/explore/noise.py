"""Accuracy of a trained run on worse recordings, as its Robustness tab shows it."""

from __future__ import annotations

from ui.app import shell
from ui.explore import views
from ui.runs import robustness

LINK = "noise"
"""Names the run in the address of the page."""


def show() -> None:
    """Choose a run; the rest is its tab."""
    with shell.errors_in_place():
        run = views.choose_run("explore-noise-run", demo=False, word=LINK)
        if run is not None:
            robustness.show(run)
