"""One clip as a network sees it: to hear, its log-mel and where the network looked, its probabilities, and what it resembles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.datasets.rows import Row
from labcore.errors import ConfigError, LabError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.runs import Run
from labcore.texts import shown
from ui.app import services
from ui.app.shell import errors_in_place, heading, one_of, show_error
from ui.app.text import percent, plain
from ui.charts.colours import colours, dark, shares
from ui.components.clip_player import HASHED, LONGEST_SECONDS, sound
from ui.components.sound_viewer import image_row, viewer
from ui.runs import card_label, held_out_clips
from ui.runs.evaluation import file_stamp
from ui.runs.held_out_clips import HeldOutClips

if TYPE_CHECKING:
    from labcore.explore.view import View
    from labcore.inference.classifier import Classifier

MOST_LABELS = 3
GRAD_CAM = "Grad-CAM: the parts of the log-mel that raise this class in the network."


def show(clips: HeldOutClips, row: int, training: ClipPredictions | LabError | None) -> None:
    """A clip of predictions.

    Args:
        training: the training clips of the run whose network predicted it; None where they are not known yet, or why they cannot be.
    """
    clip = clips.predictions.frame.iloc[row]
    key = f"{clips.key}-{row}"
    with st.container(border=True, key=f"card-{key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _headline(clips, row)
            card_label.show(clips, row)
        left, right = st.columns([3, 2], gap="medium")
        with left, errors_in_place():
            found = clips.found(row)
            if found.moved:
                st.caption(f"It lies at {plain(found.moved)} now.")
            sound(found.row, key)
            log_mel(clips, row, found.row, key)
        with right, errors_in_place():
            _probabilities(clips, row, str(clip["label"]))
            if training is not None:
                _nearest(clips, row, training)


def log_mel(clips: HeldOutClips, row: int, found: Row, key: str) -> None:
    """The log-mel, and on the same axes where the network found what speaks for a class."""
    names, predictions = clips.names, clips.predictions
    predicted = predictions.labels[int(predictions.predicted[row])]
    asked = [
        label
        for label in dict.fromkeys([predicted, str(predictions.frame["label"].iloc[row])])
        if label in predictions.labels
    ]
    label: str = asked[0]
    if len(asked) > 1:
        told = {name: names[name] for name in asked}
        label = one_of("Where the network looked for", told, default=asked[0], key=f"looked-{key}", help=GRAD_CAM)
    run = clips.run(row)
    view, weights, seconds, trouble = _views(str(run.path), file_stamp(run.weights), found, label)
    low, high = view.colour_range()
    looks: dict[str, Any] = {"axis": "bands", "height": 130}
    rows = [image_row(view, "Log-mel", colours(), low=low, high=high, **looks)]
    if weights is None:
        st.caption(plain(trouble))
    else:
        title = f"Where it looked for {names[label]}" if weights.high else f"Nothing speaks for {names[label]}"
        rows.append(image_row(weights, title, shares(), low=0.0, high=1.0, **looks))
    scale = "lighter" if dark() else "darker"
    viewer(
        rows, key=f"seen-{key}", of=f"{key}-{label}", start_s=0.0, end_s=seconds, player=f"play-{key}",
        hint=f"Point to read values · {scale} counts more", alt=f"Log-mel of {found.name}, and where the network looked for {names[label]}",
    )  # fmt: skip


def _headline(clips: HeldOutClips, row: int) -> None:
    predictions, names = clips.predictions, clips.names
    clip = predictions.frame.iloc[row]
    label, predicted = str(clip["label"]), predictions.labels[int(predictions.predicted[row])]
    start = f" from {clip['start_s']:g} s" if clip["start_s"] else ""
    face = ":green[:material/check:]" if label == predicted else ":red[:material/close:]"
    st.markdown(
        f"{face} labelled **{plain(names[label])}**, predicted **{plain(names[predicted])}** "
        f"{percent(float(predictions.confidence[row]))} :gray[· {plain(shown(clip['clip']))}{start} · fold {plain(clip['fold'])}]"
    )


def _probabilities(clips: HeldOutClips, row: int, label: str) -> None:
    """The likeliest classes as bars, and the labelled one in any case."""
    given = clips.probabilities(row)
    order = np.argsort(-given, kind="stable")
    top = order[:MOST_LABELS].tolist()
    if label in clips.predictions.labels and (own := clips.predictions.labels.index(label)) not in top:
        top.append(own)
    for number in top:
        name = clips.predictions.labels[number]
        mark = " :gray[(label)]" if name == label else ""
        st.progress(float(given[number]), text=f"{plain(clips.names[name])}{mark} {percent(float(given[number]))}")


def _nearest(clips: HeldOutClips, row: int, training: ClipPredictions | LabError) -> None:
    from labcore.evaluation.mistakes import nearest

    if isinstance(training, LabError):
        show_error(training)
        return
    one = clips.predictions.chosen(np.array([row]))
    order, cosines = nearest(one.embeddings, training.embeddings)
    heading("Nearest training clips", help="By cosine of the embeddings: what the network learnt it from.")
    for number, cosine in zip(order[0].tolist(), cosines[0].tolist(), strict=True):
        with errors_in_place():
            label = str(training.frame["label"].iloc[number])
            found = held_out_clips.find(clips.run(row), training.frame, number).row
            st.caption(f"{plain(found.name)} · {plain(clips.names.get(label, label))} · cosine {cosine:.2f}")
            sound(found, f"nearest-{clips.key}-{row}-{number}")


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs=HASHED)
def _views(path: str, changed: int, found: Row, label: str) -> tuple[View, View | None, float, str]:
    """Log-mel and Grad-CAM of a clip by the network of a run, its length in seconds, and why there is no Grad-CAM where there is none."""
    from labcore.explore.views import view_of, weights_view

    run = Run(Path(path))
    network = services.classifier(run)
    waveform = found.recording(network.sample_rate, LONGEST_SECONDS).whole().waveform
    seconds, view = len(waveform) / network.sample_rate, view_of("log-mel", waveform, network.config)
    try:
        return view, weights_view(_weights(run, network, waveform, label), network.config), seconds, ""
    except ConfigError as error:
        return view, None, seconds, str(error)


def _weights(run: Run, network: Classifier, waveform: np.ndarray, label: str) -> np.ndarray:
    """Grad-CAM, see there. A training may fill the GPU: it is then worked out on the CPU."""
    from labcore.inference.classifier import Classifier
    from labcore.inference.grad_cam import grad_cam

    try:
        return grad_cam(network, waveform, label)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
    return grad_cam(Classifier.load(run.path, device="cpu"), waveform, label)
