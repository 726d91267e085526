"""Train: set up a run, or follow one (``?run=ID``)."""

from labcore.runs import Run
from ui.app import shell
from ui.components import job_picker
from ui.train import form, view

shell.open_page("Train")
job_picker.page(Run, form.show, view.show)
