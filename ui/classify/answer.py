"""What the classifier says of one clip: the answer, its probabilities, and what was heard; of a long recording what occurs when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from labcore.audio import encode_wav
from labcore.batch.segments import Segment, Threshold, labels_at, summary_of, threshold_of
from labcore.datasets.cells import labels_of
from labcore.inference.prediction import NONE_OF_THESE
from labcore.runs import Run
from labcore.texts import moment, shown
from ui.app import services
from ui.app.shell import errors_in_place
from ui.app.text import clock_span, counted, duration, label_name, label_names, percent, plain, sentence
from ui.charts import bars
from ui.charts.colours import colours, dark, shares
from ui.classify import events as clip_events
from ui.classify.predicting import PredictedClip
from ui.components import section
from ui.components.clip import Clip
from ui.components.section import SECTION_SECONDS
from ui.components.sound_viewer import Row, image_row, viewer, wave_row

if TYPE_CHECKING:
    from labcore.config import RunConfig
    from labcore.inference.prediction import Prediction

PLAYER = "classify-player"
HINT = "Point to read values · click to set the player"


def show(run: Run, predicted: PredictedClip, least: Threshold) -> None:
    """One clip.

    Args:
        least: the least probability of an event.
    """
    if predicted.answer is None:
        return
    answer, clip = predicted.answer, predicted.clip
    events = clip_events.events_of(answer, least)
    left, right = st.columns([2, 3], gap="large")
    with left:
        with st.container(border=True):
            _headline(clip, answer, events, least)
        if events:
            clip_events.table(summary_of(events))
        else:
            limits = (
                {label: threshold_of(least, label) for label in answer.probabilities}
                if answer.labels is not None
                else {}
            )
            bars.probabilities(answer.probabilities, key=f"bars-{run.id}-{clip.key}", limits=limits)
    with right:
        _listen(run, predicted, events, least)


def _headline(clip: Clip, answer: Prediction, events: list[Segment], least: Threshold) -> None:
    st.caption(f"Prediction for {plain(clip.name)}")
    if len(answer.windows) > 1:
        clip_events.headline(answer, events, least)
    else:
        length = f"{answer.seconds:.1f} s" if answer.seconds < 60 else duration(answer.seconds)
        named = [] if answer.unknown else labels_at(answer.probabilities, least)
        called = label_name(answer.label)
        if answer.labels is not None and not answer.unknown:
            called = ", ".join(map(label_name, named)) or "No label"
        st.markdown(f"## {plain(called)}")
        if answer.labels is not None and not answer.unknown:
            st.markdown(f"{counted(len(named), 'label')} at or above the threshold :gray[· {length} of sound]")
        elif answer.unknown:
            st.markdown(f"{why_unknown(clip, answer)} :gray[· {length} of sound]")
        else:
            st.markdown(f"Probability **{percent(answer.probability)}** :gray[· {length} of sound]")
    if clip.truth:
        told = clip.truth if answer.labels is None else ", ".join(labels_of(clip.truth)) or "no label"
        right = clip.truth == answer.label
        if answer.labels is not None:
            right = set(labels_of(clip.truth)) == set(labels_at(answer.probabilities, least))
        face = "green-badge[:material/check:" if right else "red-badge[:material/close:"
        st.markdown(f":{face} labelled {plain(label_name(told))}]")
    for note in answer.notes:
        st.markdown(f":orange[:material/warning:] {plain(sentence(note))}")


def why_unknown(clip: Clip, answer: Prediction) -> str:
    """Why a clip of one window is none of the classes, in Markdown."""
    if not clip.waveform(0.0, None)[0].any():
        return "Digital silence: there is nothing to hear"
    nearest = f"**{plain(label_name(answer.nearest))}** with {percent(answer.probability)}"
    return f"Not like the training clips. Forced to choose, the network would say {nearest}"


@st.fragment
def _listen(run: Run, predicted: PredictedClip, events: list[Segment], least: Threshold) -> None:
    """The events of a recording, and playback and pictures, which follow a press on one of them."""
    answer, clip = predicted.answer, predicted.clip
    assert answer is not None
    with errors_in_place():
        if answer.seconds > SECTION_SECONDS and len(answer.windows) > 1:
            _whole(clip, answer)
        clip_events.listed(clip.key, events, answer)
        if events:
            classifier = services.classifier(run)
            clip_events.downloads(predicted.told(), classifier.labels, least, classifier.band)
        _section(run, clip, answer)


def _whole(clip: Clip, answer: Prediction) -> None:
    """Probabilities over the whole recording; the section that is drawn below is marked."""
    start = section.start_of(clip.key)
    shown_below = (start, min(start + SECTION_SECONDS, answer.seconds))
    viewer(
        [_probabilities(answer, 0.0, answer.seconds, "Probability over time")],
        key="classify-whole", of=clip.key, start_s=0.0, end_s=answer.seconds, selection=shown_below,
        hint=f"{_scale()} · shown below: {clock_span(*shown_below, 0)}", alt="Probability over time",
    )  # fmt: skip


def _probabilities(answer: Prediction, start_s: float, end_s: float, title: str) -> Row:
    from labcore.explore.view import probabilities_view

    view, labels = probabilities_view(answer.windows, start_s, end_s)
    names = label_names([*answer.probabilities, NONE_OF_THESE])
    tall = 24 * len(labels)
    return image_row(view, title, shares(), axis="names", names=[names[label] for label in labels], height=tall)


def _scale() -> str:
    return f"Probability: {'lighter' if dark() else 'darker'} is higher"


def _section(run: Run, clip: Clip, answer: Prediction) -> None:
    """Playback and pictures of a clip, or of a section of a long recording."""
    start, end = section.choose(answer.seconds, clip.key, on_change=clip_events.let_go, args=(clip.key,))
    samples, rate = clip.waveform(start, end)
    chosen, seconds = clip_events.chosen(clip.key), len(samples) / rate
    with st.container(key=PLAYER):
        _player(clip, samples, rate, chosen)
    network = services.classifier(run)
    config, waveform = network.config, clip.waveform(start, end, network.sample_rate)[0]
    viewer(
        _rows(answer, samples, rate, waveform, config, start),
        key="classify-pictures",
        of=f"{clip.key}-{start:g}",
        start_s=start,
        end_s=start + seconds,
        selection=(chosen.event.start_s, min(chosen.event.end_s, start + seconds)) if chosen else None,
        player=PLAYER,
        played_from=chosen.start_s if chosen else start,
        hint=HINT,
        alt="Waveform and log-mel spectrogram" + (" with probabilities over time" if len(answer.windows) > 1 else ""),
    )
    st.caption(
        f"The log-mel spectrogram that the network is given: {config.features.n_mels} bands, "
        f"{network.sample_rate / 1000:g} kHz, windows of {network.clip_seconds:.3g} s."
    )


def _rows(
    answer: Prediction, samples: np.ndarray, rate: int, waveform: np.ndarray, config: RunConfig, start: float
) -> list[Row]:
    """Waveform, log-mel and, of several windows, what is said of them; on one time axis."""
    from labcore.explore.views import view_of, waveform_view

    log_mel = view_of("log-mel", waveform, config, start_s=start)
    low, high = log_mel.colour_range()
    rows = [
        wave_row(waveform_view(samples, rate, start_s=start), "Waveform"),
        image_row(
            log_mel, "Log-mel · network input, before normalisation", colours(), axis="bands", low=low, high=high
        ),
    ]
    if len(answer.windows) > 1:
        rows.append(_probabilities(answer, start, start + len(samples) / rate, f"{_scale()}; each window at its width"))
    return rows


def _player(clip: Clip, samples: np.ndarray, rate: int, chosen: clip_events.Chosen | None) -> None:
    """The section on view to play; where an event was pressed that alone, at once, its first part where it is long."""
    name = shown(clip.name)
    if chosen is None:
        st.audio(encode_wav(samples, rate), format="audio/wav", alt=f"Playback of {name}")
        return
    event, start, end = chosen.event, chosen.start_s, chosen.end_s
    stretch, rate = clip.waveform(start, end)
    cut = f", the first {SECTION_SECONDS:.0f} s" if end < event.end_s else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Playing **{plain(label_name(event.label))}** :gray[{moment(start)} – {moment(end)}{cut}]")
        st.button("Section", icon=":material/close:", type="tertiary", key=f"event-close-{clip.key}",
                  on_click=clip_events.let_go, args=(clip.key,), help="Play the section again")  # fmt: skip
    # another text makes it another player, so that a second press plays again
    alt = f"Playback of {name}, {event.label}, {moment(start)} to {moment(end)}, press {chosen.presses}"
    st.audio(encode_wav(stretch, rate), format="audio/wav", alt=shown(alt), autoplay=True)
