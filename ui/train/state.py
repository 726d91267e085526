"""How far a run is, why it ended, and ways to go on that its end calls for."""

from __future__ import annotations

import streamlit as st

from labcore.errors import DatasetError, LabError
from labcore.events import Event, RunFinished, last_of
from labcore.jobs.background import tail
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from ui.app import live, services
from ui.app.shell import show_error
from ui.app.text import counted
from ui.components import owner_guard


def show(run: Run, status: JobStatus, events: list[Event]) -> None:
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
        st.progress(status.share, text=live.place(status, run))


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


def place_of_data(run: Run, status: JobStatus, events: list[Event]) -> None:
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
