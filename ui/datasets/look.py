"""What is in a data set: facts, figures, and its clips to search, see and hear. The tab "Look"."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from labcore.explore.clips.profile import Profile, ProfilePlan
from labcore.texts import as_bytes, shown
from ui.app.shell import errors_in_place, heading
from ui.app.text import capital, count, counted, duration, plain, sentence
from ui.charts import clips as charts
from ui.components import short_jobs
from ui.components.facts_row import facts_row
from ui.datasets import clip_card, clip_list, clip_map, filters
from ui.datasets.filters import names_of
from ui.datasets.opened import Opened, opened
from ui.forms import url

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo

VIEWS = {
    "table": ":material/table_rows: Table",
    "thumbnails": ":material/grid_view: Thumbnails",
    "map": ":material/scatter_plot: Map",
}
TALL = 18
"""More classes stand in a box that scrolls."""
SPREAD = {"seconds": "Length (s)", "rate": "Sample rate (Hz)", "level_db": "Level (dBFS)"}
ABOUT = "Reads every clip once: its length, sample rate and level. Goes on in the background."


def show(info: DatasetInfo) -> None:
    """The tab of a data set. Nothing of it reads the clips, but for those that are seen and heard."""
    there = opened(info.name)
    _facts(there, info)
    _figures(there)
    _browse(info.name)


def _facts(there: Opened, info: DatasetInfo) -> None:
    from labcore.datasets.layouts import TITLES

    facts = there.facts
    shown_facts = {
        "Clips": count(facts.clips),
        "Classes": count(facts.classes),
        "Folds": count(facts.folds),
        "Layout": capital(TITLES.get(info.layout, info.layout).removeprefix("a ")),
    }
    if facts.seconds:
        shown_facts["Length"] = duration(facts.seconds)
    if facts.rates:
        shown_facts["Rates"] = ", ".join(
            f"{rate / 1000:g} kHz" + (f" ({count(many)})" if len(facts.rates) > 1 else "")
            for rate, many in sorted(facts.rates.items(), key=lambda item: -item[1])[:4]
        )
    if facts.left_out:
        shown_facts["Left out"] = counted(facts.left_out, "clip")
    if facts.unreadable:
        shown_facts["Cannot be read"] = counted(facts.unreadable, "clip")
    with st.container(border=True):
        facts_row(shown_facts)
        if note := there.dataset.fold_note:
            st.caption(plain(sentence(note)))
        if there.dataset.corrections is not None and (told := there.dataset.corrections.sentence):
            st.caption(f":material/edit_note: {told[:1].upper()}{told[1:]}.")


def _figures(there: Opened) -> None:
    from labcore.explore.clips.table import counts, histogram

    left, right = st.columns([3, 2], gap="medium")
    names, counting = names_of(there), there.frame[~there.frame["left_out"]]
    with left:
        heading("Clips by class and fold")
        with st.container(height=430 if len(names) > TALL else "content", border=False):
            charts.by_class(
                counts(there.frame), names, [shown(fold) for fold in there.dataset.folds], key="look-by-class"
            )
    with right, errors_in_place():
        plan, facts = ProfilePlan(dataset=there.dataset.name), there.facts
        for column, title in SPREAD.items():
            table = histogram(counting[column][counting[column] != 0])
            if len(table):
                heading(title)
                charts.spread(table, title, key=f"look-{column}")
        missing = facts.total - facts.measured
        if not facts.measured:
            st.caption("Lengths, rates and levels are not known yet.")
            short_jobs.offer(Profile, plan, "Measure the clips", key="look-measure", help=ABOUT)
        elif missing:
            short_jobs.offer(Profile, plan, f"Measure {counted(missing, 'new clip')}", key="look-measure", help=ABOUT)
        else:
            short_jobs.offer(
                Profile, plan, "Measure again", key="look-measure", help="Reads the clips whose files have changed since.", quiet=True
            )  # fmt: skip


def of_all(there: Opened) -> str:
    """How many clips it has, with those that are left out: ``99 clips, 4 of them left out``."""
    total = counted(there.facts.total, "clip")
    return f"{total}, {count(there.facts.left_out)} of them left out" if there.facts.left_out else total


@st.fragment
def _browse(name: str) -> None:
    with errors_in_place():
        there = opened(name)
        heading("Clips")
        wanted = filters.choose(there)
        rows = wanted.rows(there.frame)
        view = url.one_of("View", VIEWS, word="view", key="look-view")
        total = of_all(there)
        st.caption(f"{count(len(rows))} of {total}" if wanted.narrows else total)
        if not len(rows):
            st.info("No clip fits. Choose fewer filters.", icon=":material/filter_alt_off:")
            return
        key = f"look-{name}-{hashlib.sha256(as_bytes(f'{wanted} {there.version}')).hexdigest()[:8]}"
        left, right = st.columns([3, 2], gap="medium")
        with left, errors_in_place():
            if view == "map":
                number = clip_map.show(there, rows, f"look-{name}")
            else:
                number = (clip_list.table if view == "table" else clip_list.thumbnails)(there, rows, key)
        if number is not None:
            with right:
                first = st.session_state.setdefault(f"{key}-{view}-first", number)
                clip_card.show(there, number, plays=view == "map" or number != first)
