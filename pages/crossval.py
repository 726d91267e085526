"""Cross-validation: set one up, or follow one (``?crossval=ID``)."""

from labcore.crossval.job import CrossValidation
from ui.app import live, services, shell
from ui.components import job_picker
from ui.crossval import form, view
from ui.forms import url

shell.open_page("Cross-validation", "Hold out each fold in turn to measure a recipe, with its uncertainty.")

with shell.errors_in_place():
    services.manager()
    experiment = job_picker.choose(CrossValidation)
    if experiment is None:
        url.read()
        with live.device_line():
            form.show()
            live.unreadable(CrossValidation.unreadable(services.workspace()), "cross-validation")
    else:
        view.show(experiment)
