"""The Classify page: choose a run, give it clips, see and hear what it makes of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.batch.segments import THRESHOLD, Threshold, labels_at, summary_of, with_labels
from labcore.batch.tables import csv_text
from labcore.errors import LabError
from labcore.inference.prediction import NONE_OF_THESE
from labcore.runs import Run
from labcore.texts import shown
from ui.app import live, services, shell
from ui.app.text import counted, label_name, label_names
from ui.classify import answer, predicting
from ui.classify import events as clip_events
from ui.classify.predicting import PredictedClip
from ui.components import clip_table, held_out, source_picker
from ui.components.clip import Clip
from ui.components.model_picker import Networks, about_builtin, is_builtin
from ui.forms import url

if TYPE_CHECKING:
    import pandas as pd

MOST_ERRORS = 5
"""So many errors are told one by one; the table lists all."""


def show() -> None:
    """The page."""
    known = Networks()
    if not known.runs:
        if st.query_params.get("run"):
            _untrained(st.query_params["run"])
        with st.container(border=True):
            st.markdown("**No trained network yet.** A run has weights once it has finished.")
            st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
        return
    run = _network(known)
    if run is None:
        return
    if is_builtin(run):
        about_builtin(alone=len(known.runs) == 1)
    if clips := _given(run):
        _answers(run, clips)


def _network(known: Networks) -> Run | None:
    """Which network answers; kept in the URL. None where a link names one that is not there, until one is chosen."""
    wanted = st.query_params.get("run", "")
    if wanted and wanted not in known.runs:
        _untrained(wanted)
    shown = wanted if wanted in known.runs else None if wanted else known.usual
    return known.controlled_box("classify-run", shown, partial(st.query_params.__setitem__, "run"))


def _untrained(name: str) -> None:
    """Say why the network that a link names is none to choose from."""
    if any(run.id == name for run, _ in live.runs()):
        trouble = LabError(
            f"run {name!r} has no weights yet", "Wait until it has finished, resume it, or choose another network"
        )
        shell.show_error(trouble)
    else:
        live.gone_job(Run, name)


def _given(run: Run) -> list[Clip]:
    """The clips to classify, from where the visitor takes them."""
    offered = ["upload", "record", "example"]
    kind = source_picker.source(predicting.GROUP, offered, "example" if is_builtin(run) else "upload")
    if kind != "example":
        return source_picker.given(predicting.GROUP, kind, many=True)
    number = url.number("number", "classify-number", range(source_picker.MOST_EXAMPLES))
    shell.next_button("Another example", "classify-number", key="classify-another")
    whose = "the demo set" if is_builtin(run) else "the run's data set"
    st.caption(f"A held-out clip of {whose}: the network was not trained on it.")
    try:
        return [held_out.of_run(run, number)]
    except LabError as error:
        shell.show_error(error)
        return []


def _answers(run: Run, clips: list[Clip]) -> None:
    predicted = predicting.predict(run, clips)
    failed = [item.error for item in predicted if item.error is not None]
    for error in failed[:MOST_ERRORS]:
        shell.show_error(error)
    if len(failed) > MOST_ERRORS:
        more = counted(len(failed) - MOST_ERRORS, "more file", "more files")
        st.caption(f"and {more} that cannot be read; the table lists them")
    long = [item for item in predicted if item.answer is not None and len(item.answer.windows) > 1]
    if len(failed) == len(predicted):
        return
    network = services.classifier(run)
    limits = network.label_thresholds
    least: Threshold = THRESHOLD
    if long or limits is not None:
        least = clip_events.threshold(network.thresholds, limits)
    number = 0
    if len(predicted) > 1:
        first = next(number for number, item in enumerate(predicted) if item.answer is not None)
        number = clip_table.choose(rows_of(predicted, least), first, key="classify-clips", alt="Labels of the clips")
    with st.container(horizontal=True):
        labels = services.classifier(run).labels
        shell.download(
            "Predictions as CSV", csv_text((with_labels(item.told(), least) for item in predicted), labels), "answers.csv", "text/csv",
            type="tertiary",
            help="One row per clip, with the probabilities of all labels.",
        )  # fmt: skip
        if len(long) > 1:
            table = csv_text((item.told() for item in long), labels, "segment", least)
            clip_events.download("Events as CSV", table, "events.csv", "text/csv")
    error = predicted[number].error
    if error is None:
        answer.show(run, predicted[number], least)
    elif error not in failed[:MOST_ERRORS]:
        shell.show_error(error)


def rows_of(predicted: list[PredictedClip], least: Threshold) -> pd.DataFrame:
    """Many clips, a row each. Columns of which nothing is known are left out."""
    import pandas as pd

    known = next((each.answer.probabilities for each in predicted if each.answer is not None), {})
    names = label_names([*known, NONE_OF_THESE])
    return pd.DataFrame([_row(item, least, names) for item in predicted]).dropna(axis=1, how="all")


def _row(item: PredictedClip, least: Threshold, names: dict[str, str]) -> dict[str, Any]:
    """A clip in few words; of a long recording the labels that last longest, and their highest probability."""
    found, truth = item.answer, label_name(item.clip.truth) if item.clip.truth else None
    row = {"Clip": shown(item.clip.name), "Label": truth, "Prediction": "cannot be read", "Probability": None}
    if found is None:
        return row
    called = names.get(found.label, found.label)
    if found.labels is not None:
        named = [] if found.unknown else labels_at(found.probabilities, least)
        called = ", ".join(names[label] for label in named) or "no label"
    row |= {"Prediction": called, "Probability": None if found.unknown else found.probability}
    row |= {"Events": None, "Length (s)": round(found.seconds, 2)}
    if len(found.windows) > 1:
        events = clip_events.events_of(found, least)
        labels = [names[each.label] for each in summary_of(events)]
        more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
        row["Prediction"] = ", ".join(labels[:3]) + more or "none above the threshold"
        known = [event for event in events if event.label != NONE_OF_THESE]
        row |= {"Events": len(known), "Probability": max((event.highest for event in known), default=None)}
    return row | {"Notes": "; ".join(shown(note) for note in found.notes) or None}
