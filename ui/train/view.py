"""A run on the page: live while it is at work, with its result once it is there."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

import streamlit as st

from labcore.asked import asked_for
from labcore.errors import DatasetError, LabError
from labcore.events import (
    Epoch,
    Estimate,
    Event,
    RunFinished,
    SettingsChanged,
    TrainingStarted,
    each_of,
    epochs_of,
    last_of,
)
from labcore.jobs.background import tail
from labcore.jobs.glances import glance
from labcore.runs import Run
from labcore.status import RESUMABLE, JobStatus
from labcore.texts import shown
from ui.app import live, services
from ui.app.shell import action_button, errors_in_place, show_error
from ui.app.text import count, counted, percent, plain
from ui.charts import curves, time_by_phase
from ui.components import owner_guard, results
from ui.forms import fields
from ui.train import estimate, form, live_settings, log, tracked_clips

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
    status, pace = glance(run), live.pace(run, events)
    turns = _turns(events)
    _head(run, status)
    if status.state in RESUMABLE:
        with errors_in_place():
            _elsewhere(run, status, events)
    if status.active:
        st.html(STILL)

    @st.fragment(run_every=pace.line if status.active else None)
    def follow() -> None:
        with errors_in_place():
            seen = run.events()
            now = glance(run)
            if now.state != status.state or (now.active and (live.pace(run, seen) != pace or _turns(seen) != turns)):
                st.rerun()  # what stands still around this part is out of date
            _progress(run, now, seen)
            if now.active:
                live_settings.advice(run, seen, now.by)

    @st.fragment(run_every=pace.curves if status.active else None)
    def draw() -> None:
        with errors_in_place():
            seen = run.events()
            _curves(run, seen, glance(run))
            _log(seen, open_=status.active)
            services.settle_memory_once("curves")

    follow()
    if status.active and status.state != "stopping":
        live_settings.panel(run, status.by)
    tracked_clips.panel(run, status.active, status.by)
    if status.state == "finished":
        with errors_in_place():
            results.show(run, events)
    draw()
    _settings(run)


def _turns(events: list[Event]) -> int:
    return len(each_of(events, SettingsChanged))


def _head(run: Run, status: JobStatus) -> None:
    """Whose the run is, where it is another's, and what can be done with it in its state."""
    if owner_guard.anothers(status.by):
        st.markdown(f":gray[:material/person: Started by] **{owner_guard.whose(status.by)}**")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if status.state in ("queued", "running", "stopping"):
            label = "Cancel" if status.state == "queued" else "Stop"
            owner_guard.stop_button(run, status.by, label, key="stop", disabled=status.state == "stopping")
        if status.state in RESUMABLE:
            label = "Resume" if run.checkpoint.exists() else "Start"
            owner_guard.resume_button(run, status.by, label, key="resume", type="primary")
        if status.state == "finished" and run.weights.exists():
            if st.button("Classify", icon=":material/graphic_eq:", type="primary"):
                st.switch_page("pages/classify.py", query_params={"run": run.id})
            results.download(run)
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
            owner_guard.remove_button(what, partial(_remove, run), status.by, key="remove-for-good")


def _elsewhere(run: Run, status: JobStatus, events: list[Event]) -> None:
    """Where the run's data set is away, or another one is in its place: a place to name the right one."""
    from labcore.datasets.resuming import is_away

    ended = last_of(events, RunFinished)
    if not run.checkpoint.exists():
        return
    if (ended is None or ended.details.get("kind") != "DatasetError") and not is_away(run, services.workspace()):
        return

    def resume() -> None:
        place = st.session_state[f"place-{run.id}"].strip()
        if not place:
            raise DatasetError("no path was given", "Enter the folder or CSV file of the data set, or its name")
        services.manager().resume(run, by=services.visitor_name(), dataset=place)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Where is its data set now?",
            key=f"place-{run.id}",
            placeholder=run.config.data.dataset,
            help="Folder or CSV file with the same clips, or the name of a data set in this workspace.",
            width=420,
        )
        owner_guard.guarded_button(
            "Resume with it", resume, status.by, key="resume-at", verb="Resume", icon=":material/drive_file_move:"
        )


def _remove(run: Run) -> None:
    services.manager().remove(run)
    st.query_params.clear()


def _progress(run: Run, status: JobStatus, events: list[Event]) -> None:
    if status.state == "unreadable":
        show_error(LabError(status.error, "Put its files back, or delete it"))
        return
    if status.state == "failed":
        show_error(LabError(status.error or "the run failed without a message", status.remedy))
        _in_parts(run, status, events)
        if lines := tail(run.log):
            st.caption("Last lines of its log")
            st.code("\n".join(lines), language=None, wrap_lines=True)
        return
    if status.state == "interrupted":
        st.warning(
            "The training process ended unexpectedly (killed, or the machine restarted). "
            f"{f'Epoch {status.epoch} is saved; Resume continues from there.' if status.epoch else 'Nothing was saved yet.'}",
            icon=":material/power_off:",
        )
    if status.state == "stopped" and status.error:
        show_error(LabError(status.error, status.remedy))
    elif status.state == "stopped" and (status.epochs or owner_guard.stopped_by(status)):
        after = f" after epoch {status.epoch} of {status.epochs}" if status.epochs else ""
        goes_on = " Resume continues from there." if status.epochs else ""
        st.caption(f"Stopped{owner_guard.stopped_by(status)}{after}.{goes_on}")
    if status.active:
        st.progress(status.fraction, text=live.progress(status, run))


