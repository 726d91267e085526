"""From the settings of the configuration to widgets, by themselves: a new field in ``labcore.config`` appears here without a change.

The values live in ``st.session_state["settings"]`` (path → value) and so survive a visit to another page, which the values of
widgets alone do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import streamlit as st

from labcore.config import RunConfig, Setting, all_settings
from labcore.config.presets import PRESETS, preset
from labcore.device import ALL
from labcore.nvml import samples
from labcore.texts import counted, shown
from ui.app import services, text
from ui.app.shell import action_button, controlled, one_of
from ui.forms import estimates

PARTS = {
    "audio": ("Audio", ":material/content_cut:", "How clips are resampled and cut."),
    "features": (
        "Spectrogram",
        ":material/blur_on:",
        "The log-mel spectrogram, the front end of training and use.",
    ),
    "augment": (
        "Augmentation",
        ":material/shuffle:",
        "Random changes of the training clips, new in every epoch. Zero switches one off.",
    ),
    "model": ("Network", ":material/account_tree:", "Architecture and initial weights."),
    "optim": ("Training", ":material/trending_down:", "How the network is trained."),
    "runtime": ("Hardware", ":material/memory:", "Device, precision and memory."),
}
"""Part of the configuration → title, icon and what it is about, for those shown as a group of sliders."""

OPEN_LISTS = {
    "model.name": ["compact", "resnet18", "small_cnn", "timm:efficientnet_b0", "timm:mobilenetv3_small_100"],
    "model.pretrained": ["none", "published"],
    "runtime.device": ["auto", "cpu", "cuda"],
}
"""Text settings with usual values; others can be typed."""

USUAL = {
    "audio.sample_rate": (8000, 16000, 22050, 32000, 44100, 48000, 250000),
    "features.n_fft": (256, 512, 1024, 2048, 4096),
    "features.win_length": (256, 512, 1024, 2048, 4096),
    "features.hop_length": (128, 256, 512, 1024, 2048),
}
"""Settings that are a field for a number with the usual values to press under it."""

Options = Mapping[str, Sequence[str]]
"""Path of a setting → what there is to choose from."""
NO_SPLIT: dict[str, Any] = {"data.fold": None, "data.named_split": None}
"""What is chosen of one data set, and is not there in another."""

POWERS_OF_TWO = {"optim.batch_size"}
TIME_AGAIN = (
    "Forgets which precision and which route of predictions is the fastest on this machine. Both are measured again."
)
MOST_STOPS = 200
"""A slider of more stops hits none of them: such a setting is a field for a number."""


def values() -> dict[str, Any]:
    """The values of all settings in this browser session, from the recommended preset at first."""
    if "settings" not in st.session_state:
        st.session_state["settings"] = preset("balanced").values()
    return st.session_state["settings"]


def config() -> RunConfig:
    """The configuration that the form shows.

    Raises:
        ConfigError: a combination that cannot work.
    """
    return RunConfig().replace(values())


def take(source: RunConfig, keep: tuple[str, ...] = ()) -> None:
    """Set every setting to the values of a configuration; those whose paths begin as in ``keep`` stay as they are."""
    fill({path: value for path, value in source.values().items() if not path.startswith(keep)})


def fill(settings: Mapping[str, Any]) -> None:
    """Set settings (path → value), also to values that cannot go together: the form tells that as it would of sliders."""
    current = values()
    for path, value in settings.items():
        if current[path] != value:
            _names()[path] = _names().get(path, 0) + 1
        current[path] = value


def presets(times: str = "") -> None:
    """A choice of presets; choosing one sets the sliders, changing one makes it "custom".

    Args:
        times: how long they take on the clips of the form, a sentence; empty where nothing tells.
    """
    current = matching_preset()

    def chosen(name: str) -> None:
        if name in PRESETS:
            take(preset(name), keep=("data.", "runtime."))

    names = {name: PRESETS[name].title for name in PRESETS} | ({} if current else {"own": "Custom"})
    shown = current or "own"
    one_of(
        "Preset",
        names,
        default=shown,
        label_visibility="collapsed",
        **controlled("preset-choice", shown, chosen, names),
    )
    if current is None:
        line = f"Custom settings. Choosing a preset resets them. {times}"
    else:
        line = f"{PRESETS[current].purpose} {times}" if times else estimates.preset_line(current)
    st.caption(text.plain(line))


def of_preset(name: str) -> RunConfig:
    """A preset on the data and the machine of the form."""
    kept = {path: value for path, value in values().items() if path.startswith(("data.", "runtime."))}
    return preset(name).replace(kept)


def matching_preset() -> str | None:
    """The preset whose settings the form shows, data and machine aside; None where it shows others."""
    shown = {path: value for path, value in values().items() if not path.startswith(("data.", "runtime."))}
    return next((name for name, flat in _presets().items() if all(flat[path] == shown[path] for path in shown)), None)


def part(name: str, *, skip: Iterable[str] = (), options: Options = {}) -> None:  # noqa: B006 (nobody writes to it)
    """The widgets of one part of the configuration: the everyday ones, then the others folded away.

    Args:
        options: what there is to choose from, of settings that are lists.
    """
    every = [
        setting for path, setting in all_settings().items() if path.startswith(f"{name}.") and path not in set(skip)
    ]
    plain = [setting for setting in every if not setting.advanced]
    advanced = [setting for setting in every if setting.advanced]
    _grid(plain, options)
    if advanced:
        with st.expander("More", icon=":material/tune:") if plain else st.container():
            _grid(advanced, options)


def widget(setting: Setting, options: Sequence[str] = ()) -> Any:
    """One setting as the widget that suits it. Returns its value and remembers it."""
    current = values()
    current[setting.path] = widget_of(setting, current[setting.path], key=key_of(setting.path), options=options)
    if setting.path in USUAL:
        _usual(setting)
    if setting.path == "runtime.precision":
        action_button(
            "Measure again", _time_again, key="time-again", icon=":material/timer:", type="tertiary", help=TIME_AGAIN
        )
    return current[setting.path]


def widget_of(
    setting: Setting, value: Any, *, key: str, stops: list[Any] | None = None, options: Sequence[str] = ()
) -> Any:
    """One setting as the widget that suits it, for a value that is kept elsewhere. Returns its value.

    The browser is told the value as the widget's default, so that both sides agree however often the widget comes and goes: a
    value that is put into the session's state is told once, and lost where two reruns follow each other closely. A value that is
    set from elsewhere needs another key.

    Args:
        stops: a slider with these stops and the one it is at.
        options: what there is to choose from, of a list.
    """
    common: dict[str, Any] = {"label": unit_title(setting), "help": setting.help, "key": key}
    if setting.kind == "choice":
        return one_of(options=setting.choices, default=value, **common)
    if setting.kind == "list":
        there = list(dict.fromkeys([*options, *value]))
        return tuple(
            st.multiselect(options=there, default=value, format_func=shown, placeholder=setting.unset, **common)
        )
    if setting.path in OPEN_LISTS:
        gpus = _gpus() if setting.path == "runtime.device" else 0
        several = [*(f"cuda:{number}" for number in range(1, gpus)), ALL] if gpus > 1 else []
        options = list(dict.fromkeys([*OPEN_LISTS[setting.path], *several, value]))
        chosen = st.selectbox(options=options, accept_new_options=True, index=options.index(value), **common)
        return chosen or setting.default
    if setting.kind == "text":
        typed = st.text_input(value=value, placeholder=setting.unset if setting.optional else None, **common)
        return typed or (None if setting.optional else setting.default)
    if stops is not None:
        held = sorted({*stops, value} - {None})
        options = [None, *held] if setting.optional else held
        return st.select_slider(options=options, value=value, format_func=tidy, **common)
    if setting.optional or setting.ge is None or setting.le is None or setting.le - setting.ge > 1e6:
        return _number(setting, {"value": value, **common})
    if not setting.log and setting.le - setting.ge > MOST_STOPS * (setting.step or 1):
        return _number(setting, {"value": value, **common})
    if setting.log:
        return st.select_slider(options=_stops(setting, value), value=value, format_func=tidy, **common)
    return _slider(setting, value, common)


def changes(config: RunConfig) -> dict[str, Any]:
    """What a configuration changes from the defaults, data set aside: title → value, for a short list."""
    return {
        setting.title: setting.unset if value is None else f"{tidy(value)} {setting.unit}".strip()
        for path, setting in all_settings().items()
        if not path.startswith("data.") and (value := config.value(path)) != setting.default
    }


# --- the widgets


def _grid(items: list[Setting], options: Options) -> None:
    columns = st.columns(2, gap="large") if len(items) > 1 else [st.container()]
    for number, setting in enumerate(items):
        with columns[number % len(columns)]:
            widget(setting, options.get(setting.path, ()))


def _usual(setting: Setting) -> None:
    """The usual values of a setting, to press. Pressing the one that is set leaves the setting to the lab, where it can be left."""
    value = values()[setting.path]
    usual = value if value in USUAL[setting.path] else None

    def pressed(chosen: Any) -> None:
        if chosen is not None or setting.optional:
            fill({setting.path: chosen})

    st.pills(
        f"{setting.title}: usual values",
        USUAL[setting.path],
        default=usual,
        format_func=lambda number: f"{number / 1000:g} kHz" if setting.unit == "Hz" else str(number),
        label_visibility="collapsed",
        wrap=True,
        **controlled(f"{key_of(setting.path)}-usual", usual, pressed, (None, *USUAL[setting.path])),
    )


def _time_again() -> None:
    from labcore.remembered import forget_timings

    st.toast(f"{counted(forget_timings(services.workspace()), 'measurement')} forgotten.", icon=":material/check:")


def _number(setting: Setting, common: dict[str, Any]) -> Any:
    kind = int if setting.kind == "int" else float
    small = setting.ge is not None and 0 < setting.ge < 0.01
    return st.number_input(
        min_value=None if setting.ge is None else kind(setting.ge),
        max_value=None if setting.le is None else kind(setting.le),
        step=kind(setting.step) if setting.step else (0.001 if small else None),
        format="%g" if kind is float else None,
        placeholder=setting.unset if setting.optional else None,
        **common,
    )


def bounds(setting: Setting) -> tuple[type[int] | type[float], Any, Any, Any]:
    """Kind of number, least, most and step of the slider of a setting that has bounds."""
    assert setting.ge is not None
    assert setting.le is not None
    kind = int if setting.kind == "int" else float
    step = setting.step or (1 if kind is int else (setting.le - setting.ge) / 100)
    return kind, kind(setting.ge), kind(setting.le), kind(step)


def _slider(setting: Setting, current: Any, common: dict[str, Any]) -> Any:
    kind, least, most, step = bounds(setting)
    shown = "%d" if kind is int else ("%.2f" if step < 0.1 else "%.1f" if step < 1 else "%g")
    value = st.slider(min_value=least, max_value=most, value=kind(current), step=step, format=shown, **common)
    return kind(value) if kind is int else round(value, 6)


def _stops(setting: Setting, current: Any) -> list[Any]:
    """The stops of a slider on a logarithmic scale: round numbers, and every value that a preset or the form holds."""
    kind, least, most, _ = bounds(setting)
    if setting.path in POWERS_OF_TWO:
        numbers = [2.0**n for n in range(0, 24)]
    else:
        mantissas = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if kind is int else (1, 2, 5)
        numbers = [m * 10.0**n for n in range(-6, 7) for m in mantissas]
    stops = {kind(float(f"{number:.6g}")) for number in numbers if least <= number <= most and kind(number) == number}
    if kind is float:
        stops.add(least)
    held = {flat[setting.path] for flat in _presets().values()} | {setting.default, current}
    return sorted(stops | {kind(value) for value in held})


@cache
def _gpus() -> int:
    """How many GPUs the machine has, whether torch can use them or not."""
    return len(samples())


def tidy(value: Any) -> str:
    """A value of a setting in a word."""
    if isinstance(value, tuple):
        return ", ".join(map(shown, value)) or "none"
    return "automatic" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def unit_title(setting: Setting) -> str:
    return f"{setting.title} ({setting.unit})" if setting.unit else setting.title


def key_of(path: str) -> str:
    """The key of a setting's widget. A value that a preset or a run has set comes with a new widget."""
    change = _names().get(path, 0)
    return f"setting-{path}-{change}" if change else f"setting-{path}"


def _names() -> dict[str, int]:
    return st.session_state.setdefault("setting-names", {})


@cache
def _presets() -> dict[str, dict[str, Any]]:
    return {name: preset(name).values() for name in PRESETS}
