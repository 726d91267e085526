"""The form of a new cross-validation: data, folds and recipe. The settings are those of the Train page."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.datasets.table import PARTS
from labcore.errors import LabError
from labcore.training.run_time import plan_of
from ui.app.shell import show_error
from ui.app.text import count, counted, plain, sentence
from ui.components import job_picker, queue_line
from ui.datasets import summary as data
from ui.forms import estimates, fields, url
from ui.train import form as new_run


def show() -> None:
    """The form."""
    new_run.of_runs("crossval", partial(new_run.choose_dataset, "crossval-data"), _start)


def _start() -> None:
    with st.container(border=True, key="start-box"):
        st.header("This cross-validation", anchor=False)
        try:
            current = fields.values()
            name = str(current["data.dataset"])
            same = {
                "cut": data.cut_as(current),
                "exclude_classes": current["data.exclude_classes"],
                "named_split": current["data.named_split"],
            }
            there = data.folds(name, leave_out=current["data.leave_out"], **same)
            sample = {"train_recordings": current["data.train_recordings"], "sample": current["data.sample"]}
            summary = data.summary(name, there.automatic or None, **same, **sample)
            config = fields.config().replace({"data.fold": None, "data.split": "official"})
        except LabError as error:
            show_error(error)
            queue_line.start_bar("this cross-validation", lambda: None, key="crossval-start", disabled=True)
            return
        folds = [fold for fold in summary.folds if fold not in PARTS and fold != config.data.leave_out]
        if len(folds) < 2:
            st.info(
                f"Data set {plain(name)} has no folds to iterate over: its parts are {plain(', '.join(summary.folds))}. Train a "
                "single run instead.",
                icon=":material/info:",
            )
            return
        chosen, random = _choices(name, folds, there)
        _facts(summary, config, len(chosen), random)
        make = partial(job_picker.start, CrossValidation, config, folds=chosen, random=random)
        queue_line.start_bar("this cross-validation", make, key="crossval-start", disabled=not chosen)


def _choices(name: str, folds: list[str], there: data.Folds) -> tuple[list[str], bool]:
    """The folds that are held out, and whether there is a random split beside them; both stand in the address."""
    possible = [fold for fold in folds if not there.reasons[fold]]
    linked = [fold for fold in folds if fold in st.query_params.get_all("fold")]
    began = st.session_state.setdefault(f"crossval-link-{name}", (linked or possible, "random" in st.query_params))
    chosen = st.pills(
        "Folds", folds, selection_mode="multi", default=began[0], format_func=there.title, key=f"crossval-folds-{name}", wrap=True
    )  # fmt: skip
    data.tell_impossible(there)
    random = st.toggle(
        "Compare with a random split", began[1], key="crossval-random",
        help="Also cross-validates a random split that ignores recordings, to show how much too high its accuracy is. Twice the work.",
    )  # fmt: skip
    url.write({"fold": None if chosen == possible else list(chosen), "random": "yes" if random else None})
    return chosen, random


def _facts(summary: data.DataSummary, config: RunConfig, folds: int, random: bool) -> None:
    clips = summary.training + summary.held_out
    fitted, told = data.with_front_end(config, all_folds=True)
    runs, planned = folds * (2 if random else 1), plan_of(fitted, summary.before)
    one, work = estimates.of(planned), planned.epochs
    st.table(
        {
            "Clips": f"**{count(clips)}** of {counted(len(summary.counts), 'class', 'classes')}",
            "Work": f"**{counted(runs, 'run')}** of {plain(config.model.name)}, {counted(work.epochs, 'epoch')} each",
            "Time": estimates.about(one, runs),
        },
        border="horizontal",
        alt="Summary of the cross-validation",
    )
    st.caption(f"{estimates.source(one)} Runs train one after the other, or in parallel on several GPUs.".strip())
    if told:
        st.caption(told)
    if summary.folds_note:
        st.caption(plain(sentence(summary.folds_note)))
    if summary.in_one_fold:
        told = f"not trained on where they are tested, since all their clips are in one fold: {', '.join(summary.in_one_fold)}"
        st.caption(f":orange[:material/warning:] {plain(sentence(told))}")
    changed = fields.changes(config)
    if changed:
        with st.expander(f"Changed from defaults ({len(changed)})", icon=":material/tune:"):
            st.markdown("  \n".join(f"{plain(title)}: **{plain(value)}**" for title, value in changed.items()))
