"""Tune: search for better values of chosen settings, or follow a search (``?search=ID``)."""

from labcore.search.folder import Search
from ui.app import shell
from ui.components import job_picker
from ui.search import form, view

shell.open_page(
    "Tune", "Tune hyperparameters. Each trial is judged on a validation fold; your test fold stays untouched."
)
job_picker.page(Search, form.show, view.show, "searches")
