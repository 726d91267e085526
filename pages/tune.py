"""Tune: search for better values of chosen settings, or follow a search (``?search=ID``)."""

from labcore.search.folder import Search
from ui.app import live, services, shell
from ui.components import job_picker
from ui.forms import url
from ui.search import form, view

shell.open_page(
    "Tune", "Tune hyperparameters. Each trial is judged on a validation fold; your test fold stays untouched."
)

with shell.errors_in_place():
    services.manager()
    chosen = job_picker.choose(Search)
    if chosen is not None:
        view.show(chosen)
    else:
        url.read()
        with live.device_line():
            form.show()
            live.unreadable(Search.unreadable(services.workspace()), "search", "searches")
