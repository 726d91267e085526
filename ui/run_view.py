"""A run on the page: live while it is at work, with its result once it is there."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import streamlit as st

from labcore.config import RunConfig
from labcore.errors import LabError
from labcore.runs import RESUMABLE, EventReader, Run, RunStatus, epochs_of
from ui import charts, forms, live, new_run, results, services
from ui.shell import action_button, errors_in_place, show_error
from ui.text import count, duration, percent, plain, preparing_line


def show(run: Run) -> None:
    """The run, following it while it waits or works."""
    status = live.status_of(run)
    _head(run, status)

    @st.fragment(run_every=live.TICK if status.active else None)
    def follow() -> None:
        with errors_in_place():
            now = live.status_of(run)
            if now.state != status.state:
                st.rerun()
            _progress(run, now)
            events = _events(run)
            if now.state == "finished":
                results.show(run, events)
            _curves(run, events, now)
            _log(run, events, now)
            services.settle_memory_once("curves")

    follow()
    _settings(run)


def _head(run: Run, status: RunStatus) -> None:
    """What can be done with the run in its state."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if status.state in ("queued", "running", "stopping"):
            label = "Take out of the queue" if status.state == "queued" else "Stop"
            stop = partial(services.manager().stop, run.id)
            action_button(label, stop, key="stop", icon=":material/stop:", disabled=status.state == "stopping")
        if status.state in RESUMABLE:
            label = "Resume" if run.checkpoint.exists() else "Try again"
            resume = partial(services.manager().resume, run.id)
            action_button(label, resume, key="resume", icon=":material/play_arrow:", type="primary")
        if status.state == "finished" and run.weights.exists():
            if st.button("Classify with it", icon=":material/graphic_eq:", type="primary"):
                st.switch_page("pages/classify.py", query_params={"run": run.id})
            results.download(run)
        again = partial(_again, run)
        action_button(
            "New run with these settings", again, key="again", icon=":material/content_copy:", type="tertiary"
        )
        if not status.active:
            with st.popover("Remove", icon=":material/delete:", type="tertiary"):
                st.markdown("Remove this run with its weights, curves and log? This cannot be undone.")
                action_button("Remove for good", partial(_remove, run), key="remove-for-good", icon=":material/delete:")


def _again(run: Run) -> None:
    new_run.again(run.config)


def _remove(run: Run) -> None:
    services.manager().remove(run.id)
    st.session_state.pop(f"events-{run.id}", None)
    st.query_params.clear()


def _progress(run: Run, status: RunStatus) -> None:
    if status.state == "failed":
        show_error(LabError(status.error or "the run failed without a word", status.remedy))
        tail = _tail(run)
        if tail:
            st.caption("The last lines of its log")
            st.code(tail, language=None, wrap_lines=True)
        return
    if status.state == "interrupted":
        st.warning(
            f"Its worker is gone without a word: killed, or the machine was restarted. "
            f"{f'Epoch {status.epoch} is saved; resume goes on from there.' if status.epoch else 'Nothing was saved yet.'}",
            icon=":material/power_off:",
        )
    if status.state == "stopped" and status.epochs:
        st.caption(f"Stopped after epoch {status.epoch} of {status.epochs}. Resume goes on from there.")
    if status.active:
        st.progress(status.fraction, text=live.run_progress(status))


def _events(run: Run) -> list[dict[str, Any]]:
    """All events of the run; what has been read in this browser session is not read again."""
    key = f"events-{run.id}"
    reader, events = st.session_state.setdefault(key, (EventReader(run), []))
    events.extend(reader.read())
    return events


