"""Whether a run answers "none of these", and how well that notices sounds of no class: the tab "Unknown sounds"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from labcore import calibration, keeping, unknowns
from labcore.errors import LabError, RunError
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.refusal import LARGEST, REFUSED
from labcore.inference.unknown import Unknown
from labcore.jobs.glances import glance
from labcore.runs import Run
from ui.app import long_work, services
from ui.app.shell import show_error
from ui.app.text import capital, counted, percent, plain
from ui.components import long_bar, owner_guard
from ui.forms import url
from ui.runs import hidden, validation

HELP = """\
A classifier gives every sound one of its classes, also one that it never heard. With a threshold for unknown sounds it answers
"none of these" where a sound is unlike all of its training clips, or more like silence, a tone or white noise."""
WANTED = "unknown-wanted"
"""With the id of a run: the share that the visitor wants once the validation clips are evaluated."""
GROUP = "unknown-fit"


def show(run: Run) -> None:
    """What the run refuses, a switch, the fit, and the test with hidden classes."""
    st.caption(HELP)
    if not run.weights.is_file():
        st.info("The run has no weights yet.", icon=":material/info:")
        return
    unknown = _kept(str(run.path), run.weights.stat().st_mtime_ns)
    if unknown is not None:
        _threshold(run, unknown)
    _fit(run, unknown)
    st.header("How well are unknown sounds noticed?", anchor=False)
    hidden.panel(run)


def _threshold(run: Run, unknown: Unknown) -> None:
    """What the weights carry, what it does to the test clips, and the switch."""
    threshold = unknown.threshold
    state = "answers" if threshold.on else "does not answer"
    where = "Page, command line, service and label tracks" if threshold.on else "No page and no service"
    st.markdown(f'The run **{state}** "none of these". {where} {"give" if threshold.on else "gives"} that answer.')
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
        glance(run).by,
        key="unknown-switch",
        verb="Change",
        icon=":material/toggle_on:",
    )


# --- the fit


def _fit(run: Run, unknown: Unknown | None) -> None:
    """To fit a threshold, or another one; while that is done, how far it is."""
    try:
        to_evaluate = unknowns.to_evaluate(run)
    except RunError as error:
        if unknown is None:
            st.info(f"{plain(capital(error.what))}. {plain(error.remedy)}.", icon=":material/info:")
        return
    if to_evaluate and validation.evaluating(run, "unknown-evaluating"):
        return
    wanted = st.session_state.get(f"{WANTED}-{run.id}")
    if wanted is not None and not to_evaluate:
        del st.session_state[f"{WANTED}-{run.id}"]
        _begin(run, wanted)
    if _at_work(run):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "Known clips that may be refused (%)", 0.0, 100 * LARGEST, 100 * (unknown.threshold.refused if unknown else REFUSED),
            1.0, "%g", key=f"unknown-share-{run.id}", width=280, bind=url.BOUND,
            help="More of them: more unknown sounds are noticed, and more sounds of known classes are refused by mistake.",
        )  # fmt: skip
        owner_guard.guarded_button(
            "Fit again" if unknown is not None else "Fit and switch on",
            lambda: _ask(run, st.session_state[f"unknown-share-{run.id}"] / 100, to_evaluate),
            glance(run).by,
            key="unknown-fit",
            verb="Change",
            type="secondary" if unknown is not None else "primary",
            icon=":material/block:",
            help="On clips that no figure is reported of: those of the other folds, or the run's validation clips.",
        )


def _ask(run: Run, share: float, to_evaluate: bool) -> None:
    """Fit a threshold; where the validation clips are not evaluated yet, have that done first."""
    if not to_evaluate:
        _begin(run, share)
        return
    services.ask_for(Evaluation, calibration.validation_plan(run))
    st.session_state[f"{WANTED}-{run.id}"] = share


def _begin(run: Run, share: float) -> None:
    def work(progress: Callable[[float], None]) -> None:
        keeping.keep(run, unknowns.fit(run, share, lambda done, total: progress(done / max(1, total))))

    long_work.held().pop(_key(run), None)
    long_work.start(_key(run), "the threshold for unknown sounds", GROUP, "Fitting", work)


def _at_work(run: Run) -> bool:
    """Draw how far the fit is. One that has ended is let go, with what it failed of."""
    work = long_work.held().get(_key(run))
    if work is None:
        return False
    if work.running:
        long_bar.bar(work)
        return True
    del long_work.held()[_key(run)]
    try:
        if not work.stopped:
            _ = work.result
            st.rerun()
    except LabError as error:
        show_error(error)
    return False


def _key(run: Run) -> str:
    return f"{GROUP} {run.id}"


@st.cache_data(max_entries=16, show_spinner=False)
def _kept(path: str, changed: int) -> Unknown | None:
    return keeping.kept(Run(Path(path)), Unknown)
