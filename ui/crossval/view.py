"""The board of a cross-validation: its folds side by side as they run, and what they say together."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import FoldResult, Pool, Summary, csv_table, mean_text, summarise
from labcore.errors import RunError
from labcore.jobs.status import RESUMABLE
from labcore.runs import Run
from labcore.runs.honesty import choice_note
from labcore.texts import mean_ap_text
from ui.app import live, services
from ui.app.shell import action_button, download, errors_in_place, heading, unseen_heading
from ui.app.text import counted, duration, percent, plain, points, preparing_line
from ui.app.ticking import ticking
from ui.charts import curves
from ui.components import job_picker, label_figures, owner_guard, results
from ui.crossval import finish

CARD = 200
"""Width of a fold's card in pixels: four beside each other in a wide window, one in a narrow one."""


def show(experiment: CrossValidation) -> None:
    """Everything about one cross-validation. One that cannot be read says so, and can be removed."""
    try:
        summary = summarise(experiment)
    except RunError as error:
        live.damaged(experiment.path, error)
        return
    _head(experiment, summary)
    tick = 5.0 if any(fold.device == "cpu" for fold in summary.folds) else live.TICK * 2

    @ticking(tick if summary.active else None)
    def following() -> None:
        with errors_in_place():
            now = summarise(experiment)
            if _stage(now) != _stage(summary):
                st.rerun()  # a fold has begun or ended: the figures below are out of date
            _metrics(now.official)
            if now.length_note:
                st.caption(f":material/flag: {plain(now.length_note)}.")
            _cards(now.official.folds, "official", now.by)

    following()
    _together(experiment, summary)
    _why_not_random(experiment, summary)


def _stage(summary: Summary) -> list[str]:
    return [fold.state for fold in summary.folds]


def _head(experiment: CrossValidation, summary: Summary) -> None:
    resumable = any(fold.state in (*RESUMABLE, "deleted") for fold in summary.folds)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        folds = len(summary.official.folds)
        st.markdown(
            f":gray[{folds} fold{'s' if folds != 1 else ''} of] **{plain(PurePath(summary.dataset).name or summary.dataset)}** :gray[with] "
            f"**{plain(summary.model)}**",
            width="content",
        )
        owner_guard.started_by(summary.by)
        if summary.active:
            told = "Running folds stop after their batch and can be resumed."
            owner_guard.stop_button(experiment, summary.by, "Stop all", key="crossval-stop", help=told)
        elif resumable:
            told = "Folds continue from their last epoch; deleted runs start again."
            owner_guard.resume_button(experiment, summary.by, "Resume all", key="crossval-resume", help=told)
        if summary.active or resumable:
            finish.button(experiment, summary)
        download("Table as CSV", lambda: csv_table(summarise(experiment)), f"{experiment.id}.csv", "text/csv")
        if not summary.active:
            job_picker.delete_button(experiment, summary.by, key="crossval-delete")


def _metrics(pool: Pool) -> None:
    with st.container(horizontal=True, gap="medium", key="figures-folds"):
        what = "Accuracy of the folds" if pool.mean_ap is None else "mAP of the folds"
        mean = mean_text(pool).removeprefix("mAP ") if pool.finished else "–"
        st.metric(what, mean, width="content", help="Mean ± standard deviation over the finished folds.")
        st.metric("Finished", f"{pool.finished} of {len(pool.folds)}", width="content")
        if pool.accuracy is not None and pool.low is not None and pool.high is not None:
            low, high = percent(pool.low).removesuffix(" %"), percent(pool.high)
            st.metric("All held-out clips", percent(pool.accuracy), width="content")
            st.metric(
                "95 % interval",
                f"{low} – {high}",
                width="content",
                help="Wilson interval over all held-out clips; those of one recording are alike, and count for less.",
            )
            st.metric("Macro F1", percent(pool.macro_f1), width="content")
        if pool.seconds:
            st.metric("Training time", duration(pool.seconds), width="content", help="Of all finished folds.")


def _cards(folds: list[FoldResult], split: str, owner: str) -> None:
    if any(fold.curve for fold in folds):
        several = any(fold.curve[-1][1] is None for fold in folds if fold.curve)
        watched = next(fold.watched for fold in folds if fold.curve)
        curves.fold_legend(watched, "mAP" if several else "Accuracy")
    with st.container(horizontal=True, gap="small", key=f"fold-cards-{split}"):
        for fold in folds:
            with st.container(border=True, width=CARD, gap="small"):
                _card(fold, f"{split}-{fold.fold}", owner)


