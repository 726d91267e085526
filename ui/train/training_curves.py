"""The curves of a run, its latest figures, and where its time goes."""

from __future__ import annotations

import streamlit as st

from labcore.events import Epoch, Estimate, Event, TrainingStarted, epochs_of, last_of
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.texts import mean_ap_text
from ui.app.shell import heading
from ui.app.text import count, counted, percent, plain
from ui.charts import curves, time_by_phase
from ui.train import estimate, live_settings, tracked_clips


def show(run: Run, events: list[Event], status: JobStatus) -> None:
    epochs = epochs_of(events)
    if not epochs:
        if status.state == "running":
            st.caption("Curves appear after the first epoch.")
            told = last_of(events, Estimate)
            if told is not None:
                st.caption(f"{plain(estimate.line(told))}.")
        return
    last, total = epochs[-1], max(status.epochs, epochs[-1].epochs)
    started = last_of(events, TrainingStarted)
    watched = status.watched
    if status.state != "finished":
        _figures(last, watched.capitalize())
    marks = live_settings.marks(events)
    first = ("Accuracy", "accuracy") if last.val_accuracy is not None else ("Mean average precision", "mean_ap")
    for place, (title, field) in zip(st.columns(2, gap="large"), (first, ("Loss", "loss")), strict=True):
        with place:
            heading(title, ":gray[by epoch]")
            curves.curves(epochs, field, total, key=f"{field}-{run.id}", title=title, marks=marks, watched=watched)
    tracked_clips.lines(run, epochs, total)
    _work(run, events, epochs, total, live_now=status.active)
    if started is not None:
        _clips(started, watched)


def _figures(last: Epoch, watched: str) -> None:
    figure = (f"{watched} accuracy", percent(last.val_accuracy))
    if last.val_accuracy is None:
        figure = (f"{watched} mAP", mean_ap_text(last.val_mean_ap).removeprefix("mAP "))
    with st.container(horizontal=True, gap="small", key="figures-run"):  # two in a line on a phone
        for label, value in (
            figure,
            (f"{watched} loss", f"{last.val_loss:.3f}"),
            ("Learning rate", f"{last.lr:.2g}"),
            ("Clips/s", count(last.clips_per_second)),
        ):
            st.metric(label, value, width=160)


def _clips(started: TrainingStarted, watched: str) -> None:
    """What both curves are of."""
    held_out = f"the {counted(started.val_clips, 'clip')} of {'test ' * (watched == 'test')}fold {plain(started.fold)}"
    if started.validation_clips:
        held_out = f"{counted(started.validation_clips, 'clip')} set aside from training; the test fold is evaluated at the end"
    else:
        held_out += ", but clips of their recordings were trained on" if started.leaks else ", never trained on"
    st.caption(
        f"Training curve: {counted(started.train_clips, 'clip')}, augmented, so it can lie below that of {watched}. "
        f"{watched.capitalize()} curve: {held_out}."
    )


def _work(run: Run, events: list[Event], epochs: list[Epoch], total: int, *, live_now: bool) -> None:
    """Where the time goes, and the small curves: folded away while the run is running, since each costs every visitor's browser."""
    seconds = time_by_phase.latest(events)
    if seconds:
        heading("Time per epoch, by stage")
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
            heading("Learning rate")
            curves.small_curve(epochs, "lr", total, key=f"lr-{run.id}", title="Learning rate", form="~g")
        with right:
            heading("Clips/s")
            curves.small_curve(epochs, "clips_per_second", total, key=f"speed-{run.id}", title="Clips/s")
