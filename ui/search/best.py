"""The best trial of a search, and what to do with it: train it once more, or open it in the form."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.config import all_settings
from labcore.jobs.glances import glance
from labcore.runs import Run
from labcore.search.folder import Search
from labcore.search.report import SearchReport, Trial, best_config, train_best
from ui.app import live, services
from ui.app.shell import action_button
from ui.app.text import percent, plain, points, state_face
from ui.forms import fields
from ui.forms.fields import unit_title
from ui.search.charts import value_word


def show(search: Search, report: SearchReport) -> None:
    """The figure of the best trial, its settings, and buttons for what comes next."""
    best = report.best
    if best is None:
        if report.active:
            first = "Trial 0 is the unchanged recipe. " if report.settings.recipe is not None else ""
            st.caption(f"{first}Results appear when the first trial has finished.")
        return
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="large")
        with left:
            _figure(report, best)
        with right:
            table = all_settings()
            st.table(
                {plain(unit_title(table[path])): plain(value_word(value)) for path, value in best.changes.items()},
                border="horizontal",
                alt="Settings of the best trial",
            )
        with st.container(horizontal=True, gap="small"):
            _final(search, report)
            action_button(
                "Open on the Train page",
                partial(_open_form, search),
                key="search-open",
                icon=":material/tune:",
                type="tertiary",
            )
    if st.session_state.pop("search-opened", False):
        st.switch_page("pages/train.py")


def _figure(report: SearchReport, best: Trial) -> None:
    """What it reached, beside the recipe that the search began with."""
    recipe, settings, against = report.recipe, report.settings, None
    goal = settings.goal
    if recipe is not None and recipe is not best and best.value is not None and recipe.value is not None:
        gain = best.value - recipe.value
        against = f"{points(gain) if goal.share else f'{gain:+.4f}'} compared with the recipe"
    value = percent(best.value) if best.value is None else goal.text(best.value)
    title = f"Best {goal.title.lower()}{' so far' * report.active}, trial {best.number}"
    st.metric(title, value, delta=against, delta_color="normal" if goal.larger else "inverse")
    flatters = f" {report.flatters}." if report.flatters else ""
    st.caption(
        f"On validation fold {plain(settings.validation)}.{flatters} Report the accuracy on test fold "
        f"{plain(settings.test_fold)}, which no trial has used."
    )


def _final(search: Search, report: SearchReport) -> None:
    """Train the best with the test fold held out: once."""
    run = final_run(report)
    if run is not None:
        status, fold = glance(run), f"fold {plain(report.settings.test_fold)}"
        ended = status.state == "finished"
        word = status.figure if ended else state_face(status.state)[0].lower()
        then = f"Settings of trial {report.final_trial}, the best one then,"
        whose = then if report.outdated else "Best settings"
        live.run_link(run.id, f"{whose} on test {fold}: **{plain(word)}**", icon=":material/verified:")
        return
    action_button(
        "Train and test the best settings",
        partial(train_best, search, services.manager(), by=services.visitor_name()),
        key="search-final",
        type="primary" if report.state == "finished" else "secondary",
        icon=":material/verified:",
        disabled=report.active,
        help=f"One run on {report.settings.rest}, evaluated once on the test fold.",
    )


def final_run(report: SearchReport) -> Run | None:
    """The run that trains what was found, where there is one still."""
    run = Run(services.workspace().runs / report.final) if report.final else None
    return run if run is not None and run.there else None


def _open_form(search: Search) -> None:
    fields.take(best_config(search))
    st.session_state["search-opened"] = True
