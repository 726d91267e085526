"""The networks to choose from, wherever a page asks one.

Runs, then trials, folds and members of ensembles under a heading of their own, then the network that travels with the lab.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from labcore import builtin
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.runs.origin import parts, usual
from ui.app import live
from ui.app.shell import controlled
from ui.app.text import capital, plain, run_name, told_apart

PARTS = "─── Trials of searches, folds, ensemble members ───"
BUILTIN = "─── Built in ───"
"""Headings, which are entries of the list: a press on one of them changes nothing."""


class Networks:
    """What there is to choose from.

    Args:
        demo: the built-in network is among them, last.

    Attributes:
        runs: by the name that a link and a widget give them, in the order of the list.
        usual: the name of the one that answers where none is chosen: the last that somebody started, else the best, else the built-in one.
    """

    def __init__(self, demo: bool = True) -> None:
        trained = live.trained()
        listed = [run for run, _ in trained.values()]
        belonging = parts(listed)
        self.runs = {run.id: run for run in sorted(listed, key=lambda run: run.id in belonging)}
        self._words = {run_id: _words(trained[run_id], belonging.get(run_id, "")) for run_id in self.runs}
        first = usual(listed, lambda run: trained[run.id][1].accuracy, belonging)
        self._options = [run_id for run_id in self.runs if run_id not in belonging]
        if belonging:
            self._options += [PARTS, *(run_id for run_id in self.runs if run_id in belonging)]
        if demo and builtin.RUN.weights.is_file():
            self._options += [BUILTIN, builtin.NAME] if listed else [builtin.NAME]
            self.runs[builtin.NAME] = builtin.RUN
            self._words[builtin.NAME] = "Built-in demo network · ten city sounds"
        self.usual = first.id if first is not None else next(iter(self.runs), "")

    def controlled_box(self, key: str, shown: str | None, take: Callable[[str], object]) -> Run | None:
        """The list to choose from, whose state is kept elsewhere: the name that it shows; see :func:`ui.app.shell.controlled`."""
        at = None if shown is None else self._options.index(shown)
        self._list("Network", 520, index=at, **controlled(key, shown, take, self.runs))
        return self.runs.get(shown or "")

    def box(self, key: str, label: str = "Network", width: int = 520) -> Run | None:
        """The list to choose from; None until something is chosen. Its state is ``st.session_state[key]``."""
        before = f"{key}-before"

        def changed() -> None:
            name = st.session_state[key]
            if name in (PARTS, BUILTIN):
                st.session_state[key] = st.session_state.get(before)

        name = self._list(label, width, key=key, index=None, on_change=changed)
        st.session_state[before] = name
        return self.runs.get(name)

    def _list(self, label: str, width: int, **more: Any) -> Any:
        return st.selectbox(
            label,
            self._options,
            format_func=told_apart(self._options, lambda name: self._words.get(name, name)),
            placeholder="Choose a network",
            width=width,
            **more,
        )


def _words(known: tuple[Run, JobStatus], part: str) -> str:
    """How good comes first, after which part of a whole it is: the end is cut off on a phone."""
    run, status = known
    figure = f"accuracy {status.figure}" if status.mean_ap is None else status.figure
    return " · ".join(filter(None, [part.capitalize(), figure if part else capital(figure), run_name(run)]))


def is_builtin(run: Run) -> bool:
    return run.path == builtin.RUN.path


def about_builtin(alone: bool) -> None:
    """What the built-in network is. ``alone``: there is no other, and this is the way to one."""
    with st.container(border=True):
        head = (
            "You have no trained network yet. This is the built-in demo network."
            if alone
            else "The built-in demo network"
        )
        st.markdown(f"**{head}**  \n:gray[{plain(builtin.what())}.]")
        if alone:
            st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
