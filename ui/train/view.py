"""A run on the page: live while it is running, with its result once it is there."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.events import (
    Event,
    SettingsChanged,
    each_of,
)
from labcore.jobs.glances import glance
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.runs.asked import asked_for
from ui.app import live, services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import plain
from ui.app.ticking import ticking
from ui.components import owner_guard, results, run_commands
from ui.forms import fields
from ui.train import finish, form, live_settings, log, state, tracked_clips, training_curves

STILL = """<style>
[data-testid=stProgress] * { transition: none !important; animation: none !important; }
[data-testid=stElementContainer][data-stale] { transition: none !important; opacity: 1 !important; }
</style>"""
"""A bar that glides, and parts that fade while they are looked at anew, take a browser many times the work of those that step."""


def show(run: Run) -> None:
    """The run, following it while it waits or works.

    A visitor must cost the training little: one part ticks, and it is a line of text; the curves come after it at their own, slower
    pace; sliders and sounds stand still. See benchmarks/watched_training.py.
    """
    events = run.events()
    status = glance(run)
    pace = live.pace(run, events, status.state)
    changes = _changes_so_far(events)
    _head(run, status)
    if status.state in RESUMABLE:
        with errors_in_place():
            state.place_of_data(run, status, events)
    if status.active:
        st.html(STILL)

    @ticking(pace.line if status.active else None)
    def follow() -> None:
        with errors_in_place():
            seen = run.events()
            now = glance(run)
            if now.state != status.state or (
                now.active and (live.pace(run, seen, now.state) != pace or _changes_so_far(seen) != changes)
            ):
                st.rerun()  # what stands still around this part is out of date
            state.show(run, now, seen)
            if now.active:
                live_settings.advice(run, seen, now.by)

    @ticking(pace.curves if status.active else None)
    def render() -> None:
        with errors_in_place():
            seen = run.events()
            training_curves.show(run, seen, glance(run))
            _log(seen, open_=status.active)
            services.settle_memory_once("curves")

    follow()
    if status.active and status.state != "stopping":
        live_settings.panel(run, status.by)
    tracked_clips.panel(run, status.active, status.by)
    if status.state == "finished":
        with errors_in_place():
            results.show(run, events)
    render()
    _settings(run)


def _changes_so_far(events: list[Event]) -> int:
    return len(each_of(events, SettingsChanged))


def _head(run: Run, status: JobStatus) -> None:
    """Whose the run is, where it is another's, and what can be done with it in its state."""
    owner_guard.started_by(status.by)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if status.state in ("queued", "running", "stopping"):
            label = "Cancel" if status.state == "queued" else "Stop"
            owner_guard.stop_button(run, status.by, label, key="stop", disabled=status.state == "stopping")
        if status.state in RESUMABLE:
            label = "Resume" if run.checkpoint.exists() else "Start"
            owner_guard.resume_button(run, status.by, label, key="resume", type="primary")
        if status.state == "running" or (status.state in RESUMABLE and run.checkpoint.exists()):
            finish.button(run, status)
        if status.state == "finished" and run.weights.exists():
            if st.button("Classify", icon=":material/graphic_eq:", type="primary"):
                st.switch_page("pages/classify.py", query_params={"run": run.id})
            results.download(run)
        if not status.active and status.state != "unreadable":
            st.page_link(
                "pages/runs.py", label="On the Runs page", icon=":material/list_alt:", query_params={"run": run.id}
            )
        if status.state != "unreadable":
            action_button(
                "New run with these settings",
                lambda: form.again(asked_for(run)),
                key="again",
                type="tertiary",
                icon=":material/content_copy:",
            )
        if not status.active:
            what = "this run with its weights, curves and log"
            owner_guard.remove_button(what, partial(_remove, run), status.by, key="remove-for-good", kept=True)


def _remove(run: Run) -> None:
    services.manager().remove(run, by=services.visitor_name())
    st.query_params.clear()


def _log(events: list[Event], *, open_: bool) -> None:
    lines = log.log_lines(events)
    if lines:
        fold = st.expander("Log", icon=":material/notes:", expanded=open_, key="log", on_change="rerun")
        if not fold.open:
            return  # what draws it would be a megabyte and a half to load
        with fold:
            text = "\n".join(lines)
            tall = {"height": 280, "autoscroll": True} if text.count("\n") > 9 else {}  # the newest line is in view
            with st.container(border=False, **tall):
                st.code(text, language=None, wrap_lines=True)


@st.fragment
def _settings(run: Run) -> None:
    fold = st.expander("Settings and command line", icon=":material/terminal:", key="run-settings", on_change="rerun")
    if not fold.open:
        return  # as with the log
    with fold, errors_in_place():
        asked, events = asked_for(run), run.events()
        changed = fields.changes(asked)
        st.caption("Changed from defaults" if changed else "All settings are defaults.")
        if changed:
            st.table(
                {plain(title): plain(value) for title, value in changed.items()}, border="horizontal", width="content"
            )
        run_commands.show(run, events)
