"""One clip of a data set: to hear, with its log-mel, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

from labcore.audio.comments import comments_of
from labcore.datasets.rows import Row
from labcore.explore.clips.table import row_at
from labcore.texts import shown
from ui.app.shell import errors_in_place
from ui.app.text import decibels, plain
from ui.charts.colours import colours, dark
from ui.components.clip_player import log_mel, sound
from ui.components.facts_row import facts_row
from ui.components.sound_viewer import image_row, viewer
from ui.datasets.filters import LEFT_OUT, names_of
from ui.datasets.opened import Opened

EMPTY: Mapping[str, str] = MappingProxyType({})


def show(opened: Opened, number: int, *, plays: bool) -> None:
    """A clip by its number in the data set. ``plays``: it begins to play."""
    with st.container(border=True, key="look-card"):
        clip_in(opened, number, f"look-{number}", plays=plays)


def clip_in(
    opened: Opened, number: int, key: str, *, plays: bool = False, silent: bool = False, more: Mapping[str, str] = EMPTY
) -> None:
    """The same in a place of the caller's.

    Args:
        key: of the widgets.
        silent: without its sound and log-mel, as of one that cannot be read.
        more: further facts, which come first.
    """
    clip, row = opened.frame.loc[number], row_at(opened.frame, number)
    with st.container(gap="small"):
        names = names_of(opened)
        own = str(clip["own_label"])
        mark = f" :orange-badge[corrected, was {plain(names.get(own, own))}]" if clip["corrected"] else ""
        mark = f" :orange-badge[left out, was {plain(names.get(own, own))}]" if clip["left_out"] else mark
        label = names.get(str(clip["label"]), shown(clip["label"])) if clip["label"] else LEFT_OUT
        st.markdown(f"**{plain(label)}**{mark}  \n:small[:gray[{plain(clip['clip'])}]]")
        if not silent:
            with errors_in_place():
                sound(row, key, plays=plays)
                _log_mel(row, key)
        facts_row({**more, **_facts(clip), **_recorded(str(clip["path"]))})


def _facts(clip) -> dict[str, str]:
    facts = {"Fold": clip["fold"], "Recording": clip["group"]}
    if clip["start_s"] or clip["end_s"] >= 0:
        facts["From"] = f"{clip['start_s']:g} s"
    if clip["channel"]:
        facts["Plays"] = f"{channel_name(clip['channel'])} channel"
    if clip["seconds"] == clip["seconds"]:
        facts["Length"] = f"{clip['seconds']:.2f} s"
    if clip["rate"]:
        facts["Rate"] = f"{clip['rate'] / 1000:g} kHz"
        facts["Channels"] = {1: "mono", 2: "stereo"}.get(clip["channels"], str(clip["channels"]))
        facts["Level"], facts["Peak"] = decibels(clip["level_db"]), decibels(clip["peak_db"])
    return facts


def channel_name(number: int) -> str:
    """A channel that is counted from 1, before the word itself: ``left``, ``right``, ``third``."""
    return {1: "left", 2: "right"}.get(number, f"{number}.")


def _recorded(path: str) -> dict[str, str]:
    """What the recorder wrote into the file, where it did."""
    told = comments_of(path)
    titles = {"time": "Recorded", "recorder": "Recorder", "place": "Place", "temperature": "Temperature (°C)"}
    return {title: told[name] for name, title in titles.items() if name in told}


def _log_mel(row: Row, key: str) -> None:
    view, seconds = log_mel(row)
    low, high = view.colour_range()
    viewer(
        [image_row(view, "Log-mel", colours(), axis="bands", low=low, high=high, height=150)],
        key=f"seen-{key}", of=row.key, start_s=0.0, end_s=seconds, player=f"play-{key}",
        hint=f"Point to read values · {'lighter' if dark() else 'brighter'} is louder", alt=f"Log-mel of {row.name}",
    )  # fmt: skip
