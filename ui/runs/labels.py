"""Labels that look wrong, by recording: one wrong recording is one decision."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.datasets.annotations import NO_LABEL
from labcore.errors import LabError
from labcore.evaluation.label_errors import Suspicion
from labcore.runs import Run
from labcore.runs.origin import EXPERIMENT
from labcore.workspace import slug
from ui.app import shell
from ui.app.shell import errors_in_place
from ui.app.text import counted, percent, plain
from ui.components import pager, results
from ui.components.clip_player import sound
from ui.forms import url
from ui.runs import clip_card, correct, held_out_clips
from ui.runs.held_out_clips import HeldOutClips

VIEWS = {"recordings": "By recording", "correct": "Correct"}
AT_ONCE = 5
MOST_PLAYED = 3
"""Clips of a recording that are played at once; more of them after a press."""
ABOUT = """\
Networks that were not trained on these clips find another class more probable than the label. The fit is the margin of the label before
the best other class, from 0 to 100 %, over the clips of the recording. "Likely wrong": confident learning counts a clip as one of another
class, since its probability is as high as that class usually gets. The label may be right and the network wrong: listen."""


def show(run: Run) -> None:
    """The tab of a run: its held-out clips."""
    if (clips := held_out_clips.of_run(run)) is None:
        return
    if run.config.data.split == "random":
        st.warning(
            "The split is random: the network was trained on clips of the same recordings, and trusts their labels.",
            icon=":material/warning:",
        )
    parent = str(run.load(EXPERIMENT, {}).get("experiment", ""))
    if parent:
        st.page_link("pages/runs.py", label="All folds of its cross-validation", icon=":material/view_week:",
                     query_params={"crossval": parent, "tab": "Labels"})  # fmt: skip
    _view(clips)


def show_pooled(experiment: CrossValidation) -> None:
    """The tab of a cross-validation: every clip, predicted by a network that was not trained on its recording."""
    if (clips := held_out_clips.of_crossval(experiment)) is not None:
        _view(clips)


@st.fragment
def _view(clips: HeldOutClips) -> None:
    with errors_in_place():
        found = [
            each
            for each in _found(tuple(str(run.predictions) for run in clips.runs), clips.changed, clips)
            if each.suspicious
        ]
        untrained = [results.untrained(run) for run in clips.runs]  # such a network says nothing of these labels
        unable = [each.label in untrained[clips.run_of[each.rows[0]]] for each in found]
        unlearnt = {each.label for each, nothing in zip(found, unable, strict=True) if nothing}
        found = [each for each, nothing in zip(found, unable, strict=True) if not nothing]
        if unlearnt:
            words = ", ".join(plain(clips.names[label]) for label in sorted(unlearnt))
            st.caption(f"Without clips of {words}: the network that held them out was trained on none.")
        if not found:
            st.success(f"No label of {counted(len(clips.predictions), 'clip')} looks wrong.", icon=":material/check:")
            return
        total = sum(len(each.rows) for each in found)
        with st.container(horizontal=True, vertical_alignment="center"):
            many = counted(len(found), "recording")
            shell.heading(
                f"{counted(total, 'clip')} of {many} may be labelled wrongly, the most suspicious first.", help=ABOUT
            )
            shell.download("Download (CSV)", partial(_csv, clips, found), f"labels-{slug(clips.key)}.csv", "text/csv",
                           key=f"labels-csv-{clips.key}", type="tertiary")  # fmt: skip
        if url.one_of("Show", VIEWS, word="show", key=f"labels-view-{clips.key}") == "correct":
            _correct(clips, found)
            return
        part = pager.part(len(found), AT_ONCE, key=f"labels-page-{clips.key}", what="recordings", word="page")
        for each in found[part]:
            _recording(clips, each)


def _correct(clips: HeldOutClips, found: list[Suspicion]) -> None:
    """The same clips one after the other, to decide on with a key."""
    from labcore.evaluation.review import clips_of

    st.caption("Only labels that look wrong are in this list: to correct a fair sample, use the tab Correct of a run.")
    first = clips.runs[0]
    rows = [row for each in found for row in each.rows.tolist()]
    correct.show_clips(
        first.config.data.dataset, clips_of(clips.predictions, rows), why="the label looks wrong", config=first.config,
        key=f"labels-correct-{clips.key}",
    )  # fmt: skip


def _recording(clips: HeldOutClips, each: Suspicion) -> None:
    names, rows = clips.names, each.rows.tolist()
    key = f"{clips.key}-{rows[0]}"
    with st.container(border=True):
        mark = " :orange-badge[likely wrong]" if each.flagged else ""
        st.markdown(
            f"Recording **{plain(each.group)}** is labelled **{plain(names[each.label])}** and looks like "
            f"**{plain(names[each.suggested])}** :gray[· {counted(len(rows), 'clip')} · fit {percent(each.quality)}]{mark}"
        )
        now = _label_now(clips, rows[0])
        if now == NO_LABEL:
            st.caption("It is left out of the data set by now.")
        elif now not in (None, each.label):
            st.caption(f"It was corrected: the label that counts by now is {plain(names.get(now, now))}.")
        left, right = st.columns([3, 2], gap="medium")
        with left, errors_in_place():
            clip_card.log_mel(clips, rows[0], clips.found(rows[0]).row, f"labels-{key}")
        with right:
            more = f"labels-all-{key}"
            for row in rows if st.session_state.get(more) else rows[:MOST_PLAYED]:
                _clip(clips, each, row)
            if len(rows) > MOST_PLAYED:
                st.toggle(f"All {counted(len(rows), 'clip')}", key=more)


def _clip(clips: HeldOutClips, each: Suspicion, row: int) -> None:
    shares = clips.probabilities(row)
    given, other = (float(shares[clips.predictions.labels.index(label)]) for label in (each.label, each.suggested))
    with errors_in_place():
        found = clips.found(row).row
        st.caption(
            f"{plain(found.name)} · {plain(clips.names[each.label])} {percent(given)}, "
            f"{plain(clips.names[each.suggested])} {percent(other)}"
        )
        sound(found, f"labels-{clips.key}-{row}")


def _label_now(clips: HeldOutClips, row: int) -> str | None:
    """The label of a clip that counts by now; None where the clip is gone."""
    try:
        return clips.found(row).row.label
    except LabError:
        return None


def _csv(clips: HeldOutClips, found: list[Suspicion]) -> str:
    from labcore.evaluation.label_errors import table_of
    from labcore.sheets import csv_of_frame

    return csv_of_frame(table_of(found, clips.predictions))


@st.cache_resource(max_entries=4, show_spinner="Looking for labels that look wrong …")
def _found(files: tuple[str, ...], changed: tuple[int, ...], _clips: HeldOutClips) -> list[Suspicion]:
    from labcore.evaluation.label_errors import suspicions

    return suspicions(_clips.predictions)
