"""The settings of the front end on the Explore page: sliders, and what follows from them in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.config import RunConfig, all_settings
from labcore.config.presets import PRESETS, preset
from ui.app import live, shell
from ui.app.text import count, plain, run_name, told_apart
from ui.forms import fields, url

if TYPE_CHECKING:
    from labcore.explore.geometry import Consequences

FRONT = ("audio.sample_rate", "audio.usual_rate", *(path for path in all_settings() if path.startswith("features.")))
"""The settings that say what a spectrogram looks like."""
FREE = ("data.", "model.", "optim.", "runtime.")
OWN = tuple(path for path in all_settings() if not path.startswith(FREE))
"""The settings that this page shows."""
STOPS: dict[str, list[Any]] = {
    "audio.sample_rate": [4000, 8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000, 250000, 384000, 500000],
    "features.n_fft": [2**n for n in range(6, 16)],
    "features.win_length": [2**n for n in range(5, 16)],
    "features.hop_length": [2**n for n in range(4, 15)],
    "features.n_mels": [8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 224, 256],
}
EVERYDAY = ("audio.sample_rate", "features.n_fft", "features.win_length", "features.hop_length", "features.n_mels")
TRAINING = "training"


def held() -> dict[str, Any]:
    """The values of all settings on this page, path → value; at first those of the form for training."""
    if "explore-settings" not in st.session_state:
        st.session_state["explore-settings"] = dict(fields.values())
    return st.session_state["explore-settings"]


def part(*beginnings: str) -> dict[str, Any]:
    """The values of those settings on this page whose paths begin so."""
    return {path: value for path, value in held().items() if path.startswith(beginnings)}


def widget(path: str, values: dict[str, Any] | None = None, name: str = "explore") -> Any:
    """The widget of a setting, with round stops where it has some, for the page's values or others with a name of their own."""
    values = held() if values is None else values
    change = st.session_state.get("explore-turn", 0)
    values[path] = fields.widget_of(
        all_settings()[path], values[path], key=f"{name}-{path}-{change}", stops=STOPS.get(path)
    )
    return values[path]


def put(values: dict[str, Any]) -> None:
    """Change settings from a callback."""
    held().update(values)
    st.session_state["explore-turn"] = st.session_state.get("explore-turn", 0) + 1


def read() -> None:
    """Take the settings that the address names, at the first look of a browser session and after its Back.

    What it says wrongly is told and left out.
    """
    given = {path: st.query_params[path] for path in OWN if path in st.query_params}
    if url.went_back() or (given and "explore-settings" not in st.session_state):
        values, troubles = url.settings_of(given)
        put({path: all_settings()[path].default for path in OWN} | values)
        for trouble in troubles:
            shell.show_error(trouble)


def write() -> None:
    """Have the address name the settings that differ from the recommended ones."""
    for path in OWN:
        value = held()[path]
        url.tell(path, url.text_of(value) if value != all_settings()[path].default else "")


def settings_of() -> None:
    """Take the settings of a preset, of a run, or of the form for training."""
    runs = {run.id: run for run, status in live.runs() if run.weights.exists()}
    names = {TRAINING: "the Train page", **{name: f"preset {item.title}" for name, item in PRESETS.items()}}

    def chosen() -> None:
        name = st.session_state["explore-settings-of"]
        if name is None:
            return
        if name == TRAINING:
            values = fields.values()
        elif name in PRESETS:
            values = preset(name).values()
        elif name in runs:
            values = runs[name].config.values()
        else:  # the text of one that is called otherwise by now
            return
        put({path: values[path] for path in OWN})

    st.selectbox(
        "Settings of",
        [*names, *runs],
        index=None,
        format_func=told_apart([*names, *runs], lambda name: names.get(name) or run_name(runs[name])),
        placeholder="Load settings of …",
        key="explore-settings-of",
        on_change=chosen,
        label_visibility="collapsed",
    )


def sliders() -> None:
    """The settings of the front end: the everyday ones, then the others folded away."""
    for path in EVERYDAY:
        widget(path)
    with st.expander("More settings", icon=":material/tune:"):
        for path in FRONT:
            if path not in EVERYDAY:
                widget(path)


def config() -> tuple[RunConfig, Consequences]:
    """The settings and what follows from them. Where they cannot work, the last ones that could, and why.

    The last that worked are kept, so that the pictures stay while a slider passes through what is impossible.
    """
    from labcore.explore.geometry import consequences, unchecked

    told = consequences(unchecked(held()))
    if told.possible:
        st.session_state["explore-possible"] = RunConfig().replace(held())
    last = st.session_state.get("explore-possible") or RunConfig()
    return last, told


def problems(told: Consequences) -> None:
    """Why the settings cannot work, or why they work less well than they could."""
    if told.problems:
        body = "  \n".join(plain(problem) for problem in told.problems)
        st.error(f"{body}\n\nThe pictures show the last valid settings.", icon=":material/block:")
        return
    for warning in told.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def numbers(told: Consequences, seconds: float) -> None:
    """What the settings lead to."""
    if told.problems:
        st.markdown(":red[:material/block: These settings are invalid: see above the pictures.]")
        return
    columns = int(seconds * told.frames_per_second) + 1
    st.markdown(
        f":gray[**{told.frames_per_second:.1f}** frames/s (hop **{told.hop_ms:.1f} ms**), window **{told.resolution_ms:.0f} ms**. "
        f"Bin width **{told.bin_hz:.1f} Hz**, frequency resolution **{told.resolution_hz:.0f} Hz**. "
        f"Network input for {seconds:.3g} s: **{told.rows} × {count(columns)}**.]"
    )


def use_for_training(label: str, values: dict[str, Any], *, key: str) -> None:
    """A button that carries settings (path → value) to the Train page."""

    def carry() -> None:
        config = RunConfig().replace(values)
        fields.fill({path: config.value(path) for path in values})
        st.session_state[f"{key}-done"] = True

    shell.action_button(label, carry, key=key, icon=":material/model_training:")
    if st.session_state.pop(f"{key}-done", False):
        st.success("Copied to the Train page.", icon=":material/check:")
        st.page_link("pages/train.py", label="Go to Train", icon=":material/arrow_forward:")
