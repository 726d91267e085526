"""The form of a new run: data, recipe, every setting, and what will come of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from labcore.builtin.few_clips import helps
from labcore.config import CUTTING, RunConfig, all_settings
from labcore.config.presets import PRESETS
from labcore.errors import LabError
from labcore.runs import Run
from labcore.texts import shown
from labcore.training.run_time import plan_of
from ui.app import live, services
from ui.app.shell import controlled, errors_in_place, start_button
from ui.app.text import count, counted, label_names, plain, sentence
from ui.components import queue_line
from ui.components.tabs import by_slug, slug
from ui.datasets import listed, listen, manage, summary
from ui.datasets.bring import ways
from ui.forms import estimates, fields, url
from ui.train import estimate, tracked_clips

ALREADY_SHOWN = {"model.name", "optim.epochs", "optim.batch_size"}
"""Settings that stand in the recipe, above the tabs."""
NAMED = "data.named_split"


@st.fragment
def show() -> None:
    """The form, in a fragment of its own so that changing a setting redraws nothing else."""
    form, result = st.columns([5, 3], gap="large")
    with form:
        with errors_in_place():
            _data()
        st.space("small")
        recipe(_settings)
    with result, errors_in_place():
        _summary_and_start()
    url.write()


def _data() -> None:
    st.header("Data", anchor=False)
    infos = {info.name: info for info in summary.infos()}
    names = [name for name, info in infos.items() if not info.error]
    current = fields.values()
    current["data.dataset"] = summary.called_now(current["data.dataset"])
    if not names and current["data.dataset"] == "demo":
        live.no_data_yet("demo-train", ways.links)
        return

    left, right = st.columns(2, gap="medium")
    with left:
        choose_dataset("data-choice", names)
        ways_in = st.container(horizontal=True, vertical_alignment="center", gap="small")
    usable = current["data.dataset"] in names
    with st.expander("Split", icon=":material/call_split:"):
        _split(current, usable)
    chosen = infos.get(current["data.dataset"])
    if chosen is not None and chosen.layout == "annotations":
        with st.expander("Windows of the annotated recordings", icon=":material/content_cut:"):
            fields.part("data", skip=[path for path in current if path not in CUTTING])
    with right, errors_in_place():  # drawn after what changes the folds and the clips
        _test_fold(current)
    if usable:
        with ways_in:
            listen.panel(current["data.dataset"], "train", _cut())
            listed.link(current["data.dataset"], "Look", ":material/table_view:")
    with st.expander("Add, rename or delete a data set", icon=":material/add:"):
        if "demo" not in names:
            live.demo_button("demo-other", kind="secondary")
        ways.links()
        if usable:
            name = current["data.dataset"]
            manage.manage(name, "train", f"Rename or delete {plain(name)}")


@st.fragment
def of_runs(key: str, choose: Callable[[list[str]], None], start: Callable[[], None]) -> None:
    """The form of a job that consists of runs, in a fragment as :func:`show`: data and recipe; other settings are those of the Train page.

    Args:
        key: names the job in keys of widgets.
        choose: chooses one of the data sets of these names, and what else belongs to it.
        start: the box with the button.
    """
    form, result = st.columns([5, 3], gap="large")
    ready = False
    with form, errors_in_place():
        st.header("Data", anchor=False)
        names = summary.names()
        if names or fields.values()["data.dataset"] != "demo":
            choose(names)
            ready = True
        else:
            live.no_data_yet(f"demo-{key}")
        recipe()
        st.caption("Other settings come from the Train page.")
    with result, errors_in_place():
        if ready:
            start()
        else:
            st.caption("Choose or generate a data set first.")


def _split(current: dict[str, Any], usable: bool) -> None:
    """How clips are dealt to folds; ``usable``: the data set can be looked at."""
    name = current["data.dataset"]
    about, choose = all_settings()[NAMED].help, partial(_choose_split, current)
    summary.split_box(name, current[NAMED], choose, key="split-choice", help=about)
    if usable:
        words = {listed.WORD: name, "tab": "Split"} | ({"split": split} if (split := current[NAMED]) else {})
        st.page_link(listed.PAGE, label="Who is on which side", icon=":material/groups:", query_params=words)
    labels: tuple[str, ...] = ()
    with contextlib.suppress(LabError):  # the box with the folds tells what is wrong
        labels = _folds(current).labels
    options = {"data.exclude_classes": labels}
    fields.part("data", skip=("data.dataset", "data.fold", NAMED, *CUTTING), options=options)


def _test_fold(current: dict[str, Any]) -> None:
    folds = _folds(current)
    if current["data.fold"] not in folds.reasons:
        current["data.fold"] = None
    take, about = partial(current.__setitem__, "data.fold"), all_settings()["data.fold"].help
    summary.fold_box(folds, current["data.fold"], take, key="fold-choice", help=about)


def _folds(current: dict[str, Any]) -> summary.Folds:
    return summary.folds(
        current["data.dataset"],
        current["data.split"],
        current["data.leave_out"],
        current["data.exclude_classes"],
        _cut(),
        current[NAMED],
    )


def _choose_split(current: dict[str, Any], split: str | None) -> None:
    current.update({**fields.NO_SPLIT, NAMED: split})


def choose_dataset(key: str, names: list[str]) -> None:
    """The data set of the form: one of those that can be used, or the one that it names and that is away. Another one has other folds."""
    current = fields.values()
    if current["data.dataset"] not in names:
        if current["data.dataset"] == "demo" and names:
            current.update({"data.dataset": names[0], **fields.NO_SPLIT})
        else:
            names = [*names, current["data.dataset"]]

    def other(name: str) -> None:
        current.update({"data.dataset": name, **fields.NO_SPLIT})
        fields.fill({"data.exclude_classes": ()})

    shown, about = current["data.dataset"], all_settings()["data.dataset"].help
    st.selectbox("Data set", names, names.index(shown), help=about, **controlled(key, shown, other, names))


def recipe(others: Callable[[], None] | None = None) -> None:
    """Preset with the time that each takes, network, epochs and batch size, and what automatic epochs will be.

    Args:
        others: draws further settings below.
    """
    st.header("Recipe", anchor=False)
    top = st.container()
    table = all_settings()
    with st.container(key="first-settings"):
        left, middle, right = st.columns(3, gap="medium")
    with left:
        fields.widget(table["model.name"])
    with middle:
        fields.widget(table["optim.epochs"])
    with right:
        fields.widget(table["optim.batch_size"])
    below = st.container()
    if others is not None:
        others()
    with top:  # both are drawn last: a setting that is changed further down counts as well
        fields.presets(_times_of_presets())
    with below, contextlib.suppress(LabError):  # the box with the button tells what is wrong
        _planned()


def _times_of_presets() -> str:
    """About how long one run of each preset takes on the clips of the form, a sentence; empty where nothing tells."""
    try:
        before = summary_of(fields.values()).before
        fitted = {name: summary.with_front_end(fields.of_preset(name))[0] for name in PRESETS}
    except LabError:  # the box with the button tells what is wrong
        return ""
    return estimates.times_of_presets({name: plan_of(config, before) for name, config in fitted.items()})


def _planned() -> None:
    """What automatic epochs will be, and why."""
    current = fields.values()
    if current["optim.epochs"] is not None:
        return
    config, chosen = fields.config(), summary_of(current)
    work = plan_of(summary.with_front_end(config)[0], chosen.before)
    st.caption(estimates.automatic(work.epochs))


def summary_of(current: dict[str, Any]) -> summary.DataSummary:
    """The data set of the form, split as the form says.

    Raises:
        DatasetError: as :func:`ui.datasets.summary.summary` does.
    """
    return summary.summary(
        current["data.dataset"],
        current["data.fold"],
        current["data.split"],
        current["data.leave_out"],
        current["data.validation_share"],
        current["data.exclude_classes"],
        _cut(),
        current[NAMED],
        train_recordings=current["data.train_recordings"],
        sample=current["data.sample"],
    )


def _cut() -> str:
    """How the form cuts clips by annotations."""
    return summary.cut_as(fields.values())


def _settings() -> None:
    titles = {slug(title): f"{icon} {title}" for title, icon, _ in fields.PARTS.values()}
    tabs = st.tabs(list(titles.values()), **by_slug(titles, "tab", "train-tab"))
    for tab, (name, (_, _, about)) in zip(tabs, fields.PARTS.items(), strict=True):
        with tab:
            st.caption(about)
            fields.part(name, skip=ALREADY_SHOWN)


def _summary_and_start() -> None:
    current = fields.values()
    with st.container(border=True, key="start-box"):
        st.header("This run", anchor=False)
        ready, chosen = None, None
        with errors_in_place():
            config = fields.config()
            if current["data.dataset"] != "demo" or summary.usable("demo"):
                chosen = summary_of(current)
                ready = config
                _facts(chosen, config)
            else:
                st.caption("Choose or generate a data set first.")
        with st.container(key="start-bar"):
            _start(ready)
        estimate.part(ready)
        line = queue_line.busy()
        if line:
            st.caption(line)
    tracked_clips.before(ready)
    if chosen is not None:
        _classes(chosen)


def _start(config: RunConfig | None) -> None:
    def start() -> None:
        run = services.ask_for(Run, config)
        tracked_clips.take(run)
        st.query_params.from_dict({"run": run.id})

    start_button("Start", start, key="train-start", type="primary", disabled=config is None, **queue_line.START)


def _facts(chosen: summary.DataSummary, config) -> None:
    fitted, told = summary.with_front_end(config)
    planned = plan_of(fitted, chosen.before)
    work = planned.epochs
    steps = max(1, work.clips // config.optim.batch_size)
    few = "" if chosen.several else helps(planned.config, work.clips, len(chosen.counts))[1]
    one, device = estimates.of(planned), services.known_device()
    where = config.runtime.device
    if where == "auto":
        where = plain(device.name) if device else "the first working GPU, else the CPU"
    st.table(
        {
            "Training": f"**{counted(work.clips, 'clip')}** {f'of {count(work.of)} ' if work.sampled else ''}"
            f"of {counted(sum(train > 0 for train, _ in chosen.counts.values()), 'class', 'classes')}",
            **({"Labels": "several a clip, each learnt by itself (sigmoid)"} if chosen.several else {}),
            "Test": f"**{counted(chosen.held_out, 'clip')}**, fold {plain(chosen.fold)}",
            "Network": plain(config.model.name),
            **({"Few clips": plain(f"{few}.")} if few else {}),
            "Steps": f"{counted(work.epochs, 'epoch')} × {counted(steps, 'step')}",
            "Time": estimates.about(one),
            "Device": where,
        },
        border="horizontal",
        alt="Summary of the run",
    )
    for line in filter(None, (estimates.source(one), told)):
        st.caption(line)
    if chosen.note:
        st.caption(plain(sentence(chosen.note)))
    if chosen.training and config.optim.batch_size > chosen.training:
        st.caption(":orange[The batch size is larger than the training set.]")


def _classes(chosen: summary.DataSummary) -> None:
    with st.expander(counted(len(chosen.counts), "class", "classes"), icon=":material/category:"):
        st.table(
            {
                "Class": [plain(name) for name in label_names(chosen.counts).values()],
                "Training": [train for train, _ in chosen.counts.values()],
                "Test": [held_out for _, held_out in chosen.counts.values()],
            },
            border="horizontal",
            hide_index=True,
            alt="Clips per class",
        )
    _findings(chosen)
    _checked(chosen)
    if chosen.problems:
        files = len(chosen.problems)
        with st.expander(f"{counted(files, 'file')} skipped", icon=":material/warning:"):
            for problem in chosen.problems[:50]:
                _file(problem.path)
                st.caption(plain(problem.what) + (f" ({count(problem.clips)} clips)" if problem.clips > 1 else ""))
            if files > 50:
                st.caption(f"and {count(files - 50)} more")


def _checked(chosen: summary.DataSummary) -> None:
    """What the last check left open, and the way to it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        mark = "" if chosen.clean else ":orange[:material/warning:] "
        st.markdown(f":small[{mark}:gray[{plain(chosen.checked)}]]", width="stretch")
        if not chosen.clean and summary.usable(chosen.name):
            listed.link(chosen.name, "Check", ":material/health_and_safety:", tab="Check")


def _findings(chosen: summary.DataSummary) -> None:
    """How the data set was read: what is probably not meant, in sight; notes, folded away."""
    warnings = [finding for finding in chosen.findings if finding.level == "warning"]
    notes = [finding for finding in chosen.findings if finding.level != "warning"]
    for told in summary.told_at_adding(chosen):
        with st.container(border=True):
            st.markdown(f":orange[:material/warning:] {plain(told)}")
    for finding in warnings:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f":orange[:material/warning:] {plain(finding.sentence)}")
            if finding.files:
                with st.popover(counted(len(finding.files), "file"), icon=":material/list:"):
                    for path in finding.files[:50]:
                        _file(path)
                    if len(finding.files) > 50:
                        st.caption(f"and {count(len(finding.files) - 50)} more")
    if notes:
        with st.expander("How the data set was read", icon=":material/info:"):
            for finding in notes:
                st.markdown(plain(finding.sentence))


def _file(path: str) -> None:
    st.markdown(f"`{shown(path).replace('`', '')}`")


def again(config) -> None:
    """Fill the form with the settings of a run."""
    fields.take(config)
    with contextlib.suppress(KeyError):
        del st.query_params["run"]