def _in_parts(run: Run, status: JobStatus, events: list[Event]) -> None:
    """Where memory ran out and a smaller batch was seen to fit: go on with each batch in parts of that size."""
    ended = last_of(events[-1:], RunFinished)
    details = ended.details if ended else {}
    fits = details.get("fits")
    if details.get("kind") != "OutOfMemoryError" or not fits:
        return

    def divide() -> None:
        run.save_config(run.config.replace({"runtime.micro_batch": fits}))
        services.manager().resume(run, by=services.visitor_name())

    label = f"Resume with micro-batches of {counted(fits, 'clip')}"
    owner_guard.guarded_button(label, divide, status.by, key="in-parts", verb="Resume", icon=":material/call_split:")
    st.caption("Gradient accumulation: the same steps with less memory, a little slower.")


def _curves(run: Run, events: list[Event], status: JobStatus) -> None:
    epochs = epochs_of(events)
    if not epochs:
        if status.state == "running":
            st.caption("Curves appear after the first epoch.")
            told = last_of(events, Estimate)
            if told is not None:
                st.caption(f"{plain(estimate.line(told))}.")
        return
    last, total = epochs[-1], max(status.epochs, epochs[-1].epochs)
    if status.state != "finished":
        with st.container(horizontal=True, gap="medium", key="figures-run"):
            for label, value in (
                ("Validation accuracy", percent(last.val_accuracy)),
                ("Validation loss", f"{last.val_loss:.3f}"),
                ("Learning rate", f"{last.lr:.2g}"),
                ("Clips/s", count(last.clips_per_second)),
            ):
                st.metric(label, value, width=170)
    marks = live_settings.marks(events)
    for place, title in zip(st.columns(2, gap="large"), ("Accuracy", "Loss"), strict=True):
        with place:
            field = title.lower()
            st.markdown(f"**{title}** :gray[by epoch]")
            curves.curves(epochs, field, total, key=f"{field}-{run.id}", title=title, marks=marks)
    tracked_clips.lines(run, epochs, total)
    _work(run, events, epochs, total, live_now=status.active)
    started = last_of(events, TrainingStarted)
    if started:
        held_out = f"the {counted(started.val_clips, 'clip')} of test fold {plain(started.fold)}, never trained on"
        if started.validation_clips:
            held_out = f"{counted(started.validation_clips, 'clip')} set aside from training; the test fold is evaluated at the end"
        elif started.leaks:
            held_out += ", although clips of the same recordings are: the split leaks"
        st.caption(
            f"Training curve: {counted(started.train_clips, 'clip')}, augmented, so it can lie below validation. "
            f"Validation curve: {held_out}."
        )


def _work(run: Run, events: list[Event], epochs: list[Epoch], total: int, *, live_now: bool) -> None:
    """Where the time goes, and the small curves: folded away while the run is at work, since each costs every visitor's browser."""
    seconds = time_by_phase.latest(events)
    if seconds:
        st.markdown("**Time per epoch, by stage**")
        time_by_phase.bar(seconds)
    if live_now:
        fold = st.expander(
            "Learning rate and throughput", icon=":material/show_chart:", key=f"small-{run.id}", on_change="rerun"
        )
        if not fold.open:
            return
    else:
        fold = st.container()
    with fold:
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("**Learning rate**")
            curves.small_curve(epochs, "lr", total, key=f"lr-{run.id}", title="Learning rate", form="~g")
        with right:
            st.markdown("**Clips/s**")
            curves.small_curve(epochs, "clips_per_second", total, key=f"speed-{run.id}", title="Clips/s")


def _log(events: list[Event], *, open_: bool) -> None:
    lines = log.log_lines(events)
    if lines:
        fold = st.expander("Log", icon=":material/notes:", expanded=open_, key="log", on_change="rerun")
        if not fold.open:
            return  # what draws it would be a megabyte and a half to load
        with fold:
            text = "\n".join(lines)
            st.code(text, language=None, height=260 if text.count("\n") > 9 else "content", wrap_lines=True)


@st.fragment
def _settings(run: Run) -> None:
    fold = st.expander("Settings and command line", icon=":material/terminal:", key="run-settings", on_change="rerun")
    if not fold.open:
        return  # as with the log
    with fold, errors_in_place():
        from labcore.export import again

        asked, events = asked_for(run), run.events()
        st.caption("Command line for the same run")
        st.code(again(run, events), language="bash", wrap_lines=True)
        if run.weights.exists():
            st.caption("As an HTTP service")
            st.code(f"labcore serve --run {run.id}", language="bash", wrap_lines=True)
        turned = fields.changes(asked)
        st.caption("Changed from defaults" if turned else "All settings are defaults.")
        if turned:
            st.table(
                {plain(title): plain(value) for title, value in turned.items()}, border="horizontal", width="content"
            )
        st.caption("Curves, hyperparameters and images in TensorBoard: this run, or all runs")
        st.code(tensorboard(run.tensorboard) + "\n" + tensorboard(run.path.parent), language="bash", wrap_lines=True)
        st.caption(f"Files of the run: `{shown(run.path).replace(chr(96), chr(39))}`")


def tensorboard(folder: Path) -> str:
    """The command that shows the TensorBoard files under a folder."""
    return f"tensorboard --logdir {shlex.quote(str(folder))}"
