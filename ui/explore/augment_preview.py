"""Augment preview: which augmentation, how strong, and with what; what it makes of a clip is shown below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.config import RunConfig, all_settings
from ui.app import services, shell
from ui.app.text import plain
from ui.components import source_picker
from ui.components.clip import Clip
from ui.explore import augment_result, front_end, views
from ui.explore.opened import Opened
from ui.forms import url

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

ALL = "all"
SUGGESTED: dict[str, Any] = {
    "augment.time_shift_seconds": 1.0,
    "augment.time_scale": 0.2,
    "augment.speed": 0.2,
    "augment.pitch_semitones": 4.0,
    "augment.equaliser_db": 12.0,
    "augment.gain_db": 6.0,
    "augment.time_mask": 0.2,
    "augment.freq_mask": 0.2,
    "augment.reverb": 0.5,
    "augment.noise": 0.5,
    "augment.mixup": 0.5,
}
"""Strengths that can be seen, for steps that training has off."""
ABOUT = {
    "noise": "Adds noise to the clip. Training draws the ratio for each clip; here you choose it.",
    "reverb": "Adds the reverberation of a room. Training draws a room for each clip.",
    "mixing": "Mixes in a second clip: energies are added, and the label is shared in the same ratio.",
}
WHERE = {
    "time": "shifts the clip in time",
    "waveform": "acts on the waveform",
    "power": "acts on the mel power",
    "log-mel": "acts on the log-mel",
}


@st.fragment
def show(opened: Opened, start: float, end: float) -> None:
    """The bench for a stretch. Everything in it redraws without the rest of the page."""
    with shell.errors_in_place():
        with st.container(border=True):
            name = _choose_step()
            options = _options(name)
            with st.container(horizontal=True, vertical_alignment="bottom"):
                seed = _seed()
                run = views.choose_run("explore-bench-run", "Compare predictions of", word="compared")
        network = services.classifier(run) if run is not None else None
        strengths = front_end.part("augment.") if name == ALL else _alone()
        config = _config(network, strengths)
        rate = config.sample_rate
        # training crops at random; more is never cut from here
        longest = 2 * (config.audio.clip_seconds or 10.0) + 10.0
        clip, _ = opened.source.waveform(start, min(end, start + longest), rate)
        for kind, most in (("second", longest), ("recording", 60.0)):
            if options.get(kind) is not None:
                options[kind] = options[kind].waveform(0.0, most, rate)[0]
        result = augment_result.show(config, clip, seed, {"steps": name, **options}, network)
        augment_result.save_buttons(opened.source.name, result, config)
        _carry(name, options)
        front_end.write()


def _config(network: Classifier | None, strengths: dict[str, Any]) -> RunConfig:
    """The front end of the page, or that of the run, with these strengths."""
    config, told = front_end.config()
    if network is not None:
        config = network.config
    elif not told.possible:
        front_end.problems(told)
    return config.replace(strengths)


# --- what is to be done


def _alone() -> dict[str, Any]:
    """Strengths for one step alone: those of training, and something to see where that is off."""
    if "explore-alone" not in st.session_state:
        strengths = front_end.part("augment.").items()
        seen = {path: value or SUGGESTED.get(path, value) for path, value in strengths}
        st.session_state["explore-alone"] = seen | {"augment.noise_file": None}  # one step alone takes an upload
    return st.session_state["explore-alone"]


def _choose_step() -> str:
    from labcore.explore.augment_preview import STEPS

    titles = {ALL: "All, as in training", **{name: step.title for name, step in STEPS.items()}}
    return st.pills(
        "Augmentation", list(titles), default="noise", format_func=titles.__getitem__, key="explore-step",
        required=True, label_visibility="collapsed", wrap=True, bind=url.BOUND,
    )  # fmt: skip


def _seed() -> int:
    seed = int(st.number_input("Seed", 0, 2**31 - 2, key="explore-seed", width=140, bind=url.BOUND))
    shell.next_button("Resample", "explore-seed", key="explore-draw", icon=":material/casino:", type="primary")
    return seed


def _options(name: str) -> dict[str, Any]:
    """The widgets of a step, or of all; and what they give to :func:`labcore.explore.augment_preview.preview` beside the configuration."""
    from labcore.explore.augment_preview import STEPS

    if name == ALL:
        st.caption("With the order and probabilities of training; a new random draw each time.")
        with st.expander("Strengths", icon=":material/tune:"):
            paths = [path for path in all_settings() if path.startswith("augment.") and path != "augment.plain_share"]
            columns = st.columns(3, gap="medium")
            for number, path in enumerate(paths):
                with columns[number % 3]:
                    front_end.widget(path)
        return {"second": _second()}
    step = STEPS[name]
    st.caption(f"{ABOUT.get(name) or all_settings()[step.strength].help} :gray[It {WHERE[step.domain]}.]")
    if step.needs_second:
        share = st.slider("Share of the first clip (%)", 0, 100, 60, key="explore-mix", width=320, bind=url.BOUND)
        return {"second": _second(), "mix_ratio": share / 100}
    options: dict[str, Any] = {}
    columns = iter(st.columns(3, gap="medium"))
    for path in step.settings:
        with next(columns):
            if path == "augment.noise_snr_db":
                options["snr_db"] = float(
                    st.slider("Signal-to-noise ratio (dB)", -20, 50, 10, key="explore-snr", help="0 dB: as loud as the clip.",
                              bind=url.BOUND)
                )  # fmt: skip
            elif path == "augment.noise_file":
                with st.popover("Recorded noise", icon=":material/upload_file:"):
                    file = st.file_uploader("A recording to use in place of generated noise", key="explore-noise-file")
                if file is not None:
                    options["recording"] = Clip(file.name, file.getvalue(), file.file_id)
                    st.caption(f"Adds {plain(file.name)}.")
            else:
                front_end.widget(path, _alone(), "alone")
    return options


def _second() -> Clip | None:
    with st.expander("Mixup partner", icon=":material/call_merge:", expanded=False):
        return source_picker.choose("second", "dog_bark")


def _carry(name: str, options: dict[str, Any]) -> None:
    """Strengths to the Train page: all, or what makes up the step that is shown."""
    from labcore.explore.augment_preview import STEPS

    if name == ALL:
        strengths = front_end.part("augment.")
        front_end.use_for_training("Use these strengths for training", strengths, key="explore-use-augment")
        return
    step = STEPS[name]
    paths = [path for path in step.settings if path != "augment.noise_file"]
    values = {path: _alone()[path] for path in {step.strength, *paths}}
    if "snr_db" in options:
        values["augment.noise_snr_db"] = max(-10.0, min(40.0, options["snr_db"]))
    if options.get("recording") is not None:
        st.caption(
            "Uploads are used here only. On the Train page, enter the path of a recording under “Recorded noise”."
        )
    front_end.use_for_training(f"Use this {step.title.lower()} for training", values, key="explore-use-augment")
