"""Train: set up a run, or follow one (``?run=ID``)."""

from labcore.runs import Run
from ui.app import live, services, shell
from ui.components import job_picker
from ui.forms import url
from ui.train import form, view

shell.open_page("Train")
with shell.errors_in_place():
    services.manager()
    run = job_picker.choose(Run)
    if run is not None:
        view.show(run)
    else:
        url.read()
        with live.device_line():
            form.show()
            live.unreadable(Run.unreadable(services.workspace()), "run")
