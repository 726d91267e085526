"""The form of a new split: what belongs together, how it is dealt to folds or parts, and what comes of that before it is kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from labcore.datasets.drawing import GroupedFolds, most_folds
from labcore.datasets.grouping import FOLDER, SOURCE, WAYS, Grouping, group_by
from labcore.datasets.named_splits import LIST, NamedSplit
from labcore.errors import LabError
from labcore.workspace import slug
from ui.app import services
from ui.app.shell import action_button, errors_in_place, one_of
from ui.app.text import capital, count, counted, percent, plain, sentence
from ui.datasets import split_sides, summary
from ui.datasets.opened import Opened, Stamp
from ui.forms.url import BOUND

KINDS = {"folds": "Folds", "shares": "Train, validation, test", LIST: "CSV file"}
PATTERN = "pattern"
AT_ONCE = 20_000
"""Of more clips folds are dealt with a press, and not with every change."""
SEEN, EXAMPLES, UNMATCHED = 200, 3, 50
"""So many groups are listed, so many clips of each, and so many names that do not tell."""
LISTS = ["csv", "tsv", "txt", "json", "jsonl", "parquet"]
ABOUT_PATTERN = (
    "The field in braces is what clips are grouped by. {n:4}: four signs; {n:digits}: digits; *: anything; ?: one sign. "
    "A pattern with a slash is matched with the end of the path, another one with the name."
)


def show(there: Opened, kept: Mapping[str, NamedSplit]) -> None:
    """The form, what comes of it, and how to keep it."""
    key = f"new-split-{there.dataset.name}"
    kind = one_of("Deal the clips to", KINDS, default="folds", key=f"{key}-kind", bind=BOUND)
    with errors_in_place():
        made = _listed(there, key) if kind == LIST else _dealt(there, kind, key)
        if made is None:
            return
        by, wish, dealt = made
        if there.dataset.annotated is not None:
            st.caption("All windows of a recording stay together. The split holds however the recordings are cut.")
        for note in dealt.notes:
            st.caption(plain(sentence(note)))
        placed = split_sides.place(there, f"{kind} {wish}", dealt.folds, dealt.grouping.groups)
        _keep(there, kept, placed, by, wish, key)
        split_sides.show(there, placed, f"{key}-sides")


# --- what belongs together


def _dealt(there: Opened, kind: str, key: str) -> tuple[str, dict[str, Any], GroupedFolds] | None:
    """What clips are grouped by, the wish by which the folds are known, and the folds; None where nothing was dealt."""
    by = _by(there, key)
    if not by:
        return None
    grouping = _grouping(there.dataset.name, there.version, by, there)
    _preview(there, grouping)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wish: dict[str, Any] = {"by": by}
        if kind == "folds":
            most = max(2, most_folds(there.dataset, grouping))
            wish["folds"] = st.number_input(
                "Folds", 2, most, min(5, most), key=f"{key}-folds-{most}", width=130, bind=BOUND
            )
        else:
            wish["shares"] = _shares(key)
        about = "Another number deals the groups otherwise."
        wish["seed"] = st.number_input("Seed", 0, 2**31 - 1, 0, key=f"{key}-seed", width=130, help=about, bind=BOUND)
        if there.facts.total > AT_ONCE:
            if st.button("Draw", key=f"{key}-draw", icon=":material/shuffle:"):
                st.session_state[f"{key}-wish"] = wish
            if st.session_state.get(f"{key}-wish") != wish:
                return None
    return (
        by,
        wish,
        _folds(there.dataset.name, there.version, json.dumps(wish), split_sides.checked(there), there, grouping),
    )


def _by(there: Opened, key: str) -> str:
    """What clips are grouped by; "" while a pattern is awaited."""
    ways = _ways(there.dataset.name, there.version, there)
    told = {by: groups for by, groups in ways.items() if groups}
    titles = {by: f"{capital(by)} · {counted(groups, 'group')}" for by, groups in told.items()} | {
        PATTERN: "Pattern of the names …"
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.selectbox(
            "Keep together", list(titles), format_func=titles.__getitem__, key=f"{key}-by", width=260, bind=BOUND,
            help="Clips of one group stay on one side. Source: the recordings that the data set tells.",
        )  # fmt: skip
        if by == PATTERN:
            by = st.text_input(
                "Pattern", key=f"{key}-pattern", placeholder="{speaker}_*", help=ABOUT_PATTERN, width=300, bind=BOUND
            ).strip()
    if missing := [by for by, groups in ways.items() if not groups]:
        st.caption(f"Not told by these files: {', '.join(missing)}.")
    if not by:
        names = there.frame["clip"].iloc[:: max(1, len(there.frame) // EXAMPLES)].head(EXAMPLES)
        st.caption("Names to match: " + " · ".join(f"`{plain(name)}`" for name in names))
    return str(by or "")


@st.cache_data(max_entries=16, ttl=300, show_spinner="Reading the names …")
def _ways(name: str, version: str, _there: Opened) -> dict[str, int]:
    """What clips may be grouped by → how many groups; 0 where the names do not tell."""
    from labcore.datasets.grouping import fields_of

    ways = dict.fromkeys([SOURCE, *WAYS, FOLDER, *fields_of(_there.dataset)], 0)
    for by in ways:
        try:
            ways[by] = len(_grouping(name, version, by, _there).sizes)
        except LabError:
            continue
    return ways


@st.cache_resource(max_entries=32, ttl=300, show_spinner="Reading the names …")
def _grouping(name: str, version: str, by: str, _there: Opened) -> Grouping:
    return group_by(_there.dataset, by)


def _preview(there: Opened, grouping: Grouping) -> None:
    """The groups that were found, with examples, and the names that do not tell."""
    import pandas as pd

    sizes, clips = grouping.sizes, len(grouping.groups)
    largest, many = next(iter(sizes.items()))
    share = f"The largest, {plain(largest)}, has {counted(many, 'clip')} ({percent(many / clips)})." if many > 1 else ""
    st.markdown(f"{plain(sentence(grouping.sentence))} {share}")
    with st.expander("Groups", icon=":material/groups:"):
        frame = pd.DataFrame({"group": grouping.groups, "way": grouping.ways})
        first = frame.groupby("group")["way"].apply(
            lambda ways: ", ".join(each.rpartition("/")[2] for each in ways.head(EXAMPLES))
        )
        seen = list(sizes)[:SEEN]
        table = {"Group": seen, "Clips": [sizes[group] for group in seen], "Examples": [first[group] for group in seen]}
        st.dataframe(
            pd.DataFrame(table), hide_index=True, height=300 if len(seen) > 7 else "content", alt="Groups with examples"
        )
        if len(sizes) > SEEN:
            st.caption(f"and {count(len(sizes) - SEEN)} more")
    if grouping.unmatched:
        with st.expander(f"{counted(len(grouping.unmatched), 'name')} did not match", icon=":material/help:"):
            st.caption("Each keeps its own recording as its group.")
            for row in grouping.unmatched[:UNMATCHED]:
                st.markdown(f"`{plain(grouping.ways[row])}`")
            if len(grouping.unmatched) > UNMATCHED:
                st.caption(f"and {count(len(grouping.unmatched) - UNMATCHED)} more")


# --- how it is dealt


def _shares(key: str) -> str:
    """Shares in percent, as :func:`labcore.datasets.shares.shares_of` reads them."""
    train = st.number_input("Train (%)", 1, 98, 70, key=f"{key}-train", width=120, bind=BOUND)
    val = st.number_input(
        "Validation (%)", 0, 99 - train, min(15, 99 - train), key=f"{key}-val-{train}", width=140, bind=BOUND
    )
    test = 100 - train - val
    st.markdown(f":gray[Test]  \n{test} %", width="content")
    return f"{train},{val},{test}" if val else f"{train},{test}"


@st.cache_resource(max_entries=16, ttl=300, show_spinner="Dealing the groups …")
def _folds(name: str, version: str, wish: str, checked: Stamp, _there: Opened, _grouping: Grouping) -> GroupedFolds:
    from labcore.datasets.drawing import make_folds
    from labcore.datasets.shares import make_parts, shares_of

    wanted = json.loads(wish)
    if "shares" in wanted:
        return make_parts(_there.dataset, _grouping, shares_of(wanted["shares"]), wanted["seed"])
    return make_folds(_there.dataset, _grouping, wanted["folds"], wanted["seed"])


def _listed(there: Opened, key: str) -> tuple[str, dict[str, Any], GroupedFolds] | None:
    """The folds of a list that a visitor uploads; None while it is awaited."""
    from labcore.datasets.listed_folds import grouped_list

    about = "A table with the columns path and fold. Paths go on from the data set's folder; train, val and test are folds, too."
    file = st.file_uploader("List of folds", type=LISTS, key=f"{key}-list", help=about)
    if file is None:
        st.caption("Clips that the list does not name are used for nothing.")
        return None
    about = "Moves clips of one recording, and copies, to the fold in which most of them are."
    together = st.toggle("Move together what belongs together", key=f"{key}-together", help=about)
    with tempfile.TemporaryDirectory(dir=services.workspace().cache) as folder:
        path = Path(folder) / f"{slug(Path(file.name).stem, 60)}{Path(file.name).suffix.lower()}"
        path.write_bytes(file.getvalue())
        made = grouped_list(there.dataset, path, together=together)
    return LIST, {"list": file.file_id, "together": together, "seed": 0}, made


# --- how it is kept


def _keep(
    there: Opened, kept: Mapping[str, NamedSplit], placed: split_sides.Placed, by: str, wish: dict[str, Any], key: str
) -> None:
    if placed.leaks:
        st.error(
            "This split leaks, so it cannot be kept. What leaks is told below. Move together what belongs together, or draw folds.",
            icon=":material/block:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        suggested = _free(slug(by if by in (*WAYS, SOURCE, FOLDER, LIST) else "pattern"), kept)
        named = f"{key}-name-{suggested}"
        name = st.text_input("Name", value=suggested, key=named, width=220)
        action_button(
            "Keep", lambda: _kept(there, placed, st.session_state[named], by, wish["seed"]), key=f"{key}-keep", type="primary",
            icon=":material/save:", disabled=not name.strip(),
        )  # fmt: skip


def _free(name: str, kept: Mapping[str, NamedSplit]) -> str:
    return next(each for each in (name, *(f"{name}-{n}" for n in range(2, len(kept) + 3))) if each not in kept)


def _kept(there: Opened, placed: split_sides.Placed, name: str, by: str, seed: int) -> None:
    from labcore.datasets.named_splits import keep_split

    made = keep_split(
        services.workspace(), there.dataset.name, name, placed.folds, placed.groups,
        by=by, seed=seed, who=services.visitor_name(), dataset=there.dataset,
    )  # fmt: skip
    summary.splits.clear()
    st.query_params["split"] = made.split
    st.toast(f"Kept the split {plain(made.split)}", icon=":material/check:")
