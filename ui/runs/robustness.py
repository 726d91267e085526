"""How a run holds out against worse recordings, as a short job, beside other runs: the tab "Robustness"."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from labcore.catalogue.rows import row_of
from labcore.evaluation.robustness import RobustnessPlan, RobustnessTest
from labcore.jobs.glances import glance, glances
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.sheets import csv_of_frame
from ui.app import services, shell
from ui.app.text import label_names, percent, plain
from ui.charts import robustness as charts
from ui.components import owner_guard, short_jobs
from ui.datasets import summary as data
from ui.forms import url
from ui.runs import rows

ALL = ""
NAMES = {"noise": "Noise", "gain": "Gain", "sample_rate": "Sample rate", "mp3": "MP3", "opus": "Opus"}
HELP = """\
**Noise** is added at a signal-to-noise ratio. **Gain** makes clips louder or fainter, as a recorder of 16 bits would. **Sample rate**
takes away what a slower recorder does not hear. **MP3** and **Opus** encode and decode each clip."""


def show(run: Run) -> None:
    """Choose a disturbance and clips, evaluate the run with more and more of it, and see the curve."""
    st.caption("Accuracy on held-out clips as recordings get worse.")
    own = run.config.data
    summary = data.summary(own.dataset, own.fold, exclude_classes=own.exclude_classes, run=str(run.path))
    names = {ALL: "all classes", **label_names(summary.counts)}
    of = shell.one_of("Disturbance", NAMES, default="noise", help=HELP, key="robustness-of", bind=url.BOUND)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Class", list(names), format_func=names.__getitem__, key="robustness-label", width=200, bind=url.BOUND
        )
        key = f"robustness-fold-{run.id}"
        url.take("robustness-fold", key, summary.folds, summary.fold)
        fold = st.selectbox(
            "Fold", summary.folds, index=summary.folds.index(summary.fold), key=key, width=160,
            format_func=lambda name: f"{name}, test fold" if name == summary.fold else f"{name}, trained on",
        )  # fmt: skip
        url.tell("robustness-fold", fold if fold != summary.fold else "")
        colour = "pink"
        if of == "noise":
            noises, key = ["white", "pink", "brown"], "robustness-colour"
            colour = shell.one_of("Noise", noises, default="pink", key=key, bind=url.BOUND)
        job, status = last_of(run, of) or (None, None)
        plan = {"run": run.id, "fold": fold, "class": label or None, "disturbance": of, "colour": colour}
        shell.start_button(
            "Run", partial(start, run, plan), key="robustness-start", icon=":material/play_arrow:", type="primary",
            disabled=status is not None and status.active,
        )  # fmt: skip
    if fold != summary.fold:
        st.warning(
            "The network was trained on this fold, so the accuracy says little about new clips.",
            icon=":material/warning:",
        )
    if job is not None and status is not None:
        _show(job, status, run)


def last_of(run: Run, of: str) -> tuple[RobustnessTest, JobStatus] | None:
    """The visitor's last test of a run with a disturbance: what another asked for is neither shown nor stopped here."""
    told = ((job, glance(job)) for job in RobustnessTest.of_run(run) if _of(job) == of)
    return next(((job, status) for job, status in told if not owner_guard.anothers(status.by)), None)


def _of(job: RobustnessTest) -> str:
    return str(job.load("noise", {}).get("disturbance", "noise"))


def start(run: Run, plan: dict[str, object]) -> None:
    """Begin to evaluate a run; with one disturbance once at a time for each run and person."""
    wanted = RobustnessPlan.model_validate(plan)
    last = last_of(run, wanted.disturbance)
    if last is None or not last[1].active:
        services.ask_for(RobustnessTest, wanted)


def _show(job: RobustnessTest, status: JobStatus, run: Run) -> None:
    """A test while it is running, and what came of it."""
    if status.active:
        short_jobs.follow(job, "robustness", lambda: result(job, run))
        return
    short_jobs.why_not(job, status)
    if status.state in RESUMABLE:
        owner_guard.resume_button(job, status.by, key="robustness-resume")
    result(job, run, status)


def result(job: RobustnessTest, run: Run, status: JobStatus | None = None) -> None:
    """The curve with its intervals, those of other runs, and the numbers. ``status``: where it has ended."""
    chosen, about = job.chosen, job.plan.about
    if not job.results or chosen is None:
        if status is not None and status.state == "stopped":
            st.info("Stopped before the first result.", icon=":material/info:")
        return
    own = _name(run)
    shown = {own: job}
    if status is not None:
        others = _others(job)
        compared = st.multiselect(
            "Compare with", list(others), key=f"robustness-others-{job.id}", bind=url.BOUND,
            help="Other runs whose finished test has the same disturbance and the same clips.",
        ) if others else []  # fmt: skip
        shown |= {name: others[name] for name in compared}
    levels = [
        {"run": name, "level": result.level, **result.model_dump(include={"accuracy", "low", "high", "hits", "clips"})}
        for name, each in shown.items()
        for result in each.results
    ]
    table = pd.DataFrame(levels).astype({"level": float})
    of_clean = table[table["level"].isna()].set_index("run")["accuracy"]
    clean = {str(name): float(share) for name, share in of_clean.items()}
    charts.accuracy(table[table["level"].notna()], about, clean, "robustness-curve")
    stopped = " Stopped early: results so far." if status is not None and status.state != "finished" else ""
    undisturbed = "without added noise" if job.plan.disturbance == "noise" else "as recorded"
    st.caption(
        f"{plain(own)}: {percent(clean.get(own, 0.0))} {undisturbed} (dashed line). "
        f"Band: 95 % Wilson interval. On {plain(chosen.dataset)}: {plain(chosen.sentence)}{stopped}"
    )
    with st.expander("Table", icon=":material/table:"):
        st.dataframe(table, hide_index=True, alt="Accuracy by level", placeholder="–")
    shell.download("CSV", csv_of_frame(table), "robustness.csv", "text/csv", key="robustness-csv")


def _others(job: RobustnessTest) -> dict[str, RobustnessTest]:
    """Finished tests of other runs that compare with one, the newest a run, by the name of the run."""
    wanted, newest = job.plan, dict[str, tuple[Run, RobustnessTest]]()
    for other, status in glances(job.workspace, RobustnessTest):
        if status.state != "finished":
            continue
        plan, run = other.plan, Run(job.workspace.runs / other.plan.run)
        if plan.run == wanted.run or not run.there:
            continue
        same = (plan.disturbance, plan.label, plan.colour) == (wanted.disturbance, wanted.label, wanted.colour)
        ours, theirs = job.chosen, other.chosen
        if same and ours and theirs and (ours.dataset, ours.fold) == (theirs.dataset, theirs.fold):
            newest.setdefault(run.id, (run, other))
    return {_name(run): other for run, other in newest.values()}


def _name(run: Run) -> str:
    """As the list names it, and its id, since several runs may have one name."""
    return f"{rows.name(row_of(run))} · {run.id[-4:]}"
