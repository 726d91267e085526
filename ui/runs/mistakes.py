"""Mistakes to be heard: press a cell of the confusion matrix, a class or a bar, and its clips come, the most confident mistakes first."""

from __future__ import annotations

import numpy as np
import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.mistakes import Choice, by_class, by_confidence, rows_of
from labcore.runs import Run
from ui.app.shell import errors_in_place, heading
from ui.app.text import counted, plain
from ui.charts import mistakes as charts
from ui.charts.confusion import confusion
from ui.charts.pressing import pressed
from ui.components import pager
from ui.forms import url
from ui.runs import clip_card, held_out_clips, label_mistakes, training_clips
from ui.runs.held_out_clips import HeldOutClips
from ui.runs.one_label import of_several

AT_ONCE = 5
CHARTS = {name: name for name in ("Confusion matrix", "Class", "Probability")}
WHOLE = (0, 100)
RANGES = {f"{low}-{high}": (low, high) for low in range(0, 101, 10) for high in range(low, 101, 10)}
"""Ranges of probabilities in percent as the address has them (``?range=50-100``)."""


def show(run: Run) -> None:
    """The tab of a run: its held-out clips."""
    if of_several(run):
        label_mistakes.show([run], run.id)
    elif (clips := held_out_clips.of_run(run)) is not None:
        _view(clips)


def show_pooled(experiment: CrossValidation) -> None:
    """The tab of a cross-validation: every clip, predicted by a network that was not trained on its recording."""
    if of_several(experiment):
        label_mistakes.show(list(experiment.members().values()), experiment.id)
    elif (clips := held_out_clips.of_crossval(experiment)) is not None:
        _view(clips)


@st.fragment
def _view(clips: HeldOutClips) -> None:
    with errors_in_place():
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _chart(clips)
        with right:
            choice = _choice(clips)
        rows = rows_of(clips.predictions, choice)
        _told(clips, choice, rows)
        if len(rows):
            _cards(clips, rows, f"{clips.key}-{choice}")


def _cards(clips: HeldOutClips, rows: np.ndarray, key: str) -> None:
    part = pager.part(len(rows), AT_ONCE, key=f"mistakes-page-{key}", what="clips", word="page")
    on_view = rows[part].tolist()
    known = training_clips.of_runs(clips.run(row) for row in on_view)
    for row in on_view:
        clip_card.show(clips, row, known.get(clips.run(row).id))


# --- what is chosen; the widgets hold it, and a press on a chart sets them


def _choice(clips: HeldOutClips) -> Choice:
    names = clips.names

    def let_go() -> None:
        _set(clips, "chart", int(st.session_state.get(_key(clips, "chart"), 0)) + 1)

    def of_class(word: str, title: str, hint: str) -> str | None:
        url.take(word, _key(clips, word), names)
        label = st.selectbox(
            title, list(names), index=None, placeholder="any class", format_func=names.__getitem__,
            key=_key(clips, word), on_change=let_go, help=hint,
        )  # fmt: skip
        url.tell(word, label or "")
        return label

    true = of_class("true", "Labelled", "The label of the clips.")
    predicted = of_class("predicted", "Predicted", "What the network predicted.")
    if (asked := url.asked("range")) is not None:
        st.session_state[_key(clips, "range")] = RANGES.get(asked, WHOLE)
    st.session_state.setdefault(_key(clips, "range"), WHOLE)
    low, high = st.slider(
        "Probability of the prediction (%)", 0, 100, step=10, key=_key(clips, "range"), on_change=let_go,
        help="Mistakes with a high probability are the ones to look at first: a wrong label, or something that the network learnt wrongly.",
    )  # fmt: skip
    url.tell("range", "" if (low, high) == WHOLE else f"{low}-{high}")
    return Choice(true, predicted, low / 100, high / 100)


def _chart(clips: HeldOutClips) -> None:
    kind = url.one_of("Choose by", CHARTS, word="by", key=_key(clips, "kind"))
    names, predictions = clips.names, clips.predictions
    key = f"{_key(clips, kind)}-{st.session_state.get(_key(clips, 'chart'), 0)}"
    labels = {name: label for label, name in names.items()}

    def press(true: str | None, predicted: str | None, low: float = 0.0, high: float = 1.0) -> None:
        """What is pressed is all that is chosen."""
        _set(clips, "true", true)
        _set(clips, "predicted", predicted)
        _set(clips, "range", (round(100 * low), round(100 * high)))

    def cell() -> None:
        point = pressed(key) or {}
        press(labels.get(point.get("true", "")), labels.get(point.get("predicted", "")))

    def of_class() -> None:
        point = pressed(key) or {}
        label, missed = labels.get(point.get("class", "")), point.get("mistakes") == charts.MISSED
        press(label if missed else None, None if missed else label)

    def bar() -> None:
        press(None, None, **(pressed(key) or {}))

    if kind == "Class":
        charts.by_class(by_class(predictions), names, key=key, on_press=of_class)
    elif kind == "Probability":
        charts.by_confidence(by_confidence(predictions), key=key, on_press=bar)
    else:
        confusion(_counts(predictions), key=key, on_press=cell)


def _counts(predictions: ClipPredictions) -> dict[str, dict[str, int]]:
    from labcore.evaluation.metrics import score

    known = predictions.chosen(predictions.targets >= 0)
    return score(known.predicted, known.targets, list(known.labels)).confusion


def _told(clips: HeldOutClips, choice: Choice, rows: np.ndarray) -> None:
    total = len(clips.predictions)
    if choice.right:
        text = f"{counted(len(rows), 'clip')} of {plain(clips.names[str(choice.true)])} predicted rightly, the least confident first"
    elif len(rows):
        text = f"{counted(len(rows), 'mistake')} among {counted(total, 'clip')}, the most confident first"
    else:
        text = f"No mistakes among {counted(total, 'clip')}" if choice == Choice() else "No mistakes of this kind"
    heading(f"{text}.")


def _key(clips: HeldOutClips, word: str) -> str:
    return f"mistakes-{clips.key}-{word}"


def _set(clips: HeldOutClips, word: str, value: object) -> None:
    st.session_state[_key(clips, word)] = value
