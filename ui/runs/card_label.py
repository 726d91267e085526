"""The label of one clip, corrected beside what a network says of it: the decision is noted as one that was not blind."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.evaluation.review import clips_of
from ui.app.shell import action_button, errors_in_place
from ui.app.text import label_names
from ui.datasets import summary
from ui.runs import correct_card
from ui.runs.correct_state import Sitting, known_clips
from ui.runs.held_out_clips import HeldOutClips

NONE = "None of the classes"
ABOUT = "The data set's files stay as they are. You have seen what the network predicted: the decision is noted as not blind."


def show(clips: HeldOutClips, row: int) -> None:
    """A button that opens the choice. The data set is read once somebody opens it."""
    key = f"card-label-{clips.key}-{row}"
    decided = bool(st.session_state.get(f"{key}-history"))
    label, icon = ("Label decided", "check") if decided else ("Correct label", "edit")
    with st.popover(label, icon=f":material/{icon}:", type="tertiary", key=f"{key}-menu", on_change="rerun"):
        if st.session_state.get(f"{key}-menu"):
            with errors_in_place():
                _choice(clips, row, key)


def _choice(clips: HeldOutClips, row: int, key: str) -> None:
    run, (clip,) = clips.run(row), clips_of(clips.predictions, [row])
    known = known_clips(run.config.data.dataset, summary.cut_by(run.config))
    sitting = Sitting(known, [clip], key, f"run {run.id}: a mistake", blind=False)
    if not sitting.there:
        st.info("The data set no longer has this clip.", icon=":material/info:")
        return
    if sitting.own(clip):
        st.markdown(correct_card.told(sitting, clip))
        action_button("Undo", partial(sitting.withdraw, clip), key=f"{key}-undo", icon=":material/undo:")
        return
    names = label_names(known.labels)
    options = [*known.labels, NONE]  # a class of that name would come first
    at = st.selectbox(
        "Label", range(len(options)), index=None, key=f"{key}-label", placeholder="What is it?", help=ABOUT,
        format_func=lambda at: names.get(options[at], options[at]),
    )  # fmt: skip
    if at is not None and at < len(known.labels):
        act = partial(sitting.decide, clip, "other", known.labels[at])
    else:
        act = partial(sitting.decide, clip, "wrong")
    action_button("Save", act, key=f"{key}-save", type="primary", disabled=at is None)
