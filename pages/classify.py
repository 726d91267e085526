"""Classify: choose a run, give it clips, see and hear what it makes of them."""

from labcore.runs import Run
from ui.app import live, services, shell
from ui.classify import view

shell.open_page("Classify", "Upload a clip, record one, or try a held-out example.")

with shell.errors_in_place():
    services.manager()
    view.show()
    live.unreadable(Run)
