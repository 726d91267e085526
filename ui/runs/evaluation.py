"""How good a run is: all figures with their intervals, the classes, the confusion matrix, and whether its probabilities can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import summarise
from labcore.datasets.corrected_since import corrected_since
from labcore.evaluation.figures import Figure, Figures
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.label_predictions import of_several
from labcore.events import Evaluated, EvaluatedLabels
from labcore.runs import Run
from labcore.runs.honesty import adjustments, choice_note, chosen_by, label_note, leak_note, untrained_note
from ui.app.shell import heading
from ui.app.text import counted, label_names, moment_of, percent, plain, told_apart
from ui.charts.confusion import confusion
from ui.components import label_figures, results
from ui.forms import url
from ui.runs import calibrate, evaluate

OWN = ""
MOST_LISTED = 30


@dataclass(frozen=True)
class Source:
    """Predictions that figures are of: the files, what the clips are, warnings about them, and what is to know of their labels."""

    title: str
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    labels: str = ""


def show(run: Run) -> None:
    """The tab of a run. ``?tab=Evaluation``."""
    sources = _sources(run)
    if not sources:
        older = " Runs of older versions can be evaluated below." if run.weights.is_file() else ""
        told = f"There are no predictions yet: they are written when the run finishes.{older}"
        st.info(told, icon=":material/info:")
    else:
        chosen = _choose(run, sources)
        for warning in chosen.warnings:
            st.warning(plain(warning), icon=":material/warning:")
        if of_several(chosen.files[0]):
            _labels(chosen.files, chosen.labels)
            evaluate.panel(run)
            return
        figures = figures_of(chosen.files)
        _metrics(figures, chosen.labels)
        _classes(figures, key=run.id)
        calibrate.panel(run, figures, own=chosen.files == (run.predictions,))
    evaluate.panel(run)


def pooled(experiment: CrossValidation) -> None:
    """The tab of a cross-validation: the clips of all its folds together."""
    runs = experiment.members()
    files = tuple(run.predictions for run in runs.values() if run.predictions.is_file())
    if not files:
        st.info("There are no predictions yet: they are written when a fold finishes.", icon=":material/info:")
        return
    missing = [fold for fold, run in runs.items() if run.predictions not in files]
    if missing:
        st.caption(
            f"Without {'folds' if missing[1:] else 'fold'} {plain(', '.join(missing))}, which have no predictions yet."
        )
    results.untrained_in(experiment)
    summary = summarise(experiment)
    if summary.length_note:
        st.caption(f":material/flag: {plain(summary.length_note)}.")
    if of_several(files[0]):
        _labels(files, summary.official.label_note)
        return
    figures = figures_of(files)
    _metrics(figures, summary.official.label_note)
    _classes(figures, key=experiment.id)
    calibrate.diagram({"All folds": figures.calibration}, key=experiment.id)


def figures_of(files: Sequence[Path]) -> Figures:
    """The figures of files of predictions taken together, worked out once.

    Raises:
        RunError: one cannot be read.
    """
    return _figures(tuple(map(str, files)), tuple(map(file_stamp, files)))


def file_stamp(file: Path) -> int:
    """Changes with a file; 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_data(max_entries=32, show_spinner="Working out the figures …")
def _figures(files: tuple[str, ...], changed: tuple[int, ...]) -> Figures:
    from labcore.evaluation.clip_predictions import ClipPredictions
    from labcore.evaluation.figures import figures_of_clips

    return figures_of_clips(ClipPredictions.read(map(Path, files)))


def _labels(files: Sequence[Path], note: str) -> None:
    """The figures of several labels a clip."""
    result = _label_figures(tuple(map(str, files)), tuple(map(file_stamp, files)))
    with st.container(horizontal=True, gap="small", key="figures-evaluation"):
        label_figures.metrics(result)
    st.caption(f"On {counted(result.clips, 'clip')}." + (f" {label_figures.POOLED}" if len(files) > 1 else ""))
    results.worth(result)
    if note:
        st.caption(f":material/edit_note: {note}.")
    label_figures.table(result)


@st.cache_data(max_entries=32, show_spinner="Working out the figures …")
def _label_figures(files: tuple[str, ...], changed: tuple[int, ...]) -> EvaluatedLabels:
    from labcore.evaluation.label_predictions import LabelPredictions

    return LabelPredictions.read(map(Path, files)).figures()


def _sources(run: Run) -> dict[str, Source]:
    """The run's own predictions first, then those of its evaluations, newest first."""
    found: dict[str, Source] = {}
    if run.predictions.is_file():
        result = run.last_event(Evaluated) or run.last_event(EvaluatedLabels)
        warnings = _leak(result) if result is not None else []
        if adjusted := adjustments(run.events()):
            warnings.append(f"{choice_note(adjusted)}.")
        elif chosen_by(run):
            warnings.append(f"{choice_note(0, True)}.")
        if note := untrained_note(results.untrained(run)):
            warnings.append(f"{note}.")
        title = f"Test fold {result.fold}" if result is not None else "Test fold"
        labels = label_note(result.clips, result.corrected, corrected_since(run)) if result is not None else ""
        found[OWN] = Source(title, (run.predictions,), tuple(warnings), labels)
    for job in Evaluation.of_run(run)[:MOST_LISTED]:
        chosen = job.chosen
        if job.result is None or chosen is None or not job.predictions.is_file() or job.plan.rows != "clips":
            continue
        warnings = _leak(job.result)
        if not warnings and "trained on clips among them" in chosen.sentence:  # as versions before told it
            warnings = ["The network was trained on clips among these: the figures say little about new ones."]
        title = f"{chosen.dataset}: {chosen.sentence.rstrip('.')} · {moment_of(job.id[:15])}"
        labels = label_note(job.result.clips, job.result.corrected)
        found[job.id] = Source(title, (job.predictions,), tuple(warnings), labels)
    return found