def _curves(run: Run, events: list[dict[str, Any]], status: RunStatus) -> None:
    epochs = epochs_of(events)
    if not epochs:
        if status.state == "running":
            st.caption("The curves begin with the end of the first epoch.")
        return
    last, total = epochs[-1], max(status.epochs, epochs[-1]["epochs"])
    if status.state != "finished":
        with st.container(horizontal=True, gap="medium"):
            for label, value in (
                ("Validation accuracy", percent(last["val_accuracy"])),
                ("Validation loss", f"{last['val_loss']:.3f}"),
                ("Learning rate", f"{last['lr']:.2g}"),
                ("Clips a second", count(last["clips_per_second"])),
            ):
                st.metric(label, value, width=170)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Accuracy** :gray[by epoch]")
        charts.curves(epochs, "accuracy", total, key=f"accuracy-{run.id}", title="Accuracy")
    with right:
        st.markdown("**Loss** :gray[by epoch]")
        charts.curves(epochs, "loss", total, key=f"loss-{run.id}", title="Loss")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Learning rate**")
        charts.small_curve(epochs, "lr", total, key=f"lr-{run.id}", title="Learning rate", form="~g")
    with right:
        st.markdown("**Clips a second**")
        charts.small_curve(epochs, "clips_per_second", total, key=f"speed-{run.id}", title="Clips a second")
    started = next((event for event in reversed(events) if event["type"] == "training_started"), None)
    if started:
        st.caption(
            f"Training: {count(started['train_clips'])} clips, as they come out of augmentation. "
            f"Validation: the {count(started['val_clips'])} clips of fold {plain(started['fold'])}, never trained on."
        )


def _log(run: Run, events: list[dict[str, Any]], status: RunStatus) -> None:
    lines = log_lines(events)
    if lines:
        with st.expander("Log", icon=":material/notes:", expanded=status.active):
            text = "\n".join(lines)
            st.code(text, language=None, height=260 if text.count("\n") > 9 else "content", wrap_lines=True)


def log_lines(events: list[dict[str, Any]]) -> list[str]:
    """The events as lines for people, oldest first; of a stretch of preparing only its latest line, no epochs."""
    lines: list[str] = []
    preparing = ""
    for event in events:
        text = _sentence(event)
        if not text:
            continue
        line = f"{time.strftime('%H:%M:%S', time.localtime(event['time']))}  {text}"
        what = event["what"] if event["type"] == "preparing" else ""
        if what and what == preparing:
            lines[-1] = line
        else:
            lines.append(line)
        preparing = what
    return lines


def _sentence(event: dict[str, Any]) -> str:
    match event["type"]:
        case "run_queued":
            return "Queued"
        case "run_started":
            return f"Taken up by process {event['pid']} on {event['host']}"
        case "preparing":
            line = preparing_line(event)
            return line[:1].upper() + line[1:]
        case "training_started":
            return (
                f"Training {event['parameters'] / 1e6:.2f} M parameters on {event['train_clips']} clips of "
                f"{len(event['labels'])} classes, epochs {event['first_epoch']} to {event['epochs']}\n"
                f"          Device {event['device']}: {event['device_reason']}\n"
                f"          {event['precision']}, {event['memory_format']}: {event['precision_reason']}"
            )
        case "log":
            return event["message"] if event.get("level", "info") == "info" else f"{event['level']}: {event['message']}"
        case "evaluated":
            return f"Accuracy {percent(event['accuracy'])} on {event['clips']} held-out clips of fold {event['fold']}"
        case "run_finished":
            word = event["state"].capitalize()
            after = (
                f" after {event['epochs_done']} epochs, {duration(event['seconds'])}" if event["epochs_done"] else ""
            )
            return f"{word}{after}" + (f": {event['error']}" if event["error"] else "")
    return ""


def _tail(run: Run, lines: int = 12) -> str:
    """The last lines of the worker's log."""
    try:
        with run.log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _settings(run: Run) -> None:
    with st.expander("Settings and command line", icon=":material/terminal:"), errors_in_place():
        config: RunConfig = run.config
        from labcore.export import command_line

        st.caption("The same run from a shell")
        st.code(command_line(config), language="bash", wrap_lines=True)
        turned = forms.changes(config)
        st.caption(
            "Set otherwise than the recommended preset"
            if turned
            else "Every setting is that of the recommended preset."
        )
        if turned:
            st.table(
                {plain(title): plain(value) for title, value in turned.items()}, border="horizontal", width="content"
            )
        st.caption(f"Files of the run: `{run.path}`")
