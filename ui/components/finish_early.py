"""To end training before its time, with weights that are worth keeping: fewer epochs, in which the learning rate falls to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from labcore.events import epochs_of
from labcore.jobs.folder import JobFolder
from labcore.runs import Run
from ui.app import services
from ui.app.shell import errors_in_place
from ui.app.text import plain
from ui.components import owner_guard

UNKNOWN = "How many epochs there are is known once training has begun."


@dataclass(frozen=True)
class Rest:
    """How many epochs there may be still to train.

    Attributes:
        most: 0 where none can be asked for; ``why`` says so in a sentence.
        usual: what is proposed.
        told: what a number of them comes to, in sentences.
    """

    most: int
    usual: int
    told: Callable[[int], str]
    why: str


def popover(
    job: JobFolder, owner: str, look: Callable[[], Rest], finish: Callable[[int, str], str], *, going: bool
) -> None:
    """How many epochs are still to be trained, and the button; of what was stopped, one that resumes it as well.

    Args:
        look: how the job stands when the popover is open.
        finish: is given the epochs and the visitor's name; what it returns is told, a sentence without the final stop.
        going: it waits or is running.
    """
    with st.popover(
        "Finish early", icon=":material/flag:", key="finish-open", on_change="rerun",
        type="secondary" if going else "tertiary",
    ) as fold:  # fmt: skip
        if not fold.open:
            return
        with errors_in_place():
            rest = look()
            if not rest.most:
                st.caption(rest.why)
                return
            key = f"finish-{job.id}"
            more = st.number_input("Epochs still to train", 1, rest.most, rest.usual, key=key, width=220)
            st.caption(rest.told(more))

            def act() -> None:
                me = services.visitor_name()
                told = finish(int(st.session_state[key]), me)  # also what was typed just before the press
                if not going:
                    services.manager().resume(job, by=me)
                st.session_state["finish-open"] = False
                st.toast(plain(told), icon=":material/flag:")

            label = "Finish early" if going else "Resume and finish early"
            owner_guard.guarded_button(label, act, owner, key="finish", verb="Finish", type="primary")


def seconds_per_epoch(run: Run) -> float | None:
    """As the run tells; None before it does, and after its last one."""
    told = epochs_of(run.events())
    last = told[-1] if told else None
    if last is None or last.seconds_left is None or last.epochs <= last.epoch:
        return None
    return last.seconds_left / (last.epochs - last.epoch)
