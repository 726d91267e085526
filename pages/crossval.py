"""Cross-validation: set one up, or follow one (``?crossval=ID``)."""

from labcore.experiments.crossval import CrossValidation
from ui import crossval_board, crossval_form, form_url, job_picker, live, services, shell

shell.open_page("Cross-validation", "Hold out each fold in turn to measure a recipe, with its uncertainty.")

with shell.errors_in_place():
    services.manager()
    experiment = job_picker.choose(CrossValidation)
    if experiment is None:
        form_url.read()
        with live.device_line():
            crossval_form.show()
            live.unreadable(CrossValidation.unreadable(services.workspace()), "cross-validation")
    else:
        crossval_board.show(experiment)
