"""The augmentation bench: a clip before and after what training does to it, as pictures, as sounds, and as a network's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.config import RunConfig, all_settings
from labcore.errors import LabError
from ui.app import services, shell
from ui.app.text import percent, plain, points
from ui.charts import figures
from ui.charts.colours import DIVERGING, colours
from ui.classify.clips import Clip
from ui.components import source_picker
from ui.components.sound_viewer import image_row, viewer
from ui.components.source_picker import Opened
from ui.explore import front_end, save, views

if TYPE_CHECKING:
    from labcore.explore.augment_preview import Preview
    from labcore.inference.classifier import Classifier

ALL = "all"
HEIGHT = 180
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
                run = views.choose_run("explore-bench-run", "Compare predictions of")
        network = services.classifier(run) if run is not None else None
        strengths = front_end.held() if name == ALL else _alone()
        config = _config(network, strengths)
        rate = config.audio.sample_rate
        longest = (
            2 * (config.audio.clip_seconds or 10.0) + 10.0
        )  # training crops at random; more is never cut from here
        clip, _ = opened.source.heard(start, min(end, start + longest), rate)
        for kind, most in (("second", longest), ("recording", 60.0)):
            if options.get(kind) is not None:
                options[kind] = options[kind].heard(0.0, most, rate)[0]
        drawn = _drawn(config, clip, seed, name, options, network)
        _save(opened.source.name, drawn, config)
        _carry(name, options)


def _config(network: Classifier | None, strengths: dict[str, Any]) -> RunConfig:
    """The front end of the page, or that of the run, with these strengths."""
    config, told = front_end.config()
    if network is not None:
        config = network.config
    elif not told.possible:
        front_end.problems(told)
    return config.replace({path: value for path, value in strengths.items() if path.startswith("augment.")})


# --- what is to be done


def _alone() -> dict[str, Any]:
    """Strengths for one step alone: those of training, and something to see where that is off."""
    if "explore-alone" not in st.session_state:
        values = {path: value for path, value in front_end.held().items() if path.startswith("augment.")}
        st.session_state["explore-alone"] = {
            path: value or SUGGESTED.get(path, value) for path, value in values.items()
        } | {"augment.noise_file": None}  # one step alone takes an upload
    return st.session_state["explore-alone"]


def _choose_step() -> str:
    from labcore.explore.augment_preview import STEPS

    titles = {ALL: "All, as in training", **{name: step.title for name, step in STEPS.items()}}
    return st.pills(
        "Augmentation", list(titles), default="noise", format_func=titles.__getitem__, key="explore-step",
        required=True, label_visibility="collapsed", wrap=True,
    )  # fmt: skip


def _seed() -> int:
    def another() -> None:
        st.session_state["explore-seed"] = int(st.session_state.get("explore-seed", 0)) + 1

    seed = int(st.number_input("Seed", 0, 2**31 - 2, key="explore-seed", width=140))
    shell.action_button("Resample", another, key="explore-draw", icon=":material/casino:", type="primary")
    return seed


def _options(name: str) -> dict[str, Any]:
    """The widgets of a step, or of all; and what they give to :func:`labcore.explore.draw` beside the configuration."""
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
        share = st.slider("Share of the first clip (%)", 0, 100, 60, key="explore-mix", width=320)
        return {"second": _second(), "mix_ratio": share / 100}
    options: dict[str, Any] = {}
    columns = iter(st.columns(3, gap="medium"))
    for path in step.settings:
        with next(columns):
            if path == "augment.noise_snr_db":
                options["snr_db"] = float(
                    st.slider("Signal-to-noise ratio (dB)", -20, 50, 10, key="explore-snr", help="0 dB: as loud as the clip.")
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
        return source_picker.choose("second", label="dog_bark")


def _carry(name: str, options: dict[str, Any]) -> None:
    """Strengths to the Train page: all, or what makes up the step that is shown."""
    from labcore.explore.augment_preview import STEPS

    if name == ALL:
        front_end.use_for_training("Use these strengths for training", ("augment.",), key="explore-use-augment")
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


# --- before, after, difference


def _drawn(
    config: RunConfig, clip: np.ndarray, seed: int, name: str, options: dict[str, Any], network: Classifier | None
) -> Preview:
    from labcore.explore.augment_preview import preview

    log_mel = network.log_mel if network is not None else None
    options = options | {"steps": name, "log_mel": log_mel, "workspace": services.workspace()}
    drawn = preview(config, clip, seed, sound=False, **options)
    lines = _told(drawn)
    if lines:
        st.caption(lines)
    before, after, difference = st.columns(3, gap="medium")
    low, high = _range(drawn)
    for place, key, title, levels in (
        (before, "before", "Before", drawn.before),
        (after, "after", "After", drawn.after),
    ):
        with place:
            _picture(key, title, levels, config, low, high)
    with difference:
        reach = max(3.0, float(np.abs(drawn.difference).max(initial=0.0)))
        _picture("difference", "Difference", drawn.difference, config, -reach, reach, signed=True)
        _change(drawn)
    if network is not None:
        _answers(network, drawn, before, after, difference)
    if drawn.rebuilt:
        drawn = preview(config, clip, seed, **options)
    with before:
        _play("before", drawn.sound_before, drawn.sample_rate)
        if drawn.before_rebuilt is not None:
            st.caption("Original, reconstructed the same way (for a fair comparison):")
            _play("rebuilt", drawn.before_rebuilt, drawn.sample_rate)
    with after:
        _play("after", drawn.sound, drawn.sample_rate)
        if drawn.rebuilt:
            st.caption("Reconstructed from the spectrogram (Griffin-Lim), which holds no phase.")
    return drawn


def _save(name: str, drawn: Preview, config: RunConfig) -> None:
    from labcore.audio import encode_wav
    from labcore.explore.views import levels_view

    low, high = _range(drawn)
    pictures = {"before": drawn.before, "after": drawn.after}
    shown = {title: (levels_view(levels, config), low, high) for title, levels in pictures.items()}
    save.of_draw(name, encode_wav(drawn.sound, drawn.sample_rate, exact=True), shown)


def _told(drawn: Preview) -> str:
    """What was drawn, in a line."""
    from labcore.explore.augment_preview import STEPS

    parts = []
    if drawn.steps:
        parts.append("Active: " + ", ".join(plain(STEPS[name].title.lower()) for name in drawn.steps))
    if drawn.snr_db is not None:
        parts.append(f"noise at {drawn.snr_db:.1f} dB".replace("-", "−"))
    if drawn.ratio is not None:
        parts.append(f"mixed {percent(drawn.ratio, 0)} to {percent(1 - drawn.ratio, 0)}, labels too")
    return " · ".join(parts)


def _range(drawn: Preview) -> tuple[float, float]:
    high = float(max(drawn.before.max(), drawn.after.max()))
    low = float(min(drawn.before.min(), drawn.after.min()))
    return max(low, high - st.session_state.get("explore-range", 80)), high


def _picture(
    key: str, title: str, levels: np.ndarray, config: RunConfig, low: float, high: float, *, signed: bool = False
) -> None:
    from labcore.explore.views import levels_view

    view = levels_view(levels, config, signed=signed)
    seconds = levels.shape[1] * config.framing.hop_length / config.audio.sample_rate
    viewer(
        [
            image_row(
                view,
                title,
                DIVERGING if signed else colours(st.session_state.get("explore-map")),
                axis="bands",
                low=low,
                high=high,
                height=HEIGHT,
                signed=signed,
            )
        ],
        key=f"explore-bench-{key}",
        of=key,
        start_s=0.0,
        end_s=seconds,
        alt=f"{title}: log-mel",
        player=f"explore-play-{key}",
    )


def _change(drawn: Preview) -> None:
    changed = float(np.mean(np.abs(drawn.difference) >= 0.5))
    if changed == 0:
        st.caption("No cell changed by 0.5 dB or more.")
    else:
        mean = float(np.abs(drawn.difference).mean())
        st.caption(f"{percent(changed, 0)} of the cells changed, by {mean:.1f} dB on average.")


def _play(key: str, samples: np.ndarray, rate: int) -> None:
    from labcore.audio import encode_wav

    with st.container(key=f"explore-play-{key}"):
        if len(samples):
            st.audio(encode_wav(samples, rate, exact=True), format="audio/wav", alt=f"Sound {key}")


def _answers(network: Classifier, drawn: Preview, before: Any, after: Any, difference: Any) -> None:
    from labcore.explore.augment_preview import predictions

    try:
        pair = predictions(network, drawn)
    except LabError as error:
        shell.show_error(error)
        return
    tops = []
    for place, key, shares in ((before, "before", pair[0]), (after, "after", pair[1])):
        top = max(shares, key=lambda label: shares[label])
        tops.append(top)
        with place:
            st.markdown(f"**{plain(top)}** :gray[{percent(shares[top])}]")
            figures.probabilities(shares, key=f"explore-answers-{key}", most=4)
    with difference:
        if tops[0] == tops[1]:
            st.markdown(f":green-badge[same prediction] :gray[{points(pair[1][tops[0]] - pair[0][tops[0]])}]")
        else:
            st.markdown(":red-badge[different prediction]")
