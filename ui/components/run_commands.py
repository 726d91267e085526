"""The command lines that do with a run what the pages do."""

from __future__ import annotations

import shlex
from pathlib import Path

import streamlit as st

from labcore.events import Event
from labcore.runs import Run
from labcore.texts import shown


def show(run: Run, events: list[Event]) -> None:
    """The command that trains it again, first; then those that use it.

    Raises:
        RunError: its configuration cannot be read.
    """
    from labcore.export import again

    st.caption("Command line for the same run")
    st.code(again(run, events), language="bash", wrap_lines=True)
    if run.weights.exists():
        st.caption("As an HTTP service")
        st.code(f"labcore serve --run {shlex.quote(run.id)}", language="bash", wrap_lines=True)
    st.caption("Curves, hyperparameters and images in TensorBoard: this run, or all runs")
    st.code(tensorboard(run.tensorboard) + "\n" + tensorboard(run.path.parent), language="bash", wrap_lines=True)
    st.caption(f"Files of the run: `{shown(run.path).replace(chr(96), chr(39))}`")


def tensorboard(folder: Path) -> str:
    """The command that shows the TensorBoard files under a folder."""
    return f"tensorboard --logdir {shlex.quote(str(folder))}"
