"""Search: look for better settings of chosen knobs, or follow a search (``?search=ID``)."""

from labcore.search import unreadable_searches
from ui import form_url, live, search, search_form, search_view, services, shell

shell.open_page(
    "Search", "Tune hyperparameters. Each trial is judged on a validation fold; your test fold stays untouched."
)

with shell.errors_in_place():
    services.manager()
    chosen = search.choose()
    if chosen is not None:
        search_view.show(chosen)
    else:
        form_url.read()
        with live.device_line():
            search_form.show(search.look_at)
            live.unreadable(unreadable_searches(services.workspace()), "search", "searches")
