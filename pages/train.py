"""Train: set up a run, or follow one (``?run=ID``)."""

from labcore.runs import Run
from ui import form_url, job_picker, live, new_run, run_view, services, shell

shell.open_page("Train")
with shell.errors_in_place():
    services.manager()
    run = job_picker.choose(Run)
    if run is not None:
        run_view.show(run)
    else:
        form_url.read()
        with live.device_line():
            new_run.show()
            live.unreadable(Run.unreadable(services.workspace()), "run")
