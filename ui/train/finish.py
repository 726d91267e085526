"""To end a run before its time, with weights that are worth keeping: fewer epochs, in which the learning rate falls to its end."""

from __future__ import annotations

import streamlit as st

from labcore.events import epochs_of
from labcore.jobs.glances import glance
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.texts import counted, duration
from labcore.training.pending import finish_early, usual_rest
from ui.app import services
from ui.app.shell import errors_in_place
from ui.components import owner_guard


def popover(run: Run, status: JobStatus) -> None:
    """How many epochs are still to be trained, and the button; of a run that was stopped, one that resumes it as well."""
    going = status.active
    with st.popover(
        "Finish early", icon=":material/flag:", key="finish-open", on_change="rerun",
        type="secondary" if going else "tertiary",
    ) as fold:  # fmt: skip
        if not fold.open:
            return
        with errors_in_place():
            now = glance(run)
            if now.epochs - now.epoch < 2:
                st.caption("It is about to end by itself.")
                return
            key = f"finish-{run.id}"
            more = st.number_input(
                "Epochs still to train", 1, now.epochs - now.epoch, usual_rest(now), key=key, width=220
            )
            st.caption(
                f"{_time(run, more)}Over them the learning rate falls to its end; then the weights are evaluated and saved."
            )

            def finish() -> None:
                more = int(st.session_state[key])  # also what was typed just before the press
                me = services.visitor_name()
                finish_early(run, more, by="page", who=me)
                if not going:
                    services.manager().resume(run, by=me)
                st.session_state["finish-open"] = False
                st.toast(f"It ends after {counted(more, 'more epoch')}", icon=":material/flag:")

            label = "Finish early" if going else "Resume and finish early"
            owner_guard.guarded_button(label, finish, status.by, key="finish", verb="Finish", type="primary")


def _time(run: Run, more: int) -> str:
    told = epochs_of(run.events())
    last = told[-1] if told else None
    if last is None or last.seconds_left is None or last.epochs <= last.epoch:
        return ""
    return f"About {duration(more * last.seconds_left / (last.epochs - last.epoch))}. "
