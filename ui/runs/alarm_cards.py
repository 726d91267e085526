"""The most probable false alarms, to see and hear: one that is a true target after all is excluded."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from labcore.alarms.background import Alarm
from labcore.alarms.choice import AlarmFigures, Choice
from labcore.alarms.job import AlarmTest, Exclusion
from labcore.datasets.rows import Row
from labcore.runs import Run
from labcore.texts import moment, shown
from ui.app import services, shell
from ui.app.text import clock_span, counted, label_name, percent, plain
from ui.charts.colours import colours
from ui.components import pager
from ui.components.sound_viewer import image_row, viewer
from ui.runs import clip_card

if TYPE_CHECKING:
    from labcore.explore.view import View

AT_ONCE = 5
LONGEST_SECONDS = 20.0
"""Of a longer alarm so much around its peak is drawn, played and excluded."""


def show(job: AlarmTest, run: Run, figures: AlarmFigures, choice: Choice) -> None:
    """The alarms, the most probable first, a few at a time, and what was excluded."""
    loudest, thresholds = figures.loudest(choice), choice.thresholds
    shell.heading(
        "Most probable alarms",
        help="All above 50 %, or above the thresholds where these are lower. A target that was overlooked is among the first: exclude it.",
    )
    if not loudest:
        st.caption("Nothing is more probable than 50 %, or reaches a threshold.")
    part = pager.part(len(loudest), AT_ONCE, key=f"alarms-page-{job.id}", what="alarms", word="page")
    for alarm in loudest[part]:
        with st.container(border=True), shell.errors_in_place():
            _card(job, run, alarm, figures, reported=alarm.highest >= thresholds[alarm.label])
    _excluded(job)


def _card(job: AlarmTest, run: Run, alarm: Alarm, figures: AlarmFigures, *, reported: bool) -> None:
    key = f"{job.id}-{figures.background.files.index(alarm.file)}-{round(1000 * alarm.start_s)}"
    row = _stretch(alarm, figures)
    badge = ":orange-badge[reported]" if reported else ":gray-badge[below its threshold]"
    with st.container(horizontal=True, vertical_alignment="center"):
        place = f"{Path(alarm.file).name} · {moment(alarm.start_s)} – {moment(alarm.end_s)}"
        st.markdown(
            f"**{plain(label_name(alarm.label))}** {percent(alarm.highest)} :gray[· {plain(place)}] {badge}",
            help=plain(alarm.file),
        )
        shell.action_button(
            "Exclude", partial(_exclude, job, row), key=f"alarms-exclude-{key}", type="tertiary",
            icon=":material/block:", help="It is a target: leave the stretch out of alarms and hours.",
        )  # fmt: skip
    assert row.end_s is not None
    clip_card.sound(row, f"alarms-{key}")
    low, high = (view := _log_mel(str(run.path), row)).colour_range()
    viewer(
        [image_row(view, "Log-mel", colours(), axis="bands", height=110, low=low, high=high)],
        key=f"alarms-seen-{key}", of=key, start_s=row.start_s, end_s=row.end_s, player=f"play-alarms-{key}",
        played_from=row.start_s, selection=(max(alarm.start_s, row.start_s), min(alarm.end_s, row.end_s)),
        hint=f"{clock_span(row.start_s, row.end_s, 1)} of the recording · the alarm is marked",
        alt=f"Log-mel of {shown(Path(alarm.file).name)} from {moment(row.start_s)}",
    )  # fmt: skip


def _stretch(alarm: Alarm, figures: AlarmFigures) -> Row:
    """An alarm and half a window on either side, since its windows reach beyond it; of a long one what lies around its peak."""
    half, seconds = (
        figures.listening.clip_seconds / 2,
        figures.background.seconds[figures.background.files.index(alarm.file)],
    )
    start_s, end_s = alarm.start_s - half, alarm.end_s + half
    if end_s - start_s > LONGEST_SECONDS:
        start_s = min(max(start_s, alarm.peak_s - LONGEST_SECONDS / 2), end_s - LONGEST_SECONDS)
        end_s = start_s + LONGEST_SECONDS
    return Row(alarm.file, alarm.label, max(0.0, start_s), min(end_s, float(seconds)))


def _exclude(job: AlarmTest, stretch: Row) -> None:
    assert stretch.end_s is not None
    by = services.visitor_name()
    job.exclude(Exclusion(file=stretch.path, start_s=stretch.start_s, end_s=stretch.end_s, by=by))


def _excluded(job: AlarmTest) -> None:
    if not (exclusions := job.exclusions):
        return
    with st.expander(f"{counted(len(exclusions), 'stretch', 'stretches')} excluded", icon=":material/block:"):
        for number, each in enumerate(exclusions):
            with st.container(horizontal=True, vertical_alignment="center"):
                span = f"{moment(each.start_s)} – {moment(each.end_s)}"
                st.markdown(f"{plain(Path(each.file).name)} · {plain(span)}", width="content")
                shell.action_button(
                    "Take back", partial(job.include, number), key=f"alarms-include-{job.id}-{number}", type="tertiary",
                    icon=":material/undo:",
                )  # fmt: skip


@st.cache_data(max_entries=40, show_spinner=False)
def _log_mel(path: str, row: Row) -> View:
    from labcore.explore.views import view_of

    network = services.classifier(Run(Path(path)))
    waveform = row.recording(network.sample_rate).whole().waveform
    return view_of("log-mel", waveform, network.config, start_s=row.start_s)
