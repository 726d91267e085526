"""From the knobs of the configuration to widgets, by themselves: a new field in ``labcore.config`` appears here without a change.

The values live in ``st.session_state["knobs"]`` (path → value) and so survive a visit to another page, which the values of
widgets alone do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import streamlit as st

from labcore.config import Knob, RunConfig, knobs
from labcore.device import ALL
from labcore.nvml import samples
from labcore.presets import PRESETS, preset
from labcore.texts import counted
from ui.app import services
from ui.app.shell import action_button

PARTS = {
    "audio": ("Clips", ":material/content_cut:", "What is cut from a recording before anything is computed from it."),
    "features": (
        "Spectrogram",
        ":material/blur_on:",
        "The log-mel spectrogram, the one front end of training and use.",
    ),
    "augment": ("Augmentation", ":material/shuffle:", "What is done to the training clips, anew in every epoch."),
    "model": ("Network", ":material/account_tree:", "The network."),
    "optim": ("Training", ":material/trending_down:", "How the weights are found."),
    "runtime": ("Machine", ":material/memory:", "Where and in what form the work is done."),
}
"""Part of the configuration → title, icon and what it is about, for those shown as a group of sliders."""

OPEN_LISTS = {
    "model.name": ["compact", "resnet18", "small_cnn", "timm:efficientnet_b0", "timm:mobilenetv3_small_100"],
    "model.pretrained": ["none", "published"],
    "runtime.device": ["auto", "cpu", "cuda", "cuda:1"],
}
"""Text knobs with usual answers; others can be typed."""

USUAL = {
    "audio.sample_rate": (8000, 16000, 22050, 32000, 44100, 48000, 250000),
    "features.n_fft": (256, 512, 1024, 2048, 4096),
    "features.win_length": (256, 512, 1024, 2048, 4096),
    "features.hop_length": (128, 256, 512, 1024, 2048),
}
"""Knobs that are a field for a number with the usual values to press under it."""

POWERS_OF_TWO = {"optim.batch_size"}
TIME_AGAIN = "Forgets which precision and memory format was the fastest on this machine. The next run of each network times them anew."
MOST_STOPS = 200
"""A slider of more stops hits none of them: such a knob is a field for a number."""


def values() -> dict[str, Any]:
    """The values of all knobs in this browser session, from the recommended preset at first."""
    if "knobs" not in st.session_state:
        st.session_state["knobs"] = preset("balanced").values()
    return st.session_state["knobs"]


def config() -> RunConfig:
    """The configuration that the form shows.

    Raises:
        ConfigError: a combination that cannot work.
    """
    return RunConfig().changed(values())


def take(source: RunConfig, keep: Iterable[str] = ()) -> None:
    """Set every knob to the values of a configuration; those whose paths begin as in ``keep`` stay as they are."""
    kept = tuple(keep)
    fill({path: value for path, value in source.values().items() if not (kept and path.startswith(kept))})


def fill(settings: Mapping[str, Any]) -> None:
    """Set knobs (path → value), also to values that cannot go together: the form tells that as it would of sliders."""
    current = values()
    for path, value in settings.items():
        if current[path] != value:
            _names()[path] = _names().get(path, 0) + 1
        current[path] = value


def presets() -> None:
    """A choice of presets; choosing one sets the sliders, turning a slider makes it "your own"."""
    current = matching_preset()

    def chosen() -> None:
        name = st.session_state["preset-choice"]
        if name in PRESETS:
            take(preset(name), keep=("data.", "runtime."))

    names = [*PRESETS] if current else [*PRESETS, "own"]
    st.session_state["preset-choice"] = current or "own"
    st.segmented_control(
        "Preset",
        names,
        format_func=lambda name: PRESETS[name].title if name in PRESETS else "Your own",
        key="preset-choice",
        on_change=chosen,
        required=True,
        label_visibility="collapsed",
        wrap=True,
    )
    st.caption(PRESETS[current].summary if current else "Settings of your own. A preset sets them all again.")


def matching_preset() -> str | None:
    """The preset whose settings the form shows, data and machine aside; None where it shows others."""
    shown = {path: value for path, value in values().items() if not path.startswith(("data.", "runtime."))}
    return next((name for name, flat in _presets().items() if all(flat[path] == shown[path] for path in shown)), None)


def part(name: str, *, skip: Iterable[str] = ()) -> None:
    """The widgets of one part of the configuration: the everyday ones, then the others folded away."""
    every = [knob for path, knob in knobs().items() if path.startswith(f"{name}.") and path not in set(skip)]
    plain = [knob for knob in every if not knob.advanced]
    advanced = [knob for knob in every if knob.advanced]
    _grid(plain)
    if advanced:
        with st.expander("More", icon=":material/tune:") if plain else st.container():
            _grid(advanced)


def widget(knob: Knob) -> Any:
    """One knob as the widget that suits it. Returns its value and remembers it."""
    current = values()
    current[knob.path] = widget_of(knob, current[knob.path], key=key_of(knob.path))
    if knob.path in USUAL:
        _usual(knob)
    if knob.path == "runtime.precision":
        action_button(
            "Time again", _time_again, key="time-again", icon=":material/timer:", type="tertiary", help=TIME_AGAIN
        )
    return current[knob.path]


def widget_of(knob: Knob, value: Any, *, key: str, stops: list[Any] | None = None) -> Any:
    """One knob as the widget that suits it, for a value that is kept elsewhere. Returns its value.

    The browser is told the value as the widget's default, so that both sides agree however often the widget comes and goes: a
    value that is put into the session's state is told once, and lost where two reruns follow each other closely. A value that is
    set from elsewhere needs another key.

    Args:
        stops: a slider with these stops and the one it is at.
    """
    label = f"{knob.title} ({knob.unit})" if knob.unit else knob.title
    common: dict[str, Any] = {"label": label, "help": knob.help, "key": key}
    if knob.kind == "choice":
        return st.segmented_control(options=knob.choices, required=True, default=value, **common, wrap=True)
    if knob.path in OPEN_LISTS:
        several = [ALL] if knob.path == "runtime.device" and _gpus() > 1 else []
        options = list(dict.fromkeys([*OPEN_LISTS[knob.path], *several, value]))
        chosen = st.selectbox(options=options, accept_new_options=True, index=options.index(value), **common)
        return chosen or knob.default
    if knob.kind == "text":
        typed = st.text_input(value=value, placeholder="automatic" if knob.optional else None, **common)
        return typed or (None if knob.optional else knob.default)
    if stops is not None:
        held = sorted({*stops, value} - {None})
        options = [None, *held] if knob.optional else held
        return st.select_slider(options=options, value=value, format_func=tidy, **common)
    if knob.optional or knob.ge is None or knob.le is None or knob.le - knob.ge > 1e6:
        return _number(knob, {"value": value, **common})
    if not knob.log and knob.le - knob.ge > MOST_STOPS * (knob.step or 1):
        return _number(knob, {"value": value, **common})
    if knob.log:
        return st.select_slider(options=_stops(knob, value), value=value, format_func=tidy, **common)
    return _slider(knob, value, common)


def changes(config: RunConfig) -> dict[str, Any]:
    """What a configuration turned away from the defaults, data set aside: title → value, for a short list."""
    return {
        knob.title: "automatic" if value is None else f"{tidy(value)} {knob.unit}".strip()
        for path, knob in knobs().items()
        if not path.startswith("data.") and (value := config.value(path)) != knob.default
    }


# --- the widgets


def _grid(items: list[Knob]) -> None:
    columns = st.columns(2, gap="large") if len(items) > 1 else [st.container()]
    for number, knob in enumerate(items):
        with columns[number % len(columns)]:
            widget(knob)


def _usual(knob: Knob) -> None:
    """The usual values of a knob, to press. Pressing the one that is set leaves the knob to the lab, where it can be left."""
    key, value = f"{key_of(knob.path)}-usual", values()[knob.path]

    def pressed() -> None:
        chosen = st.session_state[key]
        if chosen is not None or knob.optional:
            fill({knob.path: chosen})

    st.session_state[key] = value if value in USUAL[knob.path] else None
    st.pills(
        f"{knob.title}: usual values",
        USUAL[knob.path],
        format_func=lambda number: f"{number / 1000:g} kHz" if knob.unit == "Hz" else str(number),
        key=key,
        on_change=pressed,
        label_visibility="collapsed",
        wrap=True,
    )


def _time_again() -> None:
    from labcore.training.precision import forget

    st.toast(f"{counted(forget(services.workspace()), 'timing')} forgotten.", icon=":material/check:")


def _number(knob: Knob, common: dict[str, Any]) -> Any:
    kind = int if knob.kind == "int" else float
    small = knob.ge is not None and 0 < knob.ge < 0.01
    return st.number_input(
        min_value=None if knob.ge is None else kind(knob.ge),
        max_value=None if knob.le is None else kind(knob.le),
        step=kind(knob.step) if knob.step else (0.001 if small else None),
        format="%g" if kind is float else None,
        placeholder="automatic" if knob.optional else None,
        **common,
    )


def _slider(knob: Knob, current: Any, common: dict[str, Any]) -> Any:
    kind = int if knob.kind == "int" else float
    assert knob.ge is not None
    assert knob.le is not None
    step = kind(knob.step) if knob.step else (1 if kind is int else (knob.le - knob.ge) / 100)
    shown = "%d" if kind is int else ("%.2f" if step < 0.1 else "%.1f" if step < 1 else "%g")
    least, most = kind(knob.ge), kind(knob.le)
    value = st.slider(min_value=least, max_value=most, value=kind(current), step=step, format=shown, **common)
    return kind(value) if kind is int else round(value, 6)


def _stops(knob: Knob, current: Any) -> list[Any]:
    """The stops of a slider on a logarithmic scale: round numbers, and every value that a preset or the form holds."""
    assert knob.ge is not None
    assert knob.le is not None
    kind = int if knob.kind == "int" else float
    if knob.path in POWERS_OF_TWO:
        numbers = [2.0**n for n in range(0, 24)]
    else:
        mantissas = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if kind is int else (1, 2, 5)
        numbers = [m * 10.0**n for n in range(-6, 7) for m in mantissas]
    stops = {kind(number) for number in numbers if knob.ge <= number <= knob.le and kind(number) == number}
    if kind is float:
        stops = {float(f"{number:.6g}") for number in numbers if knob.ge <= number <= knob.le} | {float(knob.ge)}
    held = {flat[knob.path] for flat in _presets().values()} | {knob.default, current}
    return sorted(stops | {kind(value) for value in held})


@cache
def _gpus() -> int:
    """How many GPUs the machine has, whether torch can use them or not."""
    return len(samples())


def tidy(value: Any) -> str:
    """A value of a knob in a word."""
    return "automatic" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def key_of(path: str) -> str:
    """The key of a knob's widget. A value that a preset or a run has set comes with a new widget."""
    turn = _names().get(path, 0)
    return f"knob-{path}-{turn}" if turn else f"knob-{path}"


def _names() -> dict[str, int]:
    return st.session_state.setdefault("knob-names", {})


@cache
def _presets() -> dict[str, dict[str, Any]]:
    return {name: preset(name).values() for name in PRESETS}
