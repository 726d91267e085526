"""The form of a new learning curve: data, test fold, sizes and samples. The settings are those of the Train page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from labcore.config import RunConfig, all_settings
from labcore.curve.job import MOST_SAMPLES, SAMPLES, SIZES, LearningCurve, clips_by_size
from labcore.errors import LabError
from labcore.texts import whole_number
from labcore.training.run_time import TrainingClips, plan_of
from ui.app import services
from ui.app.shell import errors_in_place, show_error
from ui.app.text import capital, counted, plain
from ui.components import job_picker, queue_line
from ui.components.model_picker import Networks
from ui.datasets import summary as data
from ui.forms import estimates, fields, url
from ui.train import form as new_run


def show() -> None:
    """The form."""
    new_run.of_runs("curve", _data, _start)


def _data(names: list[str]) -> None:
    """Data set and test fold."""
    current = fields.values()
    left, right = st.columns(2, gap="medium")
    with left:
        new_run.choose_dataset("curve-data", names)
    with right, errors_in_place():
        folds = data.folds(
            current["data.dataset"], "official", current["data.leave_out"], current["data.exclude_classes"],
            data.cut_as(current), current["data.named_split"],
        )  # fmt: skip
        chosen = current["data.fold"] if current["data.fold"] in folds.reasons else None
        about = all_settings()["data.fold"].help
        data.fold_box(folds, chosen, partial(current.__setitem__, "data.fold"), key="curve-fold", help=about)


def _start() -> None:
    with st.container(border=True, key="start-box"):
        st.header("This learning curve", anchor=False)
        url.take_all("sizes", "curve-sizes", st.query_params.get_all("sizes"))
        sizes = st.multiselect(
            "Recordings per class", list(SIZES), list(SIZES), key="curve-sizes", accept_new_options=True, wrap=True,
            help="Training recordings of each class, with all their clips. Type other numbers to add them. The test fold is always whole.",
        )  # fmt: skip
        if (linked := whole_number(url.asked("samples") or "")) in range(1, MOST_SAMPLES + 1):
            st.session_state["curve-samples"] = linked
        samples = st.number_input(
            "Samples", 1, MOST_SAMPLES, SAMPLES, 1, key="curve-samples",
            help="How often recordings are drawn, each time with another seed. More samples show how much the draw matters.",
        )  # fmt: skip
        known = Networks()
        url.take("embeddings", "curve-embeddings", known.runs)
        run = known.box("curve-embeddings", "Embeddings for the second baseline (optional)")
        embeddings = "" if run is None else st.session_state["curve-embeddings"]
        own = {"sizes": None if sizes == list(SIZES) else sizes or [url.NONE], "embeddings": embeddings or None}
        url.write(own | {"samples": None if samples == SAMPLES else str(int(samples))})
        try:
            config = fields.config().replace({"data.split": "official"})
            clips = _clips(services.workspace().home.as_posix(), config, tuple(sizes))
        except LabError as error:
            show_error(error)
            queue_line.start_bar("this learning curve", lambda: None, key="curve-start", disabled=True)
            return
        _facts(config, clips, int(samples))
        make = partial(job_picker.start, LearningCurve, config, tuple(sizes), int(samples), embeddings)
        queue_line.start_bar("this learning curve", make, key="curve-start")


def _facts(config: RunConfig, clips: dict[str, TrainingClips], samples: int) -> None:
    """How many runs it takes, of how many clips, and about how long."""
    fitted, told = data.with_front_end(config)
    times = [estimates.of(plan_of(fitted, each)) for each in clips.values()]
    known = [each for each in times if each is not None]
    total = (
        estimates.about(known[-1], samples * sum(each.seconds for each in known) / known[-1].seconds) if known else ""
    )
    st.table(
        {
            "Training clips": ", ".join(f"**{each.trained}** ({_words(size)})" for size, each in clips.items()),
            "Work": f"**{counted(len(clips) * samples, 'run')}**",
            "Time": total or estimates.about(None),
        },
        border="horizontal",
        alt="Summary of the learning curve",
    )
    if told:
        st.caption(told)
    st.caption(f"{estimates.source(known[-1] if known else None)} {capital('runs train one after the other')}.".strip())


def _words(size: str) -> str:
    return plain(size) if size == "all" else f"{plain(size)} per class"


@st.cache_data(ttl=60, max_entries=32, show_spinner="Reading the data set …")
def _clips(home: str, config: RunConfig, sizes: Sequence[str]) -> dict[str, TrainingClips]:
    return clips_by_size(services.workspace(), config, sizes)
