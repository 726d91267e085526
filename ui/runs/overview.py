"""A run at a glance: its figures and curves, live while it trains; settings, commands, environment, log and files."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.config import all_settings
from labcore.datasets.corrections import Corrections
from labcore.jobs.background import tail
from labcore.jobs.glances import glance
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.runs.asked import asked_for, front_end_reason
from labcore.runs.files import content_of, files_of
from ui.app import live
from ui.app.shell import download, errors_in_place
from ui.app.text import capital, plain
from ui.app.ticking import ticking
from ui.components import owner_guard, results, run_commands
from ui.forms import fields
from ui.runs.rows import size
from ui.train import log, state, training_curves

MOST_BYTES = 2 * 1024**3
"""A larger file is not sent through the browser: it is copied from the run's folder."""


def show(run: Run) -> None:
    events, status = run.events(), glance(run)
    _links(run, status)
    _labels(run)

    @ticking(live.pace(run, events, status.state).curves if status.active else None)
    def follow() -> None:
        with errors_in_place():
            seen, now = run.events(), glance(run)
            if now.state != status.state:
                st.rerun()
            state.show(run, now, seen)
            if now.state == "finished":
                results.figures(run, seen)
            training_curves.show(run, seen, now)

    follow()
    if status.state == "unreadable":
        return
    for title, icon, part in (
        ("Settings", ":material/tune:", _settings),
        ("Command line", ":material/terminal:", lambda run: run_commands.show(run, events)),
        ("Environment", ":material/memory:", _environment),
        ("Log", ":material/notes:", _log),
        ("Files", ":material/folder:", _files),
    ):
        fold = st.expander(title, icon=icon, key=f"run-{title.lower().replace(' ', '-')}", on_change="rerun")
        if fold.open:  # what stands in it costs nothing before
            with fold, errors_in_place():
                part(run)


def _links(run: Run, status: JobStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if status.state in RESUMABLE:
            label = "Resume" if run.checkpoint.exists() else "Start"
            owner_guard.resume_button(run, status.by, label, key="run-resume")
        label = "Watch it train" if status.active else "On the Train page"
        st.page_link("pages/train.py", label=label, icon=":material/model_training:", query_params={"run": run.id})
        if run.weights.exists():
            st.page_link(
                "pages/classify.py", label="Classify", icon=":material/graphic_eq:", query_params={"run": run.id}
            )
            results.download(run)


def _labels(run: Run) -> None:
    """Which labels it takes for others than the data set's own, and what was done about findings of the check before it began."""
    begun = Corrections.of_run(run)
    if told := begun.sentence:
        done = f" Done about findings of the check: {plain('; '.join(begun.mended))}." if begun.mended else ""
        st.markdown(f":small[:gray[:material/edit_note: {capital(told)}.{done}]]")


def _settings(run: Run) -> None:
    """What was asked for: what differs from the default first, then all."""
    asked, used = asked_for(run), run.config
    rows = []
    for path, setting in all_settings().items():
        value, taken = asked.value(path), used.value(path)
        told = f"{fields.tidy(taken)} {setting.unit}".strip()
        worked_out = f"{told} (automatic)" if value is None and taken is not None else told
        default = (
            f"{fields.tidy(setting.default)} {setting.unit}".strip() if setting.default is not None else setting.unset
        )
        rows.append((value != setting.default, setting.title, setting.unset if taken is None else worked_out, default))
    if reason := front_end_reason(run):
        st.markdown(f"Front end, automatic: {plain(reason)}.")
    changed = [row for row in rows if row[0]]
    st.caption(f"{len(changed)} of {len(rows)} settings differ from the default. They come first.")
    ordered = [*changed, *(row for row in rows if not row[0])]
    st.dataframe(
        {
            "Setting": [title for _, title, _, _ in ordered],
            "Value": [value for _, _, value, _ in ordered],
            "Default": [default for _, _, _, default in ordered],
            "Differs": ["yes" if differs else "" for differs, *_ in ordered],
        },
        hide_index=True,
        alt="Settings of the run, those that differ from the default first",
    )


def _environment(run: Run) -> None:
    facts = run.load("environment", {})
    if not facts:
        st.caption("Known once it has started.")
        return
    st.table(
        {plain(name.replace("_", " ")): plain(value) for name, value in facts.items()},
        border="horizontal",
        width="content",
    )


def _log(run: Run) -> None:
    lines = log.log_lines(run.events())
    st.code(
        "\n".join(lines) or "Nothing yet.", language=None, height=300 if len(lines) > 11 else "content", wrap_lines=True
    )
    if printed := tail(run.log):
        st.caption("Last lines that its process printed")
        st.code("\n".join(printed), language=None, wrap_lines=True)


def _files(run: Run) -> None:
    found = files_of(run)
    st.caption(
        f"{size(sum(file.size for file in found))} in all. The run is nothing but this folder: copy it, and you have copied the run."
    )
    for number, file in enumerate(found):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            purpose = f" :gray[· {plain(file.purpose)}]" if file.purpose else ""
            st.markdown(f"{plain(file.name)}{purpose}", width="stretch")
            st.markdown(f":gray[{size(file.size)}]", width="content")
            if file.size <= MOST_BYTES:
                name = file.name.rpartition("/")[2]
                read = partial(content_of, run, file.name)
                download(
                    "",
                    read,
                    name,
                    "application/octet-stream",
                    key=f"file-{number}",
                    type="tertiary",
                    help=f"Download {plain(name)}",
                )
