"""Learning curve: set one up, or follow one (``?curve=ID``)."""

from labcore.curve.job import LearningCurve
from ui.app import shell
from ui.components import job_picker
from ui.curve import form, view

shell.open_page("Learning curve", "Train on more and more recordings to see whether more data would help.")
job_picker.page(LearningCurve, form.show, view.show)
