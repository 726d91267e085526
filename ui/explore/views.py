"""Look and listen: views of a stretch on one time axis, the sound that they show, and what a network says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.audio import encode_wav, mix
from labcore.errors import LabError
from labcore.runs import Run
from ui.app import services, shell
from ui.app.text import clock_span, count, counted, label_name, percent, plain
from ui.charts import bars
from ui.charts.colours import colours, names
from ui.components.model_picker import Networks
from ui.components.sound_viewer import Row, image_row, selected, viewer, wave_row
from ui.explore import charts, front_end, save
from ui.explore.opened import Opened, channels
from ui.forms import url

if TYPE_CHECKING:
    from labcore.config import RunConfig
    from labcore.explore.geometry import Consequences

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
    "spectrogram": "all FFT bins",
    "mel": "band power, before the logarithm",
    "log-mel": "network input, before normalisation",
    "mfcc": "cosine transform of the log-mel",
    "pcen": "each mel band relative to its recent past",
}
PLAYER = "explore-player"
VIEWER = "explore-pictures"
HINT = "Point to read values · drag to select · click to set the player"


@st.fragment
def show(opened: Opened, start: float, end: float) -> None:
    """Everything of a stretch. A moved slider redraws this and nothing else of the page."""
    with shell.errors_in_place():
        left, right = st.columns([5, 2], gap="medium")
        with right:
            config, told = _settings(end - start)
        with left:
            front_end.problems(told)
            begin, stop = _look(opened, start, end, config)
        _classify(opened, begin, stop)
        front_end.write()


def _settings(seconds: float) -> tuple[RunConfig, Consequences]:
    front_end.settings_of()
    front_end.sliders()
    with st.expander("Picture", icon=":material/palette:"):
        st.slider(
            "Dynamic range (dB)",
            20,
            120,
            80,
            5,
            key="explore-range",
            bind=url.BOUND,
            help="Range below the loudest level that the colours cover.",
        )
        st.selectbox("Colour map", names(), key="explore-map", bind=url.BOUND)
        about = "Of the spectrogram. Mel bands have their own scale."
        shell.one_of("Frequency axis", ["log", "linear"], default="log", key="explore-axis", help=about, bind=url.BOUND)
        about = "Level is in dB; power is what the mel bands are summed from, magnitude its square root."
        quantities = ["level", "magnitude", "power"]
        shell.one_of("Spectrogram of", quantities, default="level", key="explore-power", help=about, bind=url.BOUND)
    config, told = front_end.config()
    front_end.numbers(told, seconds)
    if told.possible:
        front_end.use_for_training(
            "Use these settings for training", front_end.part(*front_end.FRONT), key="explore-use"
        )
    return config, told


def _look(opened: Opened, start: float, end: float, config: RunConfig) -> tuple[float, float]:
    """Views, player and what can be taken away; returns the seconds that are played."""
    from labcore.explore.views import average_spectrum, stretch_of, views_of

    chosen = st.pills(
        "Views", list(VIEWS), default=["waveform", "spectrogram", "log-mel"], format_func=VIEWS.__getitem__,
        selection_mode="multi", label_visibility="collapsed", key="explore-views", wrap=True, bind=url.BOUND,
    )  # fmt: skip
    mode = _mode(opened.facts.info.channels, config.sample_rate)
    source, rate = opened.source, config.sample_rate
    name = f"{source.key}|{start:.6f}|{end:.6f}"
    samples, own_rate = sound(opened, start, end, mode, rate)
    front, _ = source.waveform(start, end, rate)
    power = st.session_state.get("explore-power", "level")
    made = views_of(chosen, samples, own_rate, front, config, of=power, start_s=start)
    stretch = selected(VIEWER, name)
    if made:
        viewer(
            [row_of(kind, view, own_rate) for kind, view in made.items()], key=VIEWER, of=name, start_s=start, end_s=end,
            selectable=True, selection=stretch, player=PLAYER, played_from=stretch[0] if stretch else start, hint=HINT,
            alt=f"Pictures of {source.name}",
        )  # fmt: skip
    begin, stop = stretch or (start, end)
    part = stretch_of(samples, own_rate, begin - start, stop - start)
    wav = _player(part, own_rate, begin, stop, stretch is not None, source.name)
    shown = {VIEWS[kind]: (view, *_levels(view)) for kind, view in made.items()}
    if "spectrum" in chosen:
        spectrum = average_spectrum(part, config, own_rate)
        shell.heading("Average spectrum", ":gray[of what is played]")
        charts.spectrum(spectrum)
        shown[VIEWS["spectrum"]] = (spectrum, None, None)
    kinds, mended = [kind for kind in made if kind in WHAT], bool(opened.facts.info.notes)
    save.buttons(source.name, wav, shown, kinds, config, (start, end), opened.seconds, mended)
    return begin, stop


def _mode(channels_: int, rate: int) -> str:
    """Which sound is drawn as the waveform and played."""
    modes = {"file": "As recorded" if channels_ == 1 else "Separate channels"}
    if channels_ > 1:
        modes["mixed"] = "Mixed"
    modes["front"] = f"As the front end receives it, {rate / 1000:g} kHz"
    if st.session_state.get("explore-mode", "file") not in modes:
        st.session_state.pop("explore-mode")
    looks = {"label_visibility": "collapsed", "bind": url.BOUND}
    return str(shell.one_of("Sound", modes, default="file", key="explore-mode", **looks))


def sound(opened: Opened, start: float, end: float, mode: str, rate: int) -> tuple[np.ndarray, int]:
    """What is drawn as the waveform and played: (channels, samples) and its rate."""
    source = opened.source
    if mode == "front":
        return source.waveform(start, end, rate)[0][None], rate
    samples, own = channels(source.key, source.name, start, end, source.content)
    if mode == "mixed":
        return mix(samples.T)[0][None], own
    return samples, own


def _levels(view: Any) -> tuple[float | None, float | None]:
    """Which values have the first and the last colour; a waveform has one colour."""
    if not hasattr(view, "colour_range"):
        return None, None
    return view.colour_range(st.session_state.get("explore-range", 80))


def row_of(kind: str, view: Any, rate: int) -> Row:
    """A view as a row of the viewer."""
    if kind == "waveform":
        return wave_row(view, f"Waveform · {rate / 1000:g} kHz")
    low, high = _levels(view)
    power = st.session_state.get("explore-power", "level")
    title = VIEWS[kind]
    if kind == "log-mel":
        title += f" · {len(view.values)} bands"
    if kind == "spectrogram" and power != "level":
        title += f" · {power}"
    title += f" · {WHAT[kind]}"
    axis = {"spectrogram": st.session_state.get("explore-axis", "log"), "mfcc": "index"}.get(kind, "bands")
    return image_row(
        view, title, colours(st.session_state.get("explore-map")), axis=axis, low=low, high=high,
        height=130 if kind == "mfcc" else 190,
    )  # fmt: skip


def _player(part: np.ndarray, rate: int, begin: float, stop: float, chosen: bool, name: str) -> bytes:
    """Exactly what is shown, as 32-bit float."""
    wav = encode_wav(part, rate, exact=True)
    with st.container(key=PLAYER):
        st.audio(wav, format="audio/wav", alt=f"Playback of {name}")
    what = f"the selection, {clock_span(begin, stop, 3)}" if chosen else "what is shown"
    peak = float(np.abs(part).max(initial=0.0))
    loud = " Peaks above full scale will clip on playback." if peak > 1 else ""
    sides = f"{part.shape[0]} channels of " if part.shape[0] > 1 else ""
    st.caption(f"Plays {what}, bit for bit: {sides}{counted(part.shape[1], 'sample')} at {count(rate)} Hz.{loud}")
    return wav


# --- what a network says


def choose_run(key: str, label: str = "Network", *, demo: bool = True, word: str = "network") -> Run | None:
    """A run with weights, or None. ``demo``: the built-in network may be chosen too. ``word``: of the address, where it stands."""
    known = Networks(demo)
    if not known.runs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Predictions of a trained network appear here.", width="content")
            st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
        return None
    url.take(word, key, known.runs, st.session_state.get(key))
    if st.session_state.get(key) not in known.runs:
        st.session_state.pop(key, None)
    run = known.box(key, label, width=420)
    url.tell(word, run.id if run is not None else "")
    return run


def _classify(opened: Opened, begin: float, stop: float) -> None:
    st.header("Classification", anchor=False)
    run = choose_run("explore-run")
    if run is None:
        return
    try:
        network = services.classifier(run)
        waveform, _ = opened.source.waveform(begin, stop, network.sample_rate)
        answer = network.classify_waveform(waveform)
    except LabError as error:
        shell.show_error(error)
        return
    st.markdown(f"### {plain(label_name(answer.label))}")
    truth = f" · labelled {plain(label_name(opened.source.truth))}" if opened.source.truth else ""
    st.caption(f"{clock_span(begin, stop)} · probability {percent(answer.probability)}{truth}")
    bars.probabilities(answer.probabilities, key=f"explore-bars-{run.id}", most=6)
