"""What came out of a finished run: accuracy with its interval, per class, and the weights to download."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from labcore.evaluation.metrics import class_rows, event_figures
from labcore.events import Evaluated, EvaluatedLabels, Event, RunFinished, last_of, result_of
from labcore.runs import Run
from labcore.runs.honesty import (
    adjustments,
    choice_note,
    chosen_by,
    interval_note,
    label_note,
    leak_note,
    majority_note,
    untrained_note,
    untrained_notes,
)
from labcore.workspace import stamp_of
from ui.app import shell
from ui.app.text import counted, duration, label_names, percent, plain
from ui.charts.confusion import confusion
from ui.components import label_figures

if TYPE_CHECKING:
    import pandas as pd

    from labcore.crossval.job import CrossValidation
    from labcore.crossval.summary import Pool
    from labcore.evaluation.figures import Figures


def show(run: Run, events: list[Event]) -> None:
    """The figures of a run, and the same by class."""
    evaluated, ranked = last_of(events, Evaluated), last_of(events, EvaluatedLabels)
    if ranked is not None:
        figures(run, events)
        label_figures.table(ranked)
    if evaluated is not None:
        figures(run, events)
        by_class(evaluated, key=f"confusion-{run.id}")


def figures(run: Run, events: list[Event]) -> None:
    """Accuracy with its interval, macro F1 and time, and what they are worth; nothing before there is a result."""
    evaluated = result_of(events)
    ended = last_of(events, RunFinished)
    if evaluated is None:
        return
    from labcore.datasets.corrected_since import corrected_since

    adjusted, chosen = adjustments(events), chosen_by(run)
    with st.container(border=True):
        with st.container(horizontal=True, gap="small", key="figures-result"):
            if isinstance(evaluated, EvaluatedLabels):
                label_figures.metrics(evaluated)
            else:
                _metrics(evaluated)
            if ended is not None and ended.seconds:
                st.metric("Time", duration(ended.seconds), width=130)
        st.caption(
            f"Measured on the {counted(evaluated.clips, 'held-out clip')} of {'validation' if chosen else 'test'} fold "
            f"{plain(evaluated.fold)}, with the saved weights." + ("" if adjusted else f" {choice_note(0, chosen)}.")
        )
        worth(evaluated)
        if note := untrained_note(untrained(run)):
            st.warning(f"{plain(note)}.", icon=":material/warning:")
        if adjusted:
            st.warning(f"{choice_note(adjusted)}.", icon=":material/warning:")
        if note := label_note(evaluated.clips, evaluated.corrected, corrected_since(run)):
            st.caption(f":material/edit_note: {note}.")
        if note := leak_note(evaluated.leaks, evaluated.trained_on, evaluated.clips):
            st.warning(f"{note}.", icon=":material/warning:")


def worth(evaluated: Evaluated | EvaluatedLabels | Figures | Pool) -> None:
    """What is told of the interval of a figure, and of an accuracy the majority class."""
    effective = None if isinstance(evaluated, EvaluatedLabels) else evaluated.effective_clips
    if note := interval_note(effective, evaluated.recordings, evaluated.clips):
        st.caption(f"{note}.")
    if isinstance(evaluated, EvaluatedLabels):
        return
    if note := majority_note(evaluated.confusion):
        st.caption(f":material/balance: {plain(note)}.")


def untrained(run: Run) -> list[str]:
    """The classes of held-out clips of which a run has no training clip; looked up once."""
    from labcore.datasets.record import FILE

    return _untrained(str(run.path), stamp_of(run.path / FILE))


def untrained_in(experiment: CrossValidation) -> None:
    """What is told of the same in the folds of a cross-validation."""
    for note in untrained_notes({fold: untrained(run) for fold, run in experiment.members().items()}):
        st.warning(f"{plain(note)}.", icon=":material/warning:")


@st.cache_data(max_entries=200, show_spinner=False)
def _untrained(path: str, changed: tuple[int, int]) -> list[str]:
    from labcore.datasets.record import ClipRecord

    record = ClipRecord.load(Run(Path(path)))
    return record.untrained if record is not None else []


def _metrics(evaluated: Evaluated) -> None:
    st.metric("Accuracy", percent(evaluated.accuracy), width=130)
    low, high = percent(evaluated.accuracy_low), percent(evaluated.accuracy_high)
    st.metric("95 % interval", f"{low.removesuffix(' %')} – {high}", width=180)
    st.metric("Macro F1", percent(evaluated.macro_f1), width=130)


def by_class(evaluated: Evaluated | Pool, *, key: str) -> None:
    """The confusion matrix, and recall, precision and F1 a class beside it."""
    number = partial(st.column_config.NumberColumn, format="%.2f")
    if (events := event_figures(evaluated.confusion)) is not None:
        st.caption(f"{plain(events.sentence)}.")
    left, right = st.columns([5, 4], gap="medium")
    with left:
        shell.heading("Confusion matrix")
        confusion(evaluated.confusion, key=key)
    with right:
        shell.heading("Per-class metrics")
        st.dataframe(
            per_class(evaluated),
            hide_index=True,
            height="content",
            column_config={
                "F1": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1, width="small"),
                "Recall": number(help="Share of the clips of this class that were predicted as it."),
                "Precision": number(help="Share of the clips predicted as this class that are of it."),
            },
            alt="Precision, recall and F1 per class",
            placeholder="–",
        )


def download(run: Run) -> None:
    """The weights to download; the zip is made when it is asked for."""

    def made() -> bytes:
        from labcore.export import export_zip

        return export_zip(run)

    shell.download(
        "Export",
        made,
        f"{run.id}.zip",
        "application/zip",
        help="A zip with weights, configuration, labels and a script that classifies files.",
    )


def per_class(evaluated: Evaluated | Pool) -> pd.DataFrame:
    """A row a class, the worst first."""
    import pandas as pd

    names = label_names(evaluated.per_class)
    rows = class_rows(evaluated.per_class, evaluated.confusion)
    columns = {"label": "Class", "f1": "F1", "recall": "Recall", "precision": "Precision", "clips": "Clips"}
    return pd.DataFrame([row | {"label": names[row["label"]]} for row in rows]).rename(columns=columns)
