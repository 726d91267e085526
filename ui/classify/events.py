"""What occurs when in a long recording: its events on the Classify page, each of which jumps to its place and plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.batch.segments import (
    THRESHOLD,
    LabelTotal,
    Segment,
    Threshold,
    segments_of,
    summary_of,
    threshold_in_use,
    told_if_full,
)
from labcore.batch.tables import Band, csv_text, track_of
from labcore.inference.prediction import NONE_OF_THESE
from labcore.texts import moment, shown
from labcore.tracks import ENDINGS
from ui.app import shell
from ui.app.text import count, counted, label_name, label_names, percent, plain, sentence
from ui.components import section
from ui.components.section import SECTION_SECONDS
from ui.forms import url

if TYPE_CHECKING:
    from labcore.inference.prediction import Prediction
    from labcore.inference.thresholds import Thresholds
    from labcore.task.thresholds import LabelThresholds

ROWS = 50
"""Events that are listed at once."""


@dataclass(frozen=True)
class Chosen:
    """An event that was pressed, the stretch that is played, in seconds, and how many times one was pressed."""

    event: Segment
    start_s: float
    end_s: float
    presses: int


EVENTS_HELP = (
    "The recording is split into overlapping windows. Windows below this probability, and silent ones, are not events."
)
OF_WEIGHTS, FOR_ALL = "of the weights", "for all classes"


def threshold(kept: Thresholds | None, labels: LabelThresholds | None = None) -> Threshold:
    """The least probability of an event, as the visitor wants it; at first that of each class, where the weights have them on.

    Args:
        labels: those of a network of several labels a clip, whose labels are chosen by them too.
    """
    if labels is not None:
        return _of_labels(labels)
    if kept is None or not kept.on:
        return _for_all()
    told = f"The weights carry a threshold for each class, for {plain(kept.wanted)}."
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = shell.one_of(
            "Threshold", [OF_WEIGHTS, FOR_ALL], default=OF_WEIGHTS, key="event-threshold-of", help=told, bind=url.BOUND
        )
        if which == FOR_ALL:
            return _for_all()
    st.caption(told)
    return threshold_in_use(None, kept)


def _of_labels(labels: LabelThresholds) -> Threshold:
    """Those that were chosen for each label, or one for all; of weights without any one for all."""
    told = f"A clip may have several labels, or none; {labels.sentence}."
    if labels.values:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            which = shell.one_of(
                "Threshold",
                [OF_WEIGHTS, FOR_ALL],
                default=OF_WEIGHTS,
                key="label-threshold-of",
                help=told,
                bind=url.BOUND,
            )
        if which == OF_WEIGHTS:
            st.caption(told)
            return labels.values
    return _for_all(
        "Label threshold", "A clip, or a window of a long recording, has each label from this probability on."
    )


def _for_all(title: str = "Event threshold", help: str = EVENTS_HELP) -> float:
    return st.slider(
        title,
        0.0,
        1.0,
        THRESHOLD,
        step=0.05,
        format="percent",
        key="event-threshold",
        bind=url.BOUND,
        width=520,
        help=help,
    )


def events_of(answer: Prediction, least: Threshold) -> list[Segment]:
    """The events of a recording of several windows, by time; none of a clip of one window."""
    return segments_of(answer.told(), least) if len(answer.windows) > 1 else []


def headline(answer: Prediction, events: list[Segment], least: Threshold) -> None:
    """What occurs at all, in words."""
    known = [event for event in events if event.label != NONE_OF_THESE]
    refused = [event for event in events if event.label == NONE_OF_THESE]
    summary = summary_of(known)
    if not events:
        st.markdown(f"## Nothing above {percent(least, 0) if isinstance(least, float) else 'the thresholds'}")
    elif not known:
        st.markdown(f"## {NONE_OF_THESE}")
    elif len(summary) == 1:
        st.markdown(f"## {plain(label_name(summary[0].label))}")
    else:
        st.markdown(f"## {counted(len(known), 'event')} of {counted(len(summary), 'label')}")
    nearest = (
        f", most like {plain(label_name(answer.nearest))}" if answer.unknown else f", {percent(answer.probability)}"
    )
    called = label_name(answer.label if answer.labels is None else answer.nearest)
    mean = f"mean over {counted(len(answer.windows), 'window')}: {plain(called)}{nearest}"
    times = f"**{counted(len(known), 'event')}** in " if len(summary) == 1 else ""
    st.markdown(f"{times}{moment(answer.seconds)} of sound :gray[· {mean}]")
    if answer.labels is None and (full := told_if_full(events, answer.seconds, answer.probabilities)):
        st.markdown(f":orange[:material/warning:] {sentence(full)}")
    if refused:
        lasting = moment(sum(event.end_s - event.start_s for event in refused))
        st.markdown(
            f"None of these for **{lasting}** :gray[· not like the training clips, "
            f"{counted(len(refused), 'stretch', 'stretches')}]"
        )


def table(summary: list[LabelTotal]) -> None:
    """What occurs at all, a row a label, the one that lasts longest first; what is none of them comes last."""
    import pandas as pd

    names = label_names(each.label for each in summary)
    summary = sorted(summary, key=lambda each: each.label == NONE_OF_THESE)
    rows = [
        {
            "Label": names[each.label],
            "Events": each.count,
            "Total": moment(each.total_s),
            "Highest": None if each.label == NONE_OF_THESE else each.highest,
        }
        for each in summary
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=420 if len(rows) > 10 else "auto",
        column_config={
            "Total": st.column_config.TextColumn(help="Total duration of its events."),
            "Highest": st.column_config.NumberColumn(format="percent", help="Highest probability of a window."),
        },
        alt="Events by label",
        placeholder="–",
    )


def chosen(key: str) -> Chosen | None:
    """The event that plays, of the clip of that key."""
    found: Chosen | None = st.session_state.get(f"event-{key}")
    return found


def let_go(key: str) -> None:
    st.session_state.pop(f"event-{key}", None)


def press(key: str, event: Segment, answer: Prediction) -> None:
    """Choose an event: the section on view begins with it where it is not all of the recording.

    Its windows are played whole: the sound that they were sure of may lie where they overlap with others.
    """
    before = chosen(key)
    windows = [w for w in answer.windows if event.start_s <= (w.start_s + w.end_s) / 2 <= event.end_s]
    start_s = min((w.start_s for w in windows), default=event.start_s)
    end_s = min(max((w.end_s for w in windows), default=event.end_s), start_s + SECTION_SECONDS)
    st.session_state[f"event-{key}"] = Chosen(event, start_s, end_s, 1 + (before.presses if before else 0))
    section.jump(key, start_s, answer.seconds)


def listed(key: str, events: list[Segment], answer: Prediction) -> None:
    """The events by time, a row each; a press jumps there and plays it."""
    if not events:
        return
    summary = summary_of(events)
    only: list[str] = []
    if len(summary) > 1:
        counts, names = {each.label: each.count for each in summary}, label_names(each.label for each in summary)
        only = st.pills(
            "Events",
            list(counts),
            selection_mode="multi",
            format_func=lambda label: f"{plain(names[label])} · {count(counts[label])}",
            key=f"event-labels-{key}",
            help="Show only events with these labels. Empty: all.",
            wrap=True,
        )
    rows = [event for event in events if not only or event.label in only]
    rows = _page(key, rows)
    playing = chosen(key)
    with st.container(height=330 if len(rows) > 8 else "content", border=True, gap=None, key=f"events-{key}"):
        for event in rows:
            when = f"{moment(event.start_s)} – {moment(event.end_s)}"
            st.button(
                f"{plain(when)}  **{plain(label_name(event.label))}**  :gray[{_sure(event)}]",
                key=f"event-{key}-{event.start_s}-{event.label}",
                icon=":material/volume_up:" if playing and playing.event == event else ":material/play_arrow:",
                type="tertiary",
                on_click=press,
                args=(key, event, answer),
            )


def _sure(event: Segment) -> str:
    """The probability of an event; of what is none of the classes there is none."""
    return "" if event.label == NONE_OF_THESE else percent(event.probability)


def _page(key: str, rows: list[Segment]) -> list[Segment]:
    """Those of many events that are listed at once, with a choice of the others."""
    if len(rows) <= ROWS:
        return rows
    first = st.selectbox(
        "Events by time",
        range(0, len(rows), ROWS),
        format_func=lambda n: f"{n + 1} to {min(n + ROWS, len(rows))} of {len(rows)}, from {moment(rows[n].start_s)}",
        key=f"event-rows-{key}-{len(rows)}",
        label_visibility="collapsed",
    )
    return rows[first : first + ROWS]


def downloads(told: dict[str, Any], labels: list[str], least: Threshold, band: Band) -> None:
    """The events of one recording, for a spreadsheet, for Audacity and for Raven.

    Args:
        told: the answer as :func:`labcore.batch.predicting.predict_files` gives it.
        band: what the network hears, in Hz.
    """
    name = shown(told["file"])
    with st.container(horizontal=True):
        download(
            "Events as CSV", csv_text([told], labels, "segment", least), f"{Path(name).stem}.events.csv", "text/csv"
        )
        for title, format in (("Audacity labels", "audacity"), ("Raven table", "raven")):
            download(title, track_of(told, format, least, band), f"{Path(name).stem}{ENDINGS[format]}", "text/plain")


def download(what: str, data: str, file_name: str, mime: str) -> None:
    """A quiet button that hands a text over as a file."""
    shell.download(what, data, file_name, mime, type="tertiary", key=f"download-{file_name}")
