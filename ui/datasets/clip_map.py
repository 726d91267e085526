"""The map of the clips of a data set: points that play, by mel statistics or by the embeddings of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from labcore.evaluation.label_predictions import of_several
from labcore.explore.clips.profile import Profile, ProfilePlan
from labcore.runs import Run
from labcore.texts import shown
from labcore.workspace import stamp_of
from ui.app import live, services
from ui.app.shell import one_of
from ui.app.text import count, counted, run_name, told_apart
from ui.charts import clips as charts
from ui.charts.pressing import pressed
from ui.components import short_jobs
from ui.datasets import summary
from ui.datasets.filters import LEFT_OUT, names_of
from ui.datasets.opened import Opened, Stamp
from ui.forms.url import BOUND

if TYPE_CHECKING:
    import pandas as pd

    from labcore.explore.clips.map import ClipMap

MEL = ""
LAYERS = ["not predicted", "right", "wrong"]
"""What is drawn last lies on top."""
HELP = "Reads every clip once, and arranges up to 2 000 of them so that those that sound alike lie together."


def show(opened: Opened, rows: np.ndarray, key: str) -> int | None:
    """The map, or a button that has it made; the number of the clip that was pressed.

    Args:
        rows: the clips that are wanted; others are faint.
    """
    runs = _runs()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.selectbox(
            "Arranged by", [MEL, *runs], key="by", width=300, bind=BOUND, help="What the distance of two clips is measured with.",
            format_func=told_apart([MEL, *runs], lambda run: f"Embeddings of {run_name(runs[run])}" if run else "Mel statistics"),
        )  # fmt: skip
        run = runs.get(by) if by else None
        sources = _sources(opened.dataset.name, by or "")
        colours = {"class": "Class", "fold": "Fold"} | ({"verdict": "Correctness"} if sources else {})
        if st.session_state.get("colour", "class") not in colours:
            del st.session_state["colour"]
        colour = one_of("Colour", colours, default="class", key="colour", bind=BOUND)
        files = _chosen(sources, f"{key}-of-{by}") if colour == "verdict" else ()
        from labcore.explore.clips.map import METHODS

        method = one_of(
            "Method", METHODS, default="tsne", key="method", bind=BOUND,
            help="t-SNE keeps neighbours together; PCA keeps distances.",
        )  # fmt: skip
    plan = ProfilePlan(dataset=opened.dataset.name, map=True, run=by or "")
    known = _known(opened, run)
    if known is None:
        short_jobs.offer(Profile, plan, "Make the map", key=f"{key}-make", help=HELP)
        return None
    number = _points(opened, known, files, rows, colour, method, key)
    if not known.current:
        st.caption(
            ":orange[:material/warning:] The clips, or the weights of the run, have changed since the map was made."
        )
        short_jobs.offer(Profile, plan, "Make it again", key=f"{key}-make", help=HELP, quiet=True)
    return number


def _runs() -> dict[str, Run]:
    """The runs with weights whose data set this may be, newest first; any network can embed any clip."""
    return {name: run for name, (run, _) in live.trained().items()}


@st.cache_data(ttl=10, max_entries=16, show_spinner=False)
def _sources(name: str, run: str) -> dict[str, tuple[str, ...]]:
    """Title → the files of predictions that tell who was right: of cross-validations of the data set, and of a run."""
    from labcore.crossval.job import CrossValidation
    from labcore.errors import LabError

    found: dict[str, tuple[str, ...]] = {}
    own = live.trained()[run][0] if run in live.trained() else None
    for each in CrossValidation.every(services.workspace()):
        try:
            if summary.called_now(each.config.data.dataset) == name:
                members = each.members().values()
                files = tuple(str(one.predictions) for one in members if one.predictions.is_file())
                if len(files) > 1:
                    part = f", {len(files)} of {counted(len(members), 'fold')}" if len(files) < len(members) else ""
                    found[f"Cross-validation {each.name}{part} · {each.id[-4:]}"] = files
        except LabError:  # it cannot be read: the page of cross-validations tells
            continue
    if own is not None:
        alone = {f"{run_name(own)}, its test fold": (str(own.predictions),)}
        found = {title: files for title, files in found.items() if str(own.predictions) in files} | alone | found
    # a clip is right or wrong where it has one label
    return {title: files for title, files in found.items() if not of_several(Path(files[0]))}


def _chosen(sources: dict[str, tuple[str, ...]], key: str) -> tuple[str, ...]:
    """The files of the predictions that colours tell of."""
    title = st.selectbox(
        "Predictions of", list(sources), key=key, width=300, bind=BOUND,
        help="Of a cross-validation each clip is predicted by the run that held it out.",
    )  # fmt: skip
    return sources.get(title or "", ())


def _points(
    opened: Opened, known: ClipMap, files: tuple[str, ...], rows: np.ndarray, colour: str, method: str, key: str
) -> int | None:
    points = _frame(opened, known, files, rows, colour, method)
    if not len(points):
        st.info("None of the clips on the map are in the data set any more.", icon=":material/info:")
        return None
    kinds = _kinds(opened, points, colour)
    title = {"class": "Class", "fold": "Fold", "verdict": "Prediction"}[colour]
    many = (
        f"{counted(len(points), 'clip')}"
        if len(points) == known.clips
        else f"A sample of {count(len(points))} of {counted(known.clips, 'clip')}"
    )
    away = int((~points["there"]).sum())
    faint = f" {count(away)} that the filter leaves out are faint." if away else ""
    chart = f"{key}-map-{known.run}-{colour}-{method}-{hash(files)}"
    charts.clip_map(points, kinds, title, key=chart, alt=f"Map of {many}", on_press=lambda: None)
    st.caption(
        f"{many}.{faint} Press a point to hear it."
        + (" Colours repeat: choose classes to tell them apart." if len(kinds) > charts.MOST_COLOURS else "")
    )
    if colour == "verdict" and (points["kind"] == "not predicted").all():
        st.caption("None of these clips was predicted: others were held out.")
    chosen = (pressed(chart) or {}).get("number")
    return int(chosen) if chosen is not None and int(chosen) < len(opened.frame) else None


def _frame(
    opened: Opened, known: ClipMap, files: tuple[str, ...], rows: np.ndarray, colour: str, method: str
) -> pd.DataFrame:
    """A row a point, as :func:`ui.charts.clips.clip_map` takes them."""
    import pandas as pd

    from labcore.explore.clips.facts import KEYS

    frame, names = opened.frame, names_of(opened)
    numbered = frame[list(KEYS)].assign(number=np.arange(len(frame))).drop_duplicates(list(KEYS))
    placed = known.points.merge(numbered, how="inner", on=list(KEYS))
    clips = frame.iloc[placed["number"]]
    label, main = (
        [names.get(each, shown(each)) or LEFT_OUT for each in clips[column]]
        for column in ("label", "main" if "main" in clips else "label")
    )
    made = pd.DataFrame(
        {
            "x": placed[f"{method}_x"], "y": placed[f"{method}_y"], "number": placed["number"],
            "name": clips["name"].to_numpy(), "label": label, "fold": clips["fold"].to_numpy(),
            "there": placed["number"].isin(rows).to_numpy(),
        }
    )  # fmt: skip
    if colour == "verdict":
        predicted = _correctness(files, tuple(map(stamp_of, files)), opened.version, opened)
        made["predicted"] = [names.get(each, shown(each)) for each in predicted["predicted"].iloc[placed["number"]]]
        made["kind"] = predicted["verdict"].iloc[placed["number"]].to_numpy()
        made = made.sort_values("kind", key=lambda kinds: kinds.map(LAYERS.index), kind="stable")
    else:
        made["kind"] = main if colour == "class" else made["fold"]
    return made


def _kinds(opened: Opened, points: pd.DataFrame, colour: str) -> list[str]:
    order = {"class": list(names_of(opened).values()), "fold": [shown(fold) for fold in opened.dataset.folds]}
    there = set(points["kind"][points["there"]])
    return [kind for kind in order.get(colour, list(charts.VERDICTS)) if kind in there]


def _known(opened: Opened, run: Run | None) -> ClipMap | None:
    from labcore.explore.clips.map import map_file

    weights = run.weights if run is not None else None
    name = run.id if run is not None else ""
    file = map_file(services.workspace(), opened.dataset, name)
    return _map(
        str(file),
        stamp_of(file),
        name,
        str(weights or ""),
        stamp_of(weights) if weights else (0, 0),
        opened.version,
        opened,
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _map(
    file: str, made: Stamp, run: str, weights: str, trained: Stamp, version: str, _opened: Opened
) -> ClipMap | None:
    from labcore.explore.clips.map import known_map

    return known_map(services.workspace(), _opened.dataset, run, Path(weights) if weights else None)


@st.cache_resource(max_entries=4, show_spinner=False)
def _correctness(files: tuple[str, ...], changed: tuple[Stamp, ...], version: str, _opened: Opened) -> pd.DataFrame:
    from labcore.evaluation.clip_predictions import ClipPredictions
    from labcore.explore.clips.map import correctness

    return correctness(_opened.frame, ClipPredictions.read(map(Path, files)))