def _card(fold: FoldResult, key: str, owner: str) -> None:
    run = Run(services.workspace().runs / fold.run_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        if fold.state == "deleted":
            heading(f"Fold {plain(fold.fold)}", width="content")
        else:
            unseen_heading(f"Fold {fold.fold}", level=3)
            live.run_link(fold.run_id, f"Fold {plain(fold.fold)}", help="Show this run")
        live.badge(fold.state)
    if fold.mean_ap is not None:
        st.metric("mAP", mean_ap_text(fold.mean_ap), label_visibility="collapsed", width="content")
    elif fold.latest is not None and fold.curve and fold.curve[-1][1] is None:
        st.metric("mAP so far", f"{mean_ap_text(fold.latest)} …", label_visibility="collapsed", width="content")
    elif fold.accuracy is not None:
        st.metric("Accuracy", percent(fold.accuracy), label_visibility="collapsed", width="content")
    elif fold.latest is not None:
        st.metric("Accuracy so far", f"{percent(fold.latest)} …", label_visibility="collapsed", width="content")
    if fold.curve:  # before the first epoch there is nothing to draw: ten empty charts would fill the page
        about = {"title": f"Fold {fold.fold}", "watched": fold.watched}
        curves.fold_curve(fold.curve, fold.epochs, key=f"crossval-curve-{key}-{fold.run_id}", **about)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.caption(_line(fold), width="stretch")
        if fold.active:
            looks = {"type": "tertiary", "help": f"Stop fold {plain(fold.fold)}", "disabled": fold.state == "stopping"}
            owner_guard.stop_button(run, owner, "", key=f"crossval-stop-{key}", **looks)
        elif fold.state in RESUMABLE:
            looks = {"type": "tertiary", "help": f"Resume fold {plain(fold.fold)}"}
            owner_guard.resume_button(run, owner, "", key=f"crossval-resume-{key}", **looks)


def _line(fold: FoldResult) -> str:
    """Where a fold is, in a few words."""
    if fold.state == "deleted":
        return "Run deleted"
    if fold.error:
        return plain(f"{fold.error}. {fold.remedy}".strip())
    if fold.preparing is not None:
        return plain(preparing_line(fold.preparing))
    planned = f" ({fold.planned} planned)" if fold.shortened and fold.planned else ""
    line = f"Epoch {fold.epoch} of {fold.epochs}{planned}"
    if not fold.epoch and fold.state in ("queued", "stopped"):
        early = f", {counted(fold.epochs, 'epoch')}{planned}" if fold.shortened else ""
        return ("Queued" if fold.state == "queued" else "Not started") + early
    if fold.seconds_left is not None:
        return f"{line}, {duration(fold.seconds_left)} left"
    if owner_guard.stopped_by(fold):
        line += f", stopped{owner_guard.stopped_by(fold)}"
    return f"{line}, {duration(fold.seconds)}" if fold.state == "finished" else line


def _together(experiment: CrossValidation, summary: Summary) -> None:
    pool = summary.official
    if not pool.finished:
        return
    folds = "fold" if pool.finished == 1 else counted(pool.finished, "fold")
    st.header("All folds", anchor=False)
    st.caption(
        f"{counted(pool.clips, 'held-out clip')} of the finished {folds}, each predicted by a network that was not trained on its "
        f"recording. {choice_note(pool.adjusted)}."
    )
    if pool.leak_note:
        st.warning(f"{pool.leak_note}.", icon=":material/warning:")
    results.untrained_in(experiment)
    results.worth(pool)
    if pool.label_note:
        st.caption(f":material/edit_note: {pool.label_note}.")
    if pool.mean_ap is not None:
        st.caption(
            "The average precision of each label, of all folds together: on the page of the cross-validation, under Evaluation. "
            f"{label_figures.POOLED}"
        )
        return
    results.by_class(pool, key=f"crossval-confusion-{experiment.id}")


def _why_not_random(experiment: CrossValidation, summary: Summary) -> None:
    st.header("Why not a random split?", anchor=False)
    st.markdown(
        "Clips of the same recording sound alike. A random split tests the network on recordings it was trained on, so its "
        "accuracy is too high."
    )
    if summary.random is None:
        action_button(
            "Compare with a random split",
            experiment.add_random_split,
            key="crossval-random",
            icon=":material/shuffle:",
            help="Folds of the same names, sizes and class counts, drawn without regard to recordings. Doubles the work.",
        )
        return
    pool = summary.random
    with st.container(horizontal=True, gap="small", key="figures-random"):
        several = summary.official.mean_ap is not None
        official = mean_ap_text(summary.official.mean_ap) if several else percent(summary.official.mean)
        st.metric("Official folds", official, width=150)
        at_random = mean_ap_text(pool.mean_ap) if several else percent(pool.mean)
        st.metric("Random split, leaks" if pool.leaks else "Random split", at_random, width=180)
        if summary.difference is not None:
            gap = f"{summary.difference:+.3f}" if several else points(summary.difference)
            st.metric("Difference", gap, width=170, help="Over the folds that have finished in both.")
    if pool.finished and not pool.leaks:
        st.caption("This data set does not say which clips share a recording, so no leak is known.")
    elif pool.leaks:
        st.caption(":material/warning: The random split leaks: clips of the same recordings were trained on.")

    def random_split() -> None:
        with errors_in_place():
            now = summarise(experiment)
            if _stage(now) != _stage(summary):
                st.rerun()
            _cards(now.random.folds if now.random is not None else [], "random", summary.by)

    active = any(fold.active for fold in pool.folds)
    ticking(5.0 if active else None)(random_split)()
