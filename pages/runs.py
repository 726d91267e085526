"""Runs: the list of all, one (``?run=ID``), the clips of a cross-validation (``?crossval=ID``), hidden classes (``?hidden=ID``),
a comparison (``?compare=ID,ID``)."""

from ui.app import services, shell
from ui.runs import view

shell.open_page("Runs")
with shell.errors_in_place():
    services.manager()
    view.show()
