"""Search: look for better settings of chosen knobs, or follow a search (``?search=ID``)."""

from labcore.search.folder import Search
from ui import form_url, job_picker, live, search_form, search_view, services, shell

shell.open_page(
    "Search", "Tune hyperparameters. Each trial is judged on a validation fold; your test fold stays untouched."
)

with shell.errors_in_place():
    services.manager()
    chosen = job_picker.choose(Search)
    if chosen is not None:
        search_view.show(chosen)
    else:
        form_url.read()
        with live.device_line():
            search_form.show()
            live.unreadable(Search.unreadable(services.workspace()), "search", "searches")
