"""Labels corrected by ear: a clip at a time, a key a decision. The data set's files stay as they are; see labcore.datasets.annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.evaluation.review import Order, ReviewClip
from labcore.runs import Run
from labcore.texts import counted
from ui.app import services
from ui.app.shell import action_button, errors_in_place, one_of
from ui.app.text import plain
from ui.components.queue_line import START_KEYS
from ui.datasets import summary
from ui.forms import url
from ui.runs import correct_card
from ui.runs.correct_state import Sitting, known_clips

ORDERS: dict[Order, str] = {"mixed": "Mistakes and others", "mistakes": "Mistakes only", "all": "All clips"}
ABOUT = """\
Mistakes come most confident first. Among them are as many clips that the network predicted as labelled, so that you decide blind:
what it predicted is shown after your choice. With the mistakes alone, corrections can only raise the accuracy."""
RULE = """\
The data set's own label counts unless more people reject it than confirm it; then the class that most of them name. Where they name
several equally often, or none, the clip is left out of training and of every figure."""


def show(run: Run) -> None:
    """The held-out clips of a run, to be corrected by ear."""
    fold = run.config.data.fold
    told = f"Held-out clips{f' of fold {plain(fold)}' if fold else ''}"
    _ordered([run], f"run {run.id}", told, run)


def show_pooled(experiment: CrossValidation) -> None:
    """The clips of all folds of a cross-validation, each predicted by the network that held it out."""
    runs = list(experiment.members().values())
    _ordered(runs, f"cross-validation {experiment.id}", "Held-out clips of all folds")


def _ordered(runs: list[Run], name: str, told: str, again: Run | None = None) -> None:
    """The clips that runs predicted, in the order that the visitor chooses."""
    done = [run for run in runs if run.predictions.is_file()]
    if not done:
        st.info("There are no predictions yet: they are written when a run finishes.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        order: Order = one_of(
            "Clips",
            ORDERS,
            default="mixed",
            key="correct-order",
            help=ABOUT,
            label_visibility="collapsed",
            bind=url.BOUND,
        )
        st.markdown(f":gray[{told}]", width="content")
    clips = _review(tuple((str(run.predictions), run.predictions.stat().st_mtime_ns) for run in done), order)
    config = done[0].config
    why = f"{name}: {ORDERS[order].lower()}"
    show_clips(config.data.dataset, clips, why=why, config=config, key=f"correct-{name.split()[-1]}", run=again)


def show_clips(
    dataset: str,
    clips: Sequence[ReviewClip],
    *,
    why: str,
    key: str,
    config: RunConfig | None = None,
    run: Run | None = None,
) -> None:
    """Have the visitor decide on the labels of clips, in this order; those decided on before are passed over.

    Args:
        dataset: a data set of the workspace, by its name or path.
        why: what brought the clips up, in a few words; it stands in each annotation.
        key: of what is remembered in the browser session, one a list.
        config: of the network whose log-mel is shown; the defaults without one.
        run: may be trained again with the corrected labels.

    Raises:
        DatasetError: the data set is not one of the workspace, or cannot be read.
    """
    _clips(dataset, clips, why, key, config or RunConfig(), run)


@st.fragment
def _clips(dataset: str, clips: Sequence[ReviewClip], why: str, key: str, config: RunConfig, run: Run | None) -> None:
    with errors_in_place():
        sitting = Sitting(known_clips(dataset, summary.cut_by(config)), clips, key, why)
        if not clips:
            st.info("There are no clips of this kind.", icon=":material/info:")
            return
        _progress(sitting)
        if sitting.open:
            correct_card.show(sitting, sitting.open[0], config)
        else:
            st.success("No clip of this list is left.", icon=":material/check:")
            correct_card.undo(sitting)
        if not correct_card.choosing(sitting):  # the classes take all keys
            _so_far(sitting, run)


def _progress(sitting: Sitting) -> None:
    there = sitting.there
    done = sum(sitting.own(clip) is not None for clip in there)
    skipped = len(there) - done - len(sitting.open)
    text = f"{done} of {counted(len(there), 'clip')}" + (f", {skipped} skipped" if skipped else "")
    if gone := len(sitting.clips) - len(there):
        text += f", {gone} no longer in the data set"
    who = f" · as **{plain(sitting.who)}**" if sitting.who else ""
    st.progress(done / max(1, len(there)), text=f"{text}{who}")
    last = sitting.last
    st.markdown((correct_card.told(sitting, last) if last else "") or ":gray[Use the keys beside the buttons.]")


def _so_far(sitting: Sitting, run: Run | None) -> None:
    """What all people have decided on this data set, behind a press, and the way to train with it."""
    if not sitting.annotations.revision:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if run is not None:
            _train_again(sitting, run)
        title = f"All annotations of {plain(sitting.known.name)}"
        wanted = st.toggle(title, key=f"{sitting.key}-all", help=RULE)
    if wanted:
        _all(sitting)


def _train_again(sitting: Sitting, run: Run) -> None:
    """The same settings with the labels as they are corrected by now, and the way to what it came to."""
    made = f"{sitting.key}-again"

    def begin() -> None:
        from labcore.runs.asked import asked_for

        st.session_state[made] = services.ask_for(Run, asked_for(run)).id

    action_button("Train again", begin, key=f"{sitting.key}-train", shortcut=START_KEYS, icon=":material/model_training:",
                  help="Train with the same settings and the corrected labels")  # fmt: skip
    again = st.session_state.get(made)
    if again and st.button("Compare the two", key=f"{made}-compare", shortcut="M", icon=":material/compare_arrows:"):
        st.switch_page("pages/runs.py", query_params={"compare": f"{run.id},{again}"})


def _all(sitting: Sitting) -> None:
    from labcore.datasets.agreement import agreements, disputed, verdicts

    table = [
        {"Who": person or "–", **{kind.capitalize(): count[kind] for kind in ("right", "other", "wrong", "unsure")}}
        for person, count in verdicts(sitting.annotations).items()
    ]
    st.dataframe(table, hide_index=True, height="content", alt="Decisions of each person", width=420)
    for pair in agreements(sitting.annotations):
        names = " and ".join(plain(name or "somebody") for name in pair.names)
        kappa = "" if pair.kappa is None else f", Cohen's kappa {pair.kappa:.2f}"
        st.markdown(f"{names} agree on {pair.agreed} of {counted(pair.clips, 'clip')}{kappa}.")
    if differing := disputed(sitting.annotations):
        st.markdown(f"{counted(len(differing), 'clip')} on which people differ:")
        rows = [
            {"Clip": decisions[0].clip, "Label": decisions[0].old}
            | {each.who or "–": each.new or "none" for each in decisions}
            for decisions in differing
        ]
        st.dataframe(rows, hide_index=True, height="content", alt="Clips on which people differ", placeholder="–")


@st.cache_data(ttl=300, max_entries=8, show_spinner=False)
def _review(files: tuple[tuple[str, int], ...], order: Order) -> list[ReviewClip]:
    """``files``: of predictions, each with the time of its change."""
    from labcore.evaluation.clip_predictions import ClipPredictions
    from labcore.evaluation.review import review_clips

    return review_clips(ClipPredictions.read([Path(file) for file, _ in files]), order)
