"""The training clips of runs with their embeddings: known from before, or worked out beside the page in one pass of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import streamlit as st

from labcore.errors import LabError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.training_clips import FILE
from labcore.runs import Run
from ui.app import long_work, services
from ui.app.shell import action_button
from ui.app.text import run_name
from ui.components import long_bar
from ui.runs.evaluation import file_stamp

GROUP = "training-clips"


def of_runs(runs: Iterable[Run]) -> dict[str, ClipPredictions | LabError]:
    """Those that are known, by the ids of their runs, or why they cannot be. What is missing is offered, or its progress is drawn."""
    known: dict[str, ClipPredictions | LabError] = {}
    missing: list[Run] = []
    for run in dict.fromkeys(runs):
        made = _known(str(run.path), file_stamp(run.path / FILE), file_stamp(run.weights))
        if made is None:
            missing.append(run)
        else:
            known[run.id] = made
    running = long_work.held()
    for run in list(missing):
        if (work := running.get(_key(run))) is None:
            continue
        missing.remove(run)
        if work.running or work.stopped:
            (long_bar.bar if work.running else long_bar.again)(work)
            continue
        try:
            known[run.id] = work.result
        except LabError as error:
            known[run.id] = error
    if missing:
        _offer(missing)
    return known


def _offer(runs: list[Run]) -> None:
    def begin() -> None:
        for run in runs:
            long_work.start(_key(run), _name(run), GROUP, "Embedding the training clips of", _work(run))

    action_button(
        "Find the nearest training clips", begin, key="training-clips", icon=":material/hub:",
        help="Computes the embeddings of the clips that the network was trained on, once a run: one pass over them.",
    )  # fmt: skip


def _work(run: Run) -> long_work.Work:
    workspace = services.workspace()

    def work(progress: Callable[[float], None]) -> ClipPredictions:
        from labcore.evaluation.training_clips import training_clips

        return training_clips(run, workspace, lambda done, total: progress(done / max(1, total)))

    return work


def _name(run: Run) -> str:
    fold = run.config.data.fold
    return f"{run_name(run)}, fold {fold}" if fold else run_name(run)


def _key(run: Run) -> str:
    return f"{GROUP} {run.id} {file_stamp(run.weights)}"


@st.cache_resource(max_entries=6, show_spinner=False)
def _known(path: str, changed: int, weights: int) -> ClipPredictions | None:
    from labcore.evaluation.training_clips import known_training_clips

    return known_training_clips(Run(Path(path))) if changed else None
