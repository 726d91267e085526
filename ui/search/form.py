"""The form of a new search: data, the recipe it starts from, which settings are varied over what, and what will come of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from labcore.config import RunConfig, Setting, all_settings
from labcore.config.presets import PRESETS, preset
from labcore.errors import DatasetError, LabError
from labcore.search.folder import Search
from labcore.search.objectives import suitable
from labcore.search.settings import Settings, make_settings
from labcore.search.space import FIXED, Range, base_value, default_ranges, range_of
from labcore.training.run_time import plan_of
from ui.app import live, services
from ui.app.shell import errors_in_place, one_of, show_error
from ui.app.text import counted, plain
from ui.components import job_picker, queue_line
from ui.datasets import summary
from ui.forms import estimates, fields
from ui.search import link
from ui.search.link import OWN

SHORT = {"balanced": "Balanced", "map": "mAP"}
"""Titles of objectives where there is little room."""


def show() -> None:
    """The form, in a fragment of its own."""

    @st.fragment
    def form() -> None:
        link.read(_kept())
        names = summary.names()
        if not names:
            live.no_data_yet("demo-search")
            return
        left, right = st.columns([5, 3], gap="large")
        shown = False
        with left, errors_in_place():
            base, config = _base(names)
            st.space("small")
            ranges = _ranges(config)
            shown = True
        if not shown:
            return  # what is wrong was told
        with right, errors_in_place():
            _plan(config, ranges)
        with errors_in_place():
            link.write(_kept(), base, ranges)

    form()


def _base(names: list[str]) -> tuple[RunConfig, RunConfig]:
    """The recipe that was chosen, and every trial's starting point: with its data, network and epochs."""
    st.header("Data and recipe", anchor=False)
    kept, table = _kept(), all_settings()
    if kept.get("dataset") not in names:
        if "dataset" in kept:
            show_error(DatasetError(f"there is no data set {kept['dataset']!r}", "Choose another one"))
        kept["dataset"] = fields.values()["data.dataset"] if fields.values()["data.dataset"] in names else names[0]
    left, right = st.columns(2, gap="medium")
    with left:
        kept["dataset"] = st.selectbox("Data set", names, index=names.index(kept["dataset"]), key="search-dataset")
    with right:
        there = summary.folds(
            kept["dataset"], cut=summary.cut_as(fields.values()), named_split=_named_split(kept["dataset"])
        )
        if kept.get("fold") not in there.reasons:
            kept["fold"] = None
        about = "No trial uses it. Evaluate the result on it once, at the end."
        summary.fold_box(there, kept["fold"], partial(kept.__setitem__, "fold"), key="search-fold", help=about)
    recipes = {name: PRESETS[name].title for name in PRESETS} | {OWN: "From the Train page"}
    about = "Values of the settings that are not varied."
    kept["base"] = one_of("Recipe", recipes, default=kept.get("base", "quick"), key="search-base", help=about)
    config = fields.config() if kept["base"] == OWN else preset(kept["base"])
    left, right = st.columns(2, gap="medium")
    changed: dict[str, Any] = kept.setdefault(f"changed-{kept['base']}", {})
    for place, path in ((left, "model.name"), (right, "optim.epochs")):
        with place:
            value = changed.get(path, base_value(path, config))
            changed[path] = fields.widget_of(table[path], value, key=f"search-{path}-{kept['base']}")
    chosen = {"data.dataset": kept["dataset"], "data.fold": kept["fold"]}
    own: dict[str, Any] = {"data.split": "official", "data.leave_out": None}
    own["data.named_split"] = _named_split(kept["dataset"])
    if kept["dataset"] != config.data.dataset:  # another one has other classes
        own["data.exclude_classes"] = ()
    return config, config.replace(changed | chosen | own)


def _named_split(name: str) -> str | None:
    """The named split that the Train page chose for a data set."""
    there = fields.values()
    return there["data.named_split"] if there["data.dataset"] == name else None


def _ranges(config: RunConfig) -> list[Range]:
    """Which settings are varied, and over what."""
    st.header("Search space", anchor=False)
    kept, table = _kept(), all_settings()
    free = {path: setting for path, setting in table.items() if not path.startswith(FIXED)}
    paths = [path for path, it in free.items() if it.kind == "choice" or path in fields.OPEN_LISTS or it.ge is not None]
    if "search-paths" not in st.session_state:
        st.session_state["search-paths"] = kept.get("paths") or [each.path for each in default_ranges(config)]
    kept["paths"] = st.multiselect(
        "Settings",
        paths,
        format_func=lambda path: table[path].title,
        key="search-paths",
        placeholder="Choose the settings to vary",
        wrap=True,
        help="Vary few settings: plan about five trials per setting.",
        label_visibility="collapsed",
    )
    ranges = []
    columns = st.columns(2, gap="large")
    for number, path in enumerate(kept["paths"]):
        with columns[number % 2], errors_in_place():
            each = _range(table[path], config)
            if each is not None:
                ranges.append(each)
    return ranges


def _range(setting: Setting, config: RunConfig) -> Range | None:
    """The widget of one range; None while it holds nothing to choose among."""
    kept, key = _kept().setdefault("ranges", {}), link.range_key(setting.path, _kept()["base"])
    if setting.kind in ("choice", "text"):
        kept[key] = _choices(setting, kept.get(key), key)
        if len(kept[key]) < 2:
            st.caption(":orange[Choose two or more.]")
            return None
        return Range(setting.path, choices=tuple(kept[key]))
    usual = range_of(setting.path, config)
    held = kept.get(key, (usual.low, usual.high))
    low, high = kept[key] = (_stops_slider if usual.log else _slider)(setting, held, key)
    if low >= high:
        st.caption(":orange[The range is empty.]")
        return None
    return Range(setting.path, low, high, log=usual.log)


