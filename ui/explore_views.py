"""Look and listen: views of a stretch on one time axis, the sound that they show, and what a network says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.errors import LabError
from ui import charts, explore_knobs, live, services, shell
from ui.explore_colours import MAPS, colours
from ui.explore_source import Opened, channels, heard
from ui.explore_viewer import Row, image_row, selected, viewer, wave_row
from ui.text import percent, plain, run_name

if TYPE_CHECKING:
    from labcore.config import RunConfig
    from labcore.explore import View

VIEWS = {
    "waveform": "Waveform",
    "spectrogram": "Spectrogram",
    "mel": "Mel",
    "log-mel": "Log-mel",
    "mfcc": "MFCC",
    "pcen": "PCEN",
    "spectrum": "Average spectrum",
}
WHAT = {
    "spectrogram": "level of every bin of the Fourier transform",
    "mel": "power of the mel bands, before the logarithm",
    "log-mel": "what the network is given, before each band is normalised",
    "mfcc": "cosine transform of the log-mel",
    "pcen": "each mel band against its own recent past",
}
PLAYER = "explore-player"
PICTURES = "explore-pictures"
HINT = "Point at a picture to read it · drag to select a stretch · click to play from there"


def sound_name(opened: Opened, start: float, end: float, mode: str) -> str:
    """Changes with all that makes the sound on view another one."""
    return f"{opened.source.key}|{start:.6f}|{end:.6f}|{mode}"


@st.fragment
def show(opened: Opened, start: float, end: float) -> None:
    """Everything of a stretch. A turned slider redraws this and nothing else of the page."""
    with shell.errors_in_place():
        left, right = st.columns([5, 2], gap="medium")
        with right:
            mode = _knobs(opened, end - start)
        config, _ = explore_knobs.config()
        with left:
            _look(opened, start, end, config, mode)


def _knobs(opened: Opened, seconds: float) -> str:
    explore_knobs.settings_of()
    mode = "recorded"
    explore_knobs.sliders()
    with st.expander("Picture", icon=":material/palette:"):
        st.slider(
            "Dynamic range (dB)", 20, 120, 80, 5, key="explore-range", help="Levels farther below the loudest are dark."
        )
        st.selectbox("Colour map", list(MAPS), key="explore-map")
        st.segmented_control(
            "Frequency axis of the spectrogram", ["log", "linear"], default="log", required=True, key="explore-axis"
        )
        st.segmented_control(
            "Spectrogram of",
            ["level", "magnitude", "power"],
            default="level",
            required=True,
            key="explore-power",
            help="Level is in dB; magnitude is its root mean, power its square.",
        )
    _, told = explore_knobs.config()
    explore_knobs.tell(told, seconds)
    if told.possible:
        explore_knobs.use_for_training("Use these settings for training", explore_knobs.FRONT, key="explore-use")
    return mode


def _look(opened: Opened, start: float, end: float, config: RunConfig, mode: str) -> None:
    chosen = st.pills(
        "Views", list(VIEWS), default=["waveform", "spectrogram", "log-mel"], format_func=VIEWS.__getitem__,
        selection_mode="multi", label_visibility="collapsed", key="explore-views",
    )  # fmt: skip
    count = opened.facts.info.channels
    rate = config.audio.sample_rate
    modes = {"file": "As recorded" if count == 1 else "Channels apart"}
    if count > 1:
        modes["mixed"] = "Mixed"
    modes["front"] = f"As the front end gets it, {rate / 1000:g} kHz"
    if st.session_state.get("explore-mode") not in modes:
        st.session_state.pop("explore-mode", None)
    mode = st.segmented_control(
        "Sound", list(modes), default="file", format_func=modes.__getitem__, required=True, key="explore-mode",
        label_visibility="collapsed",
    )  # fmt: skip
    name = sound_name(opened, start, end, mode)
    source = opened.source
    front = heard(source.key, source.name, start, end, rate, source.content)
    samples, own_rate = sound(opened, start, end, mode, rate)
    rows = pictures(chosen, samples, own_rate, front, config, start)
    stretch = selected(PICTURES, name)
    if rows:
        viewer(
            rows, key=PICTURES, of=name, start_s=start, end_s=end, selectable=True, selection=stretch, player=PLAYER,
            played_from=stretch[0] if stretch else start, hint=HINT, alt=f"Pictures of {source.name}",
        )  # fmt: skip
    begin, stop = stretch or (start, end)
    first = round((begin - start) * own_rate)
    part = samples[:, first : max(first + 1, round((stop - start) * own_rate))]
    _player(part, own_rate, begin, stop, stretch is not None, source.name)
    if "spectrum" in chosen:
        spectrum(part, own_rate, config)
    _classify(opened, begin, stop)


def sound(opened: Opened, start: float, end: float, mode: str, rate: int) -> tuple[np.ndarray, int]:
    """What is drawn as the waveform and played: (channels, samples) and its rate."""
    source = opened.source
    if mode == "front":
        return heard(source.key, source.name, start, end, rate, source.content)[None], rate
    samples, own = channels(source.key, source.name, start, end, source.content)
    return (samples.mean(axis=0, keepdims=True, dtype=np.float32) if mode == "mixed" else samples), own


def pictures(
    chosen: list[str], samples: np.ndarray, rate: int, front: np.ndarray, config: RunConfig, start: float
) -> list[Row]:
    """The chosen views as rows of one viewer."""
    from labcore.explore import views

    rows = []
    if "waveform" in chosen:
        rows.append(wave_row(views.waveform_view(samples, rate, start_s=start), f"Waveform · {rate / 1000:g} kHz"))
    power = st.session_state.get("explore-power", "level")
    make = {
        "spectrogram": lambda: views.spectrogram(
            front, config, decibels=power == "level", power=1 if power == "magnitude" else 2, start_s=start
        ),
        "mel": lambda: views.mel(front, config, start_s=start),
        "log-mel": lambda: views.log_mel_view(front, config, start_s=start),
        "mfcc": lambda: views.mfcc(front, config, start_s=start),
        "pcen": lambda: views.pcen(front, config, start_s=start),
    }
    for kind, made in make.items():
        if kind in chosen:
            rows.append(_image(kind, made()))
    return rows


def _image(kind: str, view: View) -> Row:
    low, high = view.low, view.high
    if view.unit == "dB":
        low = max(low, high - st.session_state.get("explore-range", 80))
    elif kind == "mfcc" and len(view.values) > 1:  # the first coefficient is the loudness, and would drown the others
        edges = np.percentile(view.values[1:], [1, 99]) * view.scale
        low, high = float(edges[0]), float(max(edges[1], edges[0] + 1e-9))
    axis = {"spectrogram": st.session_state.get("explore-axis", "log"), "mfcc": "index"}.get(kind, "bands")
    title = VIEWS[kind] if kind != "log-mel" else f"Log-mel · {len(view.values)} bands"
    title += f" · {WHAT[kind]}" + (f" · {view.low:.0f} to {view.high:.0f} dB" if view.unit == "dB" else "")
    return image_row(
        view, title, colours(st.session_state.get("explore-map")), axis=axis, low=low, high=high,
        height=130 if kind == "mfcc" else 190,
    )  # fmt: skip


def _player(part: np.ndarray, rate: int, begin: float, stop: float, chosen: bool, name: str) -> None:
    """Exactly what is shown, as 32-bit float."""
    from labcore.audio import encode_wav

    wav = encode_wav(part, rate, exact=True)
    with st.container(key=PLAYER):
        st.audio(wav, format="audio/wav", alt=f"Playback of {name}")
    what = f"the selected stretch, {begin:.3f} to {stop:.3f} s" if chosen else "all that is shown"
    peak = float(np.abs(part).max(initial=0.0))
    loud = " Samples beyond full scale are cut off by the loudspeaker, not by the lab." if peak > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Plays {what}, bit for bit: {part.shape[0]} × {part.shape[1]} samples at {rate} Hz.{loud}")
        st.download_button(
            "WAV",
            wav,
            file_name=f"{_stem(name)}.wav",
            mime="audio/wav",
            icon=":material/download:",
            on_click="ignore",
            type="tertiary",
            key="explore-wav",
        )


def spectrum(part: np.ndarray, rate: int, config: RunConfig) -> None:
    """Level over frequency of what is played."""
    import pandas as pd

    from labcore.explore import views

    told = views.average_spectrum(part, config.changed({"audio.sample_rate": rate, "features.f_max": None}))
    keep = told.hz > 0
    names = [f"channel {number + 1}" for number in range(len(told.decibels))]
    frame = pd.DataFrame(
        {
            "Hz": np.tile(told.hz[keep], len(names)),
            "dB": told.decibels[:, keep].ravel().round(1),
            "channel": np.repeat(names, int(keep.sum())),
        }
    )
    spec: dict[str, Any] = {
        "mark": {"type": "line", "strokeWidth": 1.2},
        "encoding": {
            "x": {
                "field": "Hz",
                "type": "quantitative",
                "scale": {"type": "log"},
                "axis": {"format": "~s", "tickCount": 8},
            },
            "y": {"field": "dB", "type": "quantitative", "scale": {"zero": False}, "title": "dBFS"},
            "color": {
                "field": "channel",
                "type": "nominal",
                "title": None,
                "legend": None if len(names) == 1 else {"orient": "top"},
            },
            "tooltip": [{"field": "Hz", "format": ".0f"}, {"field": "dB"}],
        },
    }
    st.markdown("**Average spectrum** :gray[of what is played]")
    st.vega_lite_chart(frame, spec, height=220, width="stretch", key="explore-spectrum", alt="Average spectrum")


# --- what a network says


def choose_run(key: str) -> Any:
    """A run with weights, or None."""
    known = {run.id: (run, status.accuracy) for run, status in live.runs() if run.weights.exists()}
    if not known:
        st.caption("With a trained network the answer to what is selected would stand here.")
        st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
        return None
    if st.session_state.get(key) not in known:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        "Network", list(known), index=None, placeholder="Choose a trained network", key=key, width=420,
        format_func=lambda run_id: f"{run_name(known[run_id][0])} · accuracy {percent(known[run_id][1])}",
    )  # fmt: skip
    return known[chosen][0] if chosen else None


def _classify(opened: Opened, begin: float, stop: float) -> None:
    st.markdown("**What a network hears in it**")
    run = choose_run("explore-run")
    if run is None:
        return
    try:
        network = services.classifier(run)
        source = opened.source
        waveform = heard(source.key, source.name, begin, stop, network.sample_rate, source.content)
        answer = network.classify_waveform(waveform)
    except LabError as error:
        shell.show_error(error)
        return
    st.markdown(f"### {plain(answer.label)}")
    st.caption(
        f"in {begin:.2f} to {stop:.2f} s, probability {percent(answer.probability)}"
        + (f" · labelled {plain(opened.source.truth)}" if opened.source.truth else "")
    )
    charts.probabilities(answer.probabilities, key=f"explore-bars-{run.id}", most=6)


def _stem(name: str) -> str:
    from pathlib import PurePath

    from labcore.workspace import slug

    return slug(PurePath(name.replace("\\", "/")).stem) or "sound"
