"""A clip before and after an augmentation: pictures, sounds, and a network's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.audio import encode_wav
from labcore.errors import LabError
from ui.app import services, shell
from ui.app.text import percent, plain, points
from ui.charts import bars
from ui.charts.colours import DIVERGING, colours
from ui.components.sound_viewer import image_row, viewer
from ui.explore import save

if TYPE_CHECKING:
    from labcore.config import RunConfig
    from labcore.explore.augment_preview import Preview
    from labcore.inference.classifier import Classifier

HEIGHT = 180


def show(
    config: RunConfig, clip: np.ndarray, seed: int, options: dict[str, Any], network: Classifier | None
) -> Preview:
    """Draw once what training does to a clip, show it, and give it back.

    Args:
        clip: (samples,) at the configuration's rate.
        options: as :func:`labcore.explore.augment_preview.preview` takes them.
        network: its answers stand under the pictures.
    """
    from labcore.explore.augment_preview import preview

    log_mel = network.log_mel if network is not None else None
    options = options | {"log_mel": log_mel, "workspace": services.workspace()}
    result = preview(config, clip, seed, sound=False, **options)
    if lines := _told(result):
        st.caption(lines)
    before, after, difference = st.columns(3, gap="medium")
    low, high = _range(result)
    with before:
        _view("Before", result.before, config, low, high)
    with after:
        _view("After", result.after, config, low, high)
    with difference:
        _view("Difference", result.difference, config, -result.reach, result.reach, signed=True)
        _change(result)
    if network is not None:
        _answers(network, result, before, after, difference)
    if result.rebuilt:
        result = preview(config, clip, seed, **options)
    with before:
        _play("before", result.sound_before, result.sample_rate)
        if result.before_rebuilt is not None:
            st.caption("Original, reconstructed the same way (for a fair comparison):")
            _play("rebuilt", result.before_rebuilt, result.sample_rate)
    with after:
        _play("after", result.sound, result.sample_rate)
        if result.rebuilt:
            st.caption("Reconstructed from the spectrogram (Griffin-Lim), which holds no phase.")
    return result


def save_buttons(name: str, result: Preview, config: RunConfig) -> None:
    """Buttons for the sound after, and for both pictures.

    Args:
        name: of the clip.
    """
    from labcore.explore.views import levels_view

    shown = {"before": levels_view(result.before, config), "after": levels_view(result.after, config)}
    save.of_preview(name, encode_wav(result.sound, result.sample_rate, exact=True), shown, *_range(result))


def _told(result: Preview) -> str:
    """What was chosen at random, in a line."""
    from labcore.explore.augment_preview import STEPS

    parts = []
    if result.steps:
        parts.append("Active: " + ", ".join(plain(STEPS[name].title.lower()) for name in result.steps))
    if result.snr_db is not None:
        parts.append(f"noise at {result.snr_db:.1f} dB".replace("-", "−"))
    if result.ratio is not None:
        parts.append(f"mixed {percent(result.ratio, 0)} to {percent(1 - result.ratio, 0)}, labels too")
    return " · ".join(parts)


def _range(result: Preview) -> tuple[float, float]:
    return result.colour_range(st.session_state.get("explore-range", 80))


def _view(title: str, levels: np.ndarray, config: RunConfig, low: float, high: float, *, signed: bool = False) -> None:
    from labcore.explore.views import levels_view

    key, view = title.lower(), levels_view(levels, config, signed=signed)
    seconds = levels.shape[1] * config.framing.hop_length / config.sample_rate
    scale = DIVERGING if signed else colours(st.session_state.get("explore-map"))
    row = image_row(view, title, scale, axis="bands", low=low, high=high, height=HEIGHT, signed=signed)
    looks = {"alt": f"{title}: log-mel", "player": f"explore-play-{key}"}
    viewer([row], key=f"explore-bench-{key}", of=key, start_s=0.0, end_s=seconds, **looks)


def _change(result: Preview) -> None:
    share, mean = result.changed()
    if share == 0:
        st.caption("No cell changed by 0.5 dB or more.")
    else:
        st.caption(f"{percent(share, 0)} of the cells changed, by {mean:.1f} dB on average.")


def _play(key: str, samples: np.ndarray, rate: int) -> None:
    with st.container(key=f"explore-play-{key}"):
        if len(samples):
            st.audio(encode_wav(samples, rate, exact=True), format="audio/wav", alt=f"Sound {key}")


def _answers(network: Classifier, result: Preview, before: Any, after: Any, difference: Any) -> None:
    from labcore.explore.augment_preview import predictions

    try:
        pair = predictions(network, result)
    except LabError as error:
        shell.show_error(error)
        return
    tops = []
    for place, key, shares in ((before, "before", pair[0]), (after, "after", pair[1])):
        top = max(shares, key=lambda label: shares[label])
        tops.append(top)
        with place:
            st.markdown(f"**{plain(top)}** :gray[{percent(shares[top])}]")
            bars.probabilities(shares, key=f"explore-answers-{key}", most=4)
    with difference:
        if tops[0] == tops[1]:
            st.markdown(f":green-badge[same prediction] :gray[{points(pair[1][tops[0]] - pair[0][tops[0]])}]")
        else:
            st.markdown(":red-badge[different prediction]")