def _choices(setting: Setting, held: list[Any] | None, key: str) -> list[Any]:
    offered = list(setting.choices or fields.OPEN_LISTS.get(setting.path, []))
    options = list(dict.fromkeys([*offered, *(held or [])]))
    return st.multiselect(
        fields.unit_title(setting),
        options,
        default=options[:2] if held is None else held,
        accept_new_options=setting.kind == "text",
        key=key,
        help=setting.help,
    )


def _stops_slider(setting: Setting, held: tuple[Any, Any], key: str) -> tuple[Any, Any]:
    low, high = st.select_slider(
        fields.unit_title(setting),
        _stops(setting, held),
        value=held,
        format_func=fields.tidy,
        key=key,
        help=f"{setting.help} Logarithmic scale.",
    )
    return low, high


def _slider(setting: Setting, held: tuple[Any, Any], key: str) -> tuple[Any, Any]:
    kind, least, most, step = fields.bounds(setting)
    now = (kind(held[0]), kind(held[1]))
    low, high = st.slider(fields.unit_title(setting), least, most, now, step=step, key=key, help=setting.help)
    return (round(low, 6), round(high, 6)) if kind is float else (low, high)


def _stops(setting: Setting, held: tuple[Any, Any]) -> list[Any]:
    """Round numbers on a logarithmic scale between the setting's bounds, and the two ends that are held."""
    kind = int if setting.kind == "int" else float
    assert setting.le is not None
    low = setting.ge or setting.le * 1e-6
    numbers = [float(f"{m}e{n}") for n in range(-8, 6) for m in (1, 1.5, 2, 3, 4, 5, 7)]
    stops = {kind(number) for number in numbers if low <= number <= setting.le and kind(number) == number}
    return sorted(stops | {kind(number) for number in held})


def _plan(config: RunConfig, ranges: list[Range]) -> None:
    kept = _kept()
    with st.container(border=True, key="start-box"):
        st.header("This search", anchor=False)
        kept["trials"] = st.number_input("Trials", 1, 1000, kept.get("trials", 20), key="search-trials")
        there = _objectives(config)
        kept["objective"] = one_of(
            "Objective",
            there,
            default=kept["objective"] if kept.get("objective") in there else next(iter(there)),
            key="search-objective",
            help="Measured on the validation fold, with weight averaging. Balanced accuracy is the mean over the classes, for classes "
            "of different size. With few clips, the loss shows finer differences.",
        )
        kept["pruning"] = st.toggle(
            "Prune trials early",
            kept.get("pruning", True),
            key="search-pruning",
            help="Stops a trial that is never as good as the median of the others at the same epoch.",
        )
        with st.expander("More", icon=":material/tune:"):
            kept["seed"] = st.number_input("Sampler seed", 0, 2**31 - 1, kept.get("seed", 0), key="search-seed")
        try:
            settings = make_settings(
                services.workspace(),
                config,
                tuple(ranges),
                trials=kept["trials"],
                pruning=kept["pruning"],
                seed=kept["seed"],
                objective=kept["objective"],
            )
        except LabError as error:
            show_error(error)
            queue_line.start_bar("this search", lambda: None, key="search-start", disabled=True)
            return
        _facts(settings)
        queue_line.start_bar("this search", partial(job_picker.start, Search, settings), key="search-start")


def _objectives(config: RunConfig) -> dict[str, str]:
    """Name → title of those that the labels of the data set have, the usual one first."""
    own = config.data
    chosen = summary.summary(own.dataset, own.fold, cut=summary.cut_by(config), named_split=own.named_split)
    return {each.name: SHORT.get(each.name, each.title) for each in suitable(chosen.several)}


def _facts(settings: Settings) -> None:
    own = settings.config.data
    trial = summary.summary(
        own.dataset,
        settings.validation,
        leave_out=settings.test_fold,
        exclude_classes=own.exclude_classes,
        cut=summary.cut_by(settings.config),
        named_split=own.named_split,
        train_recordings=own.train_recordings,
        sample=own.sample,
    )
    fitted, told = summary.with_front_end(settings.trial_config({}))
    planned, longest = plan_of(fitted, trial.before), settings.longest
    one, work = estimates.of(planned), planned.epochs
    most = settings.pruning or bool(longest)
    all_trials = estimates.about(
        estimates.of(plan_of(fitted.replace(longest), trial.before)), settings.trials, most=most
    )
    st.table(
        {
            "Training": f"**{counted(trial.training, 'clip')}**",
            "Validation": f"**{counted(trial.held_out, 'clip')}**, fold {plain(settings.validation)}",
            "Test": f"fold {plain(settings.test_fold)}, evaluated at the end",
            "Each trial": f"{counted(work.epochs, 'epoch')}, {estimates.about(one)}",
            "All trials": f"{counted(settings.trials, 'trial')}, {all_trials}",
        },
        border="horizontal",
        alt="Summary of the search",
    )
    if settings.config.optim.epochs is None:
        st.caption(estimates.automatic(work))
    if told:
        st.caption(told)
    st.caption(f"{estimates.source(one)} Trials train one after the other, or in parallel on several GPUs.".strip())


def _kept() -> dict[str, Any]:
    """The form's values, which outlive a visit to another page."""
    return st.session_state.setdefault("search-form", {})
