"""Cross-validation: set one up, or follow one (``?crossval=ID``)."""

from labcore.crossval.job import CrossValidation
from ui.app import shell
from ui.components import job_picker
from ui.crossval import form, view

shell.open_page("Cross-validation", "Hold out each fold in turn to measure a recipe, with its uncertainty.")
job_picker.page(CrossValidation, form.show, view.show)
