"""Data sets: the list of all and how one is added, or one of them (``?dataset=NAME``)."""

from ui.app import services, shell
from ui.datasets import view

shell.open_page("Data sets")
with shell.errors_in_place():
    services.manager()
    view.show()
