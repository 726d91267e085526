"""Mistakes of several labels a clip, to be heard: of each label the clips that it was missed in, and that it was said of wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from labcore.datasets.cells import labels_of
from labcore.evaluation.label_predictions import KINDS, LabelPredictions
from labcore.runs import Run
from labcore.texts import shown
from ui.app.shell import errors_in_place, one_of
from ui.app.text import label_names, percent, plain
from ui.components import pager
from ui.components.clip_player import sound
from ui.forms import url
from ui.runs import held_out_clips
from ui.runs.evaluation import file_stamp

AT_ONCE = 5
MOST_LABELS = 4
MISSED = KINDS[0]
HINT = "missed: clips that have the label and were not said to have it. false alarms: the reverse."


def show(runs: Sequence[Run], key: str) -> None:
    """The mistakes of runs that are the folds of one, or of a single one."""
    there = [run for run in runs if run.predictions.is_file()]
    files = tuple(str(run.predictions) for run in there)
    predictions = _read(files, tuple(file_stamp(Path(file)) for file in files))
    _view(predictions, there[0], key)


@st.cache_resource(max_entries=4, show_spinner="Reading the predictions …")
def _read(files: tuple[str, ...], changed: tuple[int, ...]) -> LabelPredictions:
    return LabelPredictions.read(map(Path, files))


@st.fragment
def _view(predictions: LabelPredictions, run: Run, key: str) -> None:
    with errors_in_place():
        names = label_names(predictions.labels)
        every = (predictions.wrong[kind].sum(0).tolist() for kind in KINDS)
        counts = dict(zip(predictions.labels, zip(*every, strict=True), strict=True))
        _table(predictions, counts, names)
        order = sorted(counts, key=lambda label: -sum(counts[label]))
        url.take("label", f"label-mistakes-{key}", order, order[0])
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox(
                "Label", order, key=f"label-mistakes-{key}", width=320,
                format_func=lambda each: f"{names[each]} · {counts[each][0]} missed, {counts[each][1]} false",
            )  # fmt: skip
            kind = one_of("Mistakes", KINDS, default=MISSED, key="mistakes", help=HINT, bind=url.BOUND)
        url.tell("label", label if label != order[0] else "")
        rows = predictions.mistakes(label, kind)
        if not len(rows):
            st.markdown(f"**No {kind} of {plain(names[label])}.**")
            return
        part = pager.part(
            len(rows), AT_ONCE, key=f"label-mistakes-page-{key}-{label}-{kind}", what="clips", word="page"
        )
        for row in rows[part].tolist():
            _card(predictions, run, row, label, names, f"{key}-{label}-{kind}-{row}")


def _table(predictions: LabelPredictions, counts: dict[str, tuple[int, int]], names: dict[str, str]) -> None:
    there = (predictions.targets == 1).sum(0)
    frame = pd.DataFrame(
        [
            {
                "Label": names[label],
                "Clips": int(there[number]),
                "Missed": counts[label][0],
                "False alarms": counts[label][1],
            }
            for number, label in enumerate(predictions.labels)
        ]
    ).sort_values(["Missed", "False alarms"], ascending=False)
    st.dataframe(frame, hide_index=True, height="content" if len(frame) <= 12 else 420, alt="Mistakes per label")


def _card(predictions: LabelPredictions, run: Run, row: int, label: str, names: dict[str, str], key: str) -> None:
    clip = predictions.frame.iloc[row]
    own = labels_of(str(clip["label"]))
    predicted = [each for each, there in zip(predictions.labels, predictions.decided[row], strict=True) if there]
    with st.container(border=True, key=f"label-card-{key}"):
        start = f" from {clip['start_s']:g} s" if clip["start_s"] else ""
        st.markdown(
            f"labelled **{_named(own, names)}**, predicted **{_named(predicted, names)}** "
            f":gray[· {plain(shown(clip['clip']))}{start} · fold {plain(clip['fold'])}]"
        )
        left, right = st.columns([3, 2], gap="medium")
        with left, errors_in_place():
            found = held_out_clips.find(run, predictions.frame, row)
            if found.moved:
                st.caption(f"It lies at {plain(found.moved)} now.")
            sound(found.row, key)
        with right:
            shares = predictions.probabilities[row]
            top = np.argsort(-shares, kind="stable")[:MOST_LABELS].tolist()
            for number in dict.fromkeys([predictions.labels.index(label), *top]):
                each = predictions.labels[number]
                mark = " :gray[(label)]" if each in own else ""
                limit = percent(float(predictions.limits[row, number]), 0)
                text = f"{plain(names[each])}{mark} {percent(float(shares[number]))} :gray[of {limit}]"
                st.progress(float(shares[number]), text=text)


def _named(labels: Sequence[str], names: dict[str, str]) -> str:
    return plain(", ".join(names.get(label, label) for label in labels)) or "no label"
