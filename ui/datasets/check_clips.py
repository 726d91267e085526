"""The clips of a finding, a few at a time: seen, heard and chosen; those that belong together stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.remedies import ClipAt
from labcore.texts import shown
from ui.app.shell import place
from ui.app.text import count, counted, plain
from ui.components import pager
from ui.datasets import clip_card
from ui.datasets.opened import Opened

if TYPE_CHECKING:
    from labcore.datasets.table import Finding

ACROSS, AT_ONCE, SETS = 3, 6, 2
"""So many clips side by side, on a page, and sets of clips that belong together on a page."""
FILES = 50
OfASet = Callable[[int, ClipAt, tuple[ClipAt, ...]], None]
"""Draws what can be done with one clip of a set, by its number in the data set."""


def chosen(finding: Finding, key: str) -> set[ClipAt]:
    """The clips of a finding that the visitor has chosen."""
    return _kept(key) & set(finding.clips)


def forget(key: str) -> None:
    """None is chosen any more."""
    _kept(key).clear()


def _kept(key: str) -> set[ClipAt]:
    kept: set[ClipAt] = st.session_state.setdefault(f"{key}-chosen", set())
    return kept


def show(there: Opened, finding: Finding, key: str, of_a_set: OfASet) -> None:
    """The clips of a finding, paged; then the files of a list that are not there, of which there are no clips."""
    numbers, details = _numbers(there.version, there), dict(zip(finding.clips, finding.details, strict=False))

    def card(clip: ClipAt, same: tuple[ClipAt, ...]) -> None:
        if clip in numbers:
            number = numbers[clip]
            _card(there, number, clip, f"{key}-{number}", key, details.get(clip, ""), finding.kind == "unreadable")
            of_a_set(number, clip, same)

    if len(finding.clips) > 1 and finding.remedies:
        st.caption("Choose clips to change these alone.")
    if finding.sets:
        part = pager.part(len(finding.sets), SETS, key=f"{key}-page", what="sets")
        for number, same in list(enumerate(finding.sets))[part]:
            inner = pager.part(len(same), ACROSS, key=f"{key}-page-{number}", what="clips that belong together")
            _line(same[inner], lambda clip, same=same: card(clip, same), min(ACROSS, max(2, len(same))))
    else:
        there_now = finding.clips[pager.part(len(finding.clips), AT_ONCE, key=f"{key}-page", what="clips")]
        for first in range(0, len(there_now), ACROSS):
            _line(there_now[first : first + ACROSS], lambda clip: card(clip, ()), ACROSS)
    _files(finding)


def _line(clips: Sequence[ClipAt], card: Callable[[ClipAt], None], columns: int) -> None:
    for column, clip in zip(st.columns(columns, gap="small"), clips, strict=False):
        with column, st.container(border=True):
            card(clip)


def _card(there: Opened, number: int, clip: ClipAt, key: str, of: str, detail: str, unreadable: bool) -> None:
    def tick() -> None:
        (_kept(of).add if st.session_state[f"{key}-tick"] else _kept(of).discard)(clip)

    st.checkbox("Choose", value=clip in _kept(of), key=f"{key}-tick", on_change=tick)
    clip_card.clip_in(there, number, key, silent=unreadable, more={"Found": detail} if detail else {})


def many(finding: Finding) -> str:
    """How many clips and other files it is about; "" for none."""
    files = _other_files(finding)
    told = counted(len(finding.clips), "clip") if finding.clips else "", counted(len(files), "file") if files else ""
    return ", ".join(filter(None, told))


def _other_files(finding: Finding) -> list[str]:
    """Those without a clip: a list names them in vain."""
    clips = {clip.path for clip in finding.clips}
    return [path for path in finding.files if path not in clips]


def _files(finding: Finding) -> None:
    files = _other_files(finding)
    if not files:
        return
    st.caption(f"{counted(len(files), 'file')} {'has' if len(files) == 1 else 'have'} no clip in the data set:")
    for path in files[:FILES]:
        st.markdown(f":small[{plain(shown(place(path)))}]")
    if len(files) > FILES:
        st.caption(f"and {count(len(files) - FILES)} more")


@st.cache_resource(max_entries=4, show_spinner=False)
def _numbers(version: str, _there: Opened) -> dict[ClipAt, int]:
    columns = zip(_there.frame["path"], _there.frame["start_s"], strict=True)
    return {ClipAt(str(path), float(start)): number for number, (path, start) in enumerate(columns)}
