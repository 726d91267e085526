"""Benchmark: the GPU speed-up for audio, measured on the same work; reports from here and elsewhere beside each other."""

import streamlit as st

from labcore.benchmark.job import Benchmark
from ui.app import live, services, shell
from ui.benchmark import form, report, view
from ui.forms import url

shell.open_page("Benchmark", "GPU speed-up for audio: the same work on every device, timed the same way.")

with shell.errors_in_place():
    services.manager()
    busy = view.at_work()
    folders = view.known()
    first = not folders and not busy
    measure = st.expander(
        "Measure this machine",
        icon=":material/timer:",
        expanded=first,
        key="measure",
        on_change="rerun",
        bind=url.BOUND,
    )
    if measure.open:  # the keys of Start are not for a form that nobody sees
        with measure:
            form.show(view.look_at)
    chosen = view.choose(folders)
    if not folders and not busy:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":gray[No report yet. You can also upload one from another machine.]", width="content")
            view.upload()
    elif folders:
        view.keep_and_remove(chosen)
        report.show(view.load(chosen))
    live.unreadable(Benchmark, "report")
