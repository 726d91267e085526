"""Whether a run answers "none of these": the tab "Unknown sounds"."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore import keeping, unknowns
from labcore.errors import RunError
from labcore.inference.unknown import Unknown
from labcore.runs import Run
from ui.app.text import counted, percent, plain
from ui.components import owner_guard

HELP = """\
A classifier gives every sound one of its classes, also one that it never heard. With a threshold for unknown sounds it answers
"none of these" where a sound is unlike all of its training clips, or more like silence, a tone or white noise."""


def show(run: Run) -> None:
    """What the run refuses, and a switch."""
    st.caption(HELP)
    if not run.weights.is_file():
        st.info("The run has no weights yet.", icon=":material/info:")
        return
    unknown = _kept(str(run.path), run.weights.stat().st_mtime_ns)
    if unknown is None:
        st.info("No threshold is fitted yet. Fit one on the command line:", icon=":material/info:")
        st.code(f"labcore runs unknown {run.id} --refuse 0.05", language=None)
        return
    threshold = unknown.threshold
    state = "answers" if threshold.on else "does not answer"
    st.markdown(f'The run **{state}** "none of these".')
    try:
        effect = unknowns.effect(run, unknown)
    except RunError:
        effect = None
    with st.container(horizontal=True):
        st.metric("Wanted", percent(threshold.refused), width=160, help="Share of known clips that may be refused.")
        if effect is not None:
            share = percent(effect.refused / effect.clips)
            st.metric("Test clips refused", share, width=200, help=f"Of {counted(effect.clips, 'test clip')}.")
    st.caption(f"Fitted on {plain(threshold.source)}; the clips of the test fold were not used.")
    owner_guard.guarded_button(
        "Switch off" if threshold.on else "Switch on",
        partial(keeping.switch, run, Unknown, not threshold.on),
        run.owner,
        key="unknown-switch",
        verb="Change",
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _kept(path: str, changed: int) -> Unknown | None:
    from pathlib import Path

    return keeping.kept(Run(Path(path)), Unknown)