def _leak(result: Evaluated | EvaluatedLabels) -> list[str]:
    note = leak_note(result.leaks, result.trained_on, result.clips)
    return [f"{note}."] if note else []


def _choose(run: Run, sources: dict[str, Source]) -> Source:
    key = f"evaluation-of-{run.id}"
    url.take("clips", key, sources)
    if st.session_state.get(evaluate.ASKED) in sources:  # what the visitor has just had evaluated
        st.session_state[key] = st.session_state.pop(evaluate.ASKED)
    if st.session_state.get(key) not in sources:
        st.session_state[key] = next(iter(sources))
    if len(sources) > 1:
        titles = told_apart(sources, lambda name: sources[name].title)
        st.selectbox("Clips", list(sources), format_func=titles, key=key, width=620)
    chosen = st.session_state[key]
    url.tell("clips", chosen if chosen != next(iter(sources)) else "")
    return sources[chosen]


def _metrics(figures: Figures, labels: str) -> None:
    with st.container(horizontal=True, gap="small", key="figures-evaluation"):
        _metric(
            "Accuracy",
            figures.accuracy,
            "Share of clips that are right, with its 95 % Wilson interval; those of one recording count for less.",
        )
        by_recording = "95 % interval by drawing recordings anew (bootstrap)."
        steady = "of classes that are always or never right by Wilson's."
        told = f"Mean recall of the classes. {by_recording.removesuffix('.')}, {steady}"
        _metric("Balanced accuracy", figures.balanced_accuracy, told)
        _metric("Macro F1", figures.macro_f1, f"Mean F1 of the classes. {by_recording}")
        each = "Mean over the classes, each against the rest."
        st.metric("Average precision", percent(figures.average_precision), width=150, help=each)
        st.metric("AUROC", percent(figures.auroc), width=100, help=each)
    unknown = (
        f", and {counted(figures.unknown, 'clip')} of classes it does not know left out" if figures.unknown else ""
    )
    st.caption(f"On {counted(figures.clips, 'clip')} of {counted(figures.recordings, 'recording')}{unknown}.")
    results.worth(figures)
    if labels:
        st.caption(f":material/edit_note: {labels}.")


def _metric(label: str, figure: Figure, told: str) -> None:
    interval = "no interval"
    if figure.low is not None and figure.high is not None:
        interval = f"{percent(figure.low).removesuffix(' %')} – {percent(figure.high)}"
    st.metric(label, percent(figure.value), interval, delta_color="off", delta_arrow="off", width=155, help=told)


def _classes(figures: Figures, *, key: str) -> None:
    left, right = st.columns([5, 6], gap="medium")
    with left:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            heading("Confusion matrix", width="content")
            cells = st.segmented_control(
                "Cells", ["Clips", "Share"], default="Clips", required=True, label_visibility="collapsed",
                key="evaluation-cells", bind=url.BOUND, help="Numbers of clips, or their share of the clips of the true class.",
            )  # fmt: skip
        confusion(figures.confusion, key=f"evaluation-confusion-{key}", normalised=cells == "Share")
    with right:
        heading("Per-class metrics")
        _per_class(figures)


def _per_class(figures: Figures) -> None:
    """A table of the classes, the worst F1 first."""
    import pandas as pd

    names = label_names(each.label for each in figures.per_class)
    rows = [
        {
            "Class": names[each.label],
            "F1": each.f1,
            "Recall": each.recall,
            "Recall, 95 %": each.recall_spread,
            "Precision": each.precision,
            "AP": each.average_precision,
            "AUROC": each.auroc,
            "Clips": each.clips,
            "Predicted": each.predicted,
        }
        for each in sorted(figures.per_class, key=lambda each: each.f1)
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content" if len(rows) <= 20 else 560,
        column_config={
            "F1": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1, width="small"),
            "Recall": number(format="%.2f", help="Share of the clips of this class that were predicted as it."),
            "Recall, 95 %": st.column_config.TextColumn(
                help="Wilson's interval, by recording. None where all clips of the class are of one recording."
            ),
            "Precision": number(format="%.2f", help="Share of the clips predicted as this class that are of it."),
            "AP": number(format="%.2f", help="Average precision: the area under precision over recall."),
            "AUROC": number(
                format="%.3f", help="How often a clip of the class gets a higher probability than another."
            ),
            "Predicted": number(help="Clips that were predicted as this class."),
        },
        alt="Metrics per class",
        placeholder="–",
    )
