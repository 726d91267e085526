"""Train: set up a run, or follow one (``?run=ID``)."""

import streamlit as st

from labcore.runs import Run
from ui import form_url, live, new_run, people, run_view, services, shell
from ui.text import run_name, told_apart

NEW = "new"

shell.open_page("Train")


def chosen() -> None:
    choice = st.session_state["run-choice"]
    if choice == NEW:
        st.query_params.clear()
    else:
        st.query_params.from_dict({"run": choice})


with shell.errors_in_place():
    services.manager()
    known = {run.id: (run, status) for run, status in live.runs()}
    wanted = st.query_params.get("run", "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if known:
            st.session_state["run-choice"] = wanted if wanted in known else NEW
            st.selectbox(
                "Run",
                [NEW, *known],
                format_func=told_apart(
                    [NEW, *known],
                    lambda name: (
                        "New run" if name == NEW else people.listed(run_name(known[name][0]), known[name][1].by)
                    ),
                ),
                key="run-choice",
                on_change=chosen,
                label_visibility="collapsed",
                width=380,
            )
        if wanted in known:
            live.badge(known[wanted][1].state)
            if st.button("New run", icon=":material/add:", type="tertiary"):
                st.query_params.clear()
                st.rerun()
    if wanted in known:
        run_view.show(known[wanted][0])
    else:
        if wanted:  # an id from the URL; a path in it is none
            live.gone("run", wanted)
        form_url.read()
        with live.device_line():
            new_run.show()
            live.unreadable(Run.unreadable(services.workspace()), "run")
