"""Speed: the GPU speed-up for audio, measured on the same work; reports from here and elsewhere beside each other."""

import streamlit as st

from labcore.benchmark.job import Benchmark
from ui import live, services, shell, speed, speed_form, speed_report

shell.open_page("Speed", "GPU speed-up for audio: the same work on every device, timed the same way.")

with shell.errors_in_place():
    services.manager()
    busy = speed.at_work()
    folders = speed.known()
    with st.expander("Measure this machine", icon=":material/timer:", expanded=not folders and not busy):
        speed_form.show(speed.look_at)
    chosen = speed.choose(folders)
    if not folders and not busy:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":gray[No report yet. You can also upload one from another machine.]", width="content")
            speed.upload()
    elif folders:
        speed.keep_and_remove(chosen)
        speed_report.show(speed.load(chosen))
    live.unreadable(Benchmark.unreadable(services.workspace()), "report")
