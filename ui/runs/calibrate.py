"""Calibration on the Evaluation tab: the reliability diagram, and the temperature that a run's weights carry."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from labcore import calibration, keeping
from labcore.errors import RunError
from labcore.evaluation.calibration import Reliability, verdict
from labcore.evaluation.figures import Figures
from labcore.evaluation.jobs import Evaluation
from labcore.inference.temperature import Temperature
from labcore.jobs.glances import glance
from labcore.runs import Run
from ui.app import services
from ui.app.shell import heading
from ui.app.text import capital, percent, plain
from ui.charts.reliability import reliability
from ui.components import owner_guard
from ui.runs import validation

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

WANTED = "calibrate-wanted"
"""With the id of a run: the visitor wants a temperature once the validation clips are evaluated."""
GIVEN = {
    True: "Page, command line, service and exported files give calibrated probabilities.",
    False: "Probabilities are given as trained.",
}


def panel(run: Run, figures: Figures, *, own: bool) -> None:
    """The diagram of predictions, and beside it the temperature.

    Args:
        own: they are those of the run's test fold, which are made without a temperature.
    """
    temperature = Temperature.of_file(run.weights)
    lines = {"As trained" if own else "As evaluated": figures.calibration}
    if own and temperature is not None:
        lines["With the temperature"] = _tempered(
            str(run.predictions), run.predictions.stat().st_mtime_ns, temperature.value, figures.effective_clips
        )
    with diagram(lines, key=run.id):
        _temperature(run, temperature)


def diagram(lines: dict[str, Reliability], *, key: str) -> DeltaGenerator:
    """Reliability diagrams by name, and what they say; returns the place below that."""
    heading("Calibration")
    left, right = st.columns([5, 6], gap="medium")
    with left:
        reliability(lines, key=f"reliability-{key}")
    with right:
        for name, each in lines.items():
            st.markdown(f"{name}: expected calibration error **{percent(each.error)}**. {verdict(each)}")
        return st.container()


@st.cache_data(max_entries=32, show_spinner=False)
def _tempered(file: str, changed: int, temperature: float, effective: float | None) -> Reliability:
    from labcore.evaluation.calibration import reliability, tempered
    from labcore.evaluation.clip_predictions import ClipPredictions

    predictions = ClipPredictions.read([Path(file)])
    predictions = predictions.chosen(predictions.targets >= 0)
    shares = tempered(predictions.probabilities, temperature)
    return reliability(shares.max(axis=1), shares.argmax(axis=1) == predictions.targets, effective=effective)


def _temperature(run: Run, temperature: Temperature | None) -> None:
    """What the weights carry, and what can be done about it."""
    if temperature is not None:
        st.markdown(
            f"Temperature **{temperature.value:.2f}**, switched **{'on' if temperature.on else 'off'}**, fitted on "
            f"{plain(temperature.source)}. {GIVEN[temperature.on]}"
        )
    if not run.weights.is_file():
        return
    try:
        clips, trouble = calibration.clips_for(run), None
    except RunError as error:
        clips, trouble = None, error
    if trouble is None and clips is None and validation.evaluating(run, "calibrate-evaluating"):
        return
    if clips is not None and st.session_state.pop(f"{WANTED}-{run.id}", False):
        keeping.keep(run, calibration.fitted(clips))
        st.rerun()
    if trouble is not None and temperature is None:
        st.info(f"{plain(capital(trouble.what))}. {plain(trouble.remedy)}.", icon=":material/info:")
    _buttons(run, temperature, fit=trouble is None)


def _buttons(run: Run, temperature: Temperature | None, *, fit: bool) -> None:
    """To fit a temperature, where that can be done, and to switch the one that is there on and off."""
    owner = glance(run).by
    with st.container(horizontal=True, gap="small"):
        if fit:
            label = "Fit again" if temperature is not None else "Fit a temperature"
            looks = {"icon": ":material/thermostat:", "type": "secondary" if temperature else "primary"}
            told = (
                "On clips that the figures above are not of: those of the other folds, or the run's validation clips."
            )
            act = partial(_fit, run)
            owner_guard.guarded_button(label, act, owner, key="calibrate-fit", verb="Calibrate", help=told, **looks)
        if temperature is not None:
            verb = "Switch off" if temperature.on else "Switch on"
            switch = partial(keeping.switch, run, Temperature, not temperature.on)
            owner_guard.guarded_button(verb, switch, owner, key="calibrate-switch", icon=":material/toggle_on:")


def _fit(run: Run) -> None:
    """Fit a temperature and keep it; where the validation clips are not judged yet, have that done first."""
    clips = calibration.clips_for(run)
    if clips is not None:
        keeping.keep(run, calibration.fitted(clips))
        return
    services.ask_for(Evaluation, calibration.validation_plan(run))
    st.session_state[f"{WANTED}-{run.id}"] = True
