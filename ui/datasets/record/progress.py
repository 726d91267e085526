"""What is there against what is wanted, how takes become clips, and the way to the training."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.datasets.takes.ledger import MOST_CUT, Ledger, counts
from labcore.datasets.takes.listing import WANTED_CLIPS, clip_counts, folds_sentence, lacking, trainable
from labcore.datasets.takes.recorded import RecordedSet
from ui.app.shell import callback, controlled, heading, tell_trouble
from ui.app.text import counted, label_names, plain, sentence

TOLD = 3
CUT = "A longer take becomes clips of this length, which stay in one fold. 0 keeps every take as one clip."
TRIM = "A clip begins and ends with the sound in its take. The takes stay as they are."


def show(recorded: RecordedSet, ledger: Ledger) -> None:
    """The classes with their takes, and the rest."""
    heading("What is there")
    _classes(ledger)
    _train(recorded, ledger)
    _clips(recorded, ledger)


def _classes(ledger: Ledger) -> None:
    names, takes, clips = label_names(ledger.classes), counts(ledger), clip_counts(ledger)
    for label, name in names.items():
        there = counted(takes[label], "take")
        if clips[label] != takes[label]:
            there += f", {counted(clips[label], 'clip')}"
        short = clips[label] < WANTED_CLIPS
        wanted = f" of {WANTED_CLIPS} wanted" if short and clips[label] == takes[label] else ""
        st.progress(min(1.0, clips[label] / WANTED_CLIPS), text=f"**{plain(name)}** · {there}{wanted}")


def _train(recorded: RecordedSet, ledger: Ledger) -> None:
    if trainable(ledger):
        st.page_link(
            "pages/train.py", label="Train", icon=":material/model_training:", query_params={"data.dataset": recorded.name}
        )  # fmt: skip
        st.caption(plain(sentence(folds_sentence(ledger))))
    if missing := lacking(ledger):
        more = f" and {len(missing) - TOLD} more" if len(missing) > TOLD else ""
        wanted = "Still to record" if trainable(ledger) else "Needed before training"
        st.caption(f"{wanted}: {', '.join(map(plain, missing[:TOLD]))}{more}.")


def _clips(recorded: RecordedSet, ledger: Ledger) -> None:
    key = f"record-{recorded.name}"
    with st.expander("How takes become clips", icon=":material/content_cut:"):
        cut, trim = f"{key}-cut", f"{key}-trim"
        st.number_input(
            "Cut takes into clips of (s)", 0.0, MOST_CUT, float(ledger.cut_s), step=0.5, format="%g", help=CUT,
            **controlled(cut, ledger.cut_s, lambda seconds: callback(partial(recorded.cut, seconds), cut)()),
        )  # fmt: skip
        tell_trouble(cut)
        st.toggle(
            "Leave out silence at both ends", ledger.trim, help=TRIM,
            **controlled(trim, ledger.trim, lambda wanted: callback(partial(recorded.trim, wanted), trim)()),
        )  # fmt: skip
        tell_trouble(trim)
