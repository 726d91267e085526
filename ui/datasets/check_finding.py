"""One finding of the check: what it is and why it matters, its clips, and what can be done about them with a press."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.checks.kinds import kind_of
from labcore.datasets.mending import mend
from labcore.datasets.remedies import ClipAt, Remedy
from ui.app import services
from ui.app.shell import action_button, callback, errors_in_place
from ui.app.text import count, plain, sentence
from ui.datasets import check_clips, summary
from ui.datasets.clip_card import channel_name
from ui.datasets.opened import Opened

if TYPE_CHECKING:
    from labcore.datasets.table import Finding

BUTTONS = 4
"""More remedies are chosen from a list."""
CHANGED = "check-changed"
"""In the session while the page is to be drawn anew, since a finding was mended."""
TROUBLE = "check"
"""Under which :func:`ui.app.shell.tell_trouble` tells what went wrong with that."""
KEPT = ("duplicates", "near duplicates", "copies", "near copies")
"""Kinds of findings of which one clip of each set is kept."""
ICONS = {"exclude": ":material/block:", "channel": ":material/hearing:"}


@st.fragment
def show(there: Opened, finding: Finding, cut: str, *, grave: bool) -> None:
    """A finding with its clips and remedies.

    Args:
        cut: how clips are cut by annotations, see :func:`ui.datasets.summary.cut_by`.
        grave: it makes figures wrong.
    """
    if st.session_state.pop(CHANGED, False):  # other findings, and the clips themselves, are others by now
        st.rerun(scope="app")
    mark = ":red[:material/error:]" if grave else ":orange[:material/warning:]"
    mark = mark if finding.level == "warning" else ":gray[:material/info:]"
    with st.container(border=True, key=f"check-{finding.id}"), errors_in_place():
        st.markdown(f"{mark} **{plain(sentence(finding.what))}**")
        told = " ".join(filter(None, [kind_of(finding).why, sentence(finding.remedy)]))
        st.markdown(f":small[:gray[{plain(told)}]]")
        key = f"check-{there.dataset.name}-{finding.id}"
        chosen = check_clips.chosen(finding, key)
        press = partial(_mend, there, finding, cut, key)
        if many := check_clips.many(finding):
            with st.expander(many, key=f"{key}-open", on_change="rerun") as fold:
                if fold.open:
                    check_clips.show(there, finding, key, partial(_of_a_set, there, finding, press, key))
        _remedies(finding, chosen, press, key)


def _mend(
    there: Opened, finding: Finding, cut: str, key: str, remedy: Remedy, clips: Collection[ClipAt] | None = None
) -> None:
    """Do it, unless the finding is another one by now: what the visitor saw is what changes. Its button may be gone when the page is
    drawn anew, so that what goes wrong is told above all findings."""
    st.session_state[CHANGED] = True
    change = partial(
        mend, services.workspace(), there.dataset.name, finding.id, remedy.name, who=services.visitor_name(), clips=clips,
        data=summary.cutting(cut), seen=finding,
    )  # fmt: skip
    callback(change, TROUBLE)()
    check_clips.forget(key)


def _remedies(finding: Finding, chosen: set[ClipAt], press, key: str) -> None:
    """The buttons: for all clips, or for those that are chosen."""
    offered = _for_chosen(finding, chosen) if chosen else {each.name: each for each in finding.remedies}
    if not offered:
        return
    labels = {name: _title(each, chosen) for name, each in offered.items()}
    if len(offered) <= BUTTONS:
        with st.container(horizontal=True, gap="small"):
            for name, remedy in offered.items():
                looks = {"icon": ICONS.get(remedy.action, ":material/label:")}
                action_button(labels[name], partial(press, remedy, chosen or None), key=f"{key}-{name}", **looks)
            if chosen:
                action_button("Choose none", partial(check_clips.forget, key), key=f"{key}-none", type="tertiary")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("What to do", list(offered), format_func=labels.__getitem__, key=f"{key}-what", width=420)
        action_button("Do it", partial(press, offered[name], chosen or None), key=f"{key}-do", icon=":material/check:")


def _for_chosen(finding: Finding, chosen: set[ClipAt]) -> dict[str, Remedy]:
    """What can be done about the chosen clips; leaving out is one thing, whichever copy or class they are of."""
    found: dict[str, Remedy] = {}
    for remedy in finding.remedies:
        if remedy.action == "exclude":
            found.setdefault("exclude", remedy)
        elif chosen & set(remedy.clips):
            found[remedy.name] = remedy
    return found


def _title(remedy: Remedy, chosen: set[ClipAt]) -> str:
    """What stands on its button."""
    if not chosen:
        return f"{plain(remedy.title)} ({count(len(remedy.clips))})"
    many = count(len(chosen if remedy.action == "exclude" else chosen & set(remedy.clips)))
    if remedy.action == "exclude":
        return f"Exclude the {many} chosen"
    if remedy.action == "channel":
        return f"Take the {channel_name(remedy.channel)} channel of the {many} chosen"
    return f"Label the {many} chosen {plain(remedy.label)}"


def _of_a_set(
    there: Opened, finding: Finding, press, key: str, number: int, clip: ClipAt, same: tuple[ClipAt, ...]
) -> None:
    """A button at one of several clips that hold one sound: it stays and the others go, or its label is that of all."""
    others, at = [other for other in same if other != clip], f"{key}-{number}"
    if finding.kind in KEPT and others:
        action_button(
            "Keep only this", partial(press, finding.remedies[0], others), key=f"{at}-keep", type="tertiary",
            icon=":material/check:",
        )  # fmt: skip
    elif finding.kind == "mislabelled":
        label = there.frame["label"].iat[number]
        for remedy in finding.remedies:
            wrong = [other for other in others if other in remedy.clips]
            if remedy.label == label and wrong:
                action_button(
                    "This label is right", partial(press, remedy, wrong), key=f"{at}-right", type="tertiary",
                    icon=":material/check:",
                )  # fmt: skip
