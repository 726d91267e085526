"""The overview: the machine, what is running, the latest runs and data sets, and where to start."""

from __future__ import annotations

import contextlib

import streamlit as st

from labcore.errors import LabError
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import about_of, glance
from labcore.jobs.kind import folder_class
from labcore.runs import Run
from ui.app import live, services, shell
from ui.app.text import ago, counted, plain, run_name
from ui.components import owner_guard
from ui.datasets.bring import ways
from ui.datasets.listed import data_set
from ui.forms import estimates, url

MOST_JOBS = 6
MOST_SETS = 8
PATIENCE_SECONDS = 600
"""Who trains for the first time waits no longer for a result."""


def first_steps(sets: list, has_run: bool) -> None:
    """The way from an empty workspace to an answer."""
    st.header("First steps", anchor=False)
    data, train, classify = st.columns(3, gap="medium")
    with data.container(border=True, height="stretch"):
        step(1, "Get clips", any(not info.error for info in sets))
        if sets:
            for info in sets[:4]:
                data_set(info, "first")
            if not any(info.name == "demo" for info in sets):
                live.demo_button("demo-first", kind="secondary")
        else:
            st.markdown("Generate a demo set: ten city sounds, 400 clips, no download, about 15 s. Or bring your own.")
            live.demo_button("demo-first")
        ways.links()
    with train.container(border=True, height="stretch"):
        step(2, "Train", has_run)
        st.markdown(
            "Choose a preset or adjust the settings, press Start, and watch the curves. You can close the page meanwhile."
        )
        usable = [info.name for info in sets if not info.error]
        if not usable:
            st.page_link("pages/train.py", label="Train a classifier", icon=":material/model_training:", disabled=True)
        elif st.button(
            f"Train on {plain(usable[0])}", key="train-on-it", type="primary", icon=":material/model_training:"
        ):
            st.switch_page("pages/train.py", query_params={"data.dataset": usable[0], **_first_preset()})
    with classify.container(border=True, height="stretch"):
        step(3, "Classify", False)
        st.markdown("Upload a clip or record one, and see and hear what the network predicts.")
        label = "Classify a clip" if has_run else "Try the built-in demo network"
        st.page_link("pages/classify.py", label=label, icon=":material/graphic_eq:")


def _first_preset() -> dict[str, str]:
    """What the address of a first run says of the preset: the quick one, where the recommended one takes long on this machine."""
    recommended = estimates.of_preset(url.RECOMMENDED)
    return {"preset": "quick"} if recommended is not None and recommended.seconds > PATIENCE_SECONDS else {}


def step(number: int, title: str, done: bool) -> None:
    mark = ":green[:material/check_circle:]" if done else f":gray-badge[{number}]"
    st.markdown(f"### {mark} {title}")


def latest_runs(rows: list) -> None:
    """The runs that ended last, in that order, each with how long that is past."""
    st.header("Latest runs", anchor=False)
    with st.container(border=True, gap="xsmall"):
        for run, status in sorted(rows, key=lambda row: -row[1].changed_at)[:8]:
            key = f"job-row-{run.kind.room}-{run.id}"
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
                with st.container(width="stretch"):
                    live.job_link(run, " · ".join(filter(None, [owner_guard.whose(status.by), ago(status.changed_at)])))
                with st.container(width=80):
                    figure = status.figure
                    st.markdown(
                        f"**{figure}**" if status.state == "finished" else f":gray[{figure}]", text_alignment="right"
                    )
                with st.container(width=116):
                    live.badge(status.state)
    with st.container(horizontal=True, gap="small"):
        st.page_link("pages/train.py", label="New run", icon=":material/add:")
        st.page_link("pages/runs.py", label="All runs", icon=":material/list_alt:")


def latest_jobs() -> None:
    """The searches and cross-validations that were begun last, each with how it stands; nothing where there are none."""
    jobs = [job for room in ("searches", "experiments") for job in folder_class(room).every(services.workspace())]
    if not jobs:
        return
    st.header("Searches and cross-validations", anchor=False)
    with st.container(border=True, gap="xsmall"):
        for job in sorted(jobs, key=lambda job: job.id, reverse=True)[:MOST_JOBS]:
            key = f"job-row-{job.kind.room}-{job.id}"
            row = st.container(horizontal=True, vertical_alignment="center", gap="small", key=key)
            with row, shell.errors_in_place():
                job_line(job)


def job_line(job: JobFolder) -> None:
    page, word = live.PAGES[job.kind.room]
    owner = ""
    with contextlib.suppress(LabError):  # one that cannot be read says so on its page
        owner = owner_guard.whose(job.owner)
    label = " · ".join(filter(None, [job.kind.name.capitalize(), plain(run_name(job)), owner]))
    with st.container(width="stretch"):
        st.page_link(page, label=label, query_params={word: job.id}, help=plain(job.id))
    with st.container(width=116):
        live.badge(glance(job).state)


def data_sets(found: list) -> None:
    st.header("Data sets", anchor=False)
    with st.container(border=True):
        for info in found[:MOST_SETS]:
            data_set(info, "overview")
        if more := len(found[MOST_SETS:]):
            st.caption(f"and {counted(more, 'more data set')}")
    if not any(info.name == "demo" for info in found):
        live.demo_button("demo-more", kind="secondary")
    st.caption("Add a data set:")
    ways.links()
    st.page_link("pages/datasets.py", label="All data sets", icon=":material/library_music:")


def page() -> None:
    shell.open_page("Overview", "Train a sound classifier, watch it learn, and use it.")
    with live.device_line(), shell.errors_in_place():
        services.manager()
        runs = live.runs()
        live.at_work()
        ended = [(run, status) for run, status in runs if not status.active and not about_of(run).archived]
        trained = bool(live.trained())

        from labcore.datasets import list_datasets  # pandas: after the head of the page is there

        sets = sorted(list_datasets(services.workspace()), key=lambda info: bool(info.error))  # the sound ones first
        if not trained:
            first_steps(sets, trained)
        if ended:
            left, right = st.columns([2, 1], gap="large")
            with left:
                latest_runs(ended)
                with shell.errors_in_place():
                    latest_jobs()
            with right:
                data_sets(sets)
        live.unreadable(Run)
