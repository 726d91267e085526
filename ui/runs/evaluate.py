"""Evaluate a run on other clips, as a job: any fold of its data set, another data set, a folder."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from labcore.errors import ConfigError
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.jobs.glances import glance
from labcore.runs import Run
from labcore.typed import plain_path
from ui.app import services, shell
from ui.app.text import label_names
from ui.components import owner_guard, short_jobs
from ui.datasets import summary as data
from ui.forms import url

ALL = "all"
FOLDER = ""
ASKED = "evaluate-asked"
"""Where the session keeps the id of the evaluation that the visitor asked for last, until its figures are shown."""


def panel(run: Run) -> None:
    """The form, the job while it is running, and why the last one has no result."""
    if not run.weights.is_file():
        return
    job = _last(run)
    active = job is not None and glance(job).active
    with st.expander("Evaluate on other clips", icon=":material/fact_check:", expanded=active), shell.errors_in_place():
        plan = _form(run)
        shell.start_button(
            "Evaluate", partial(_start, run, plan), key="evaluate-start", type="primary", icon=":material/play_arrow:",
            disabled=active,
        )  # fmt: skip
        if job is None:
            return
        if active:
            short_jobs.follow(job, "evaluate-job")
        else:
            short_jobs.why_not(job, glance(job))


def _last(run: Run) -> Evaluation | None:
    """The visitor's newest evaluation of the run: what another asked for is neither shown nor stopped here."""
    mine = (job for job in Evaluation.of_run(run) if job.load("evaluation", {}).get("part") != "validation")
    return next((job for job in mine if not owner_guard.anothers(glance(job).by)), None)


def _form(run: Run) -> EvaluationPlan:
    own = run.config.data
    listed = list(dict.fromkeys([own.dataset, *data.names(), FOLDER]))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            "Data set", listed, key="evaluate-dataset", width=260, bind=url.BOUND,
            format_func=lambda name: "Folder or CSV file …" if name == FOLDER else f"{name}{', its own' * (name == own.dataset)}",
        )  # fmt: skip
        if name == FOLDER:
            told = "Of folders of classes, a table of clips, or another layout that the lab reads."
            typed = st.text_input(
                "Path", key="evaluate-path", placeholder="/data/recordings", width=380, help=told, bind=url.BOUND
            )
            name = plain_path(typed)
        if not name:
            return EvaluationPlan(run=run.id, dataset="")
        folds = _folds(run, name)
        fold = _kept("Fold", folds, "evaluate-fold", name)
        excluded = {"exclude_classes": own.exclude_classes} if name == own.dataset else {}
        there = data.summary(name, None, **excluded, **_known(run, name)).counts if folds else {}
        classes = {"": "all classes", **label_names(there)}
        label = _kept("Class", classes, "evaluate-class", name)
    if name == own.dataset and fold not in ("", own.fold):
        st.caption(
            ":material/warning: The network was trained on clips of this choice: the figures say little about new clips."
        )
    return EvaluationPlan(
        run=run.id, dataset=None if name == own.dataset else name, fold=fold or None, label=label or None
    )


def _kept(title: str, options: dict[str, str], word: str, name: str) -> str | None:
    """A choice for a data set, which the address says at a word; the first one needs none."""
    key, first = f"{word}-{name}", next(iter(options), None)
    url.take(word, key, options, first)
    chosen = st.selectbox(title, list(options), format_func=options.__getitem__, key=key, width=200)
    url.tell(word, chosen if chosen and chosen != first else "")
    return chosen


def _known(run: Run, name: str) -> dict[str, Any]:
    """The clips and the split of a data set: of the run's own as the run has them."""
    return {"run": str(run.path)} if name == run.config.data.dataset else {}


def _folds(run: Run, name: str) -> dict[str, str]:
    """The folds of a data set in a list to choose from; "" is what the run held out."""
    own = run.config.data
    there = data.folds(name, own.split if name == own.dataset else "official", **_known(run, name))
    if name != own.dataset:
        return {ALL: "all clips", **{fold: f"fold {fold}" for fold in there.reasons}}
    trained = {fold: f"fold {fold}, trained on" for fold in there.reasons if fold != own.fold}
    return {"": f"test fold {own.fold or ''}".rstrip(), **trained, ALL: "all clips"}


def _start(run: Run, plan: EvaluationPlan) -> None:
    if plan.dataset == "":
        raise ConfigError("no data set is named", "Give the path of a folder or of a CSV file")
    job = _last(run)
    if job is None or not glance(job).active:
        st.session_state[ASKED] = services.ask_for(Evaluation, plan).id
