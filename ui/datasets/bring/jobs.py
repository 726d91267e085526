"""Imports and downloads on the page: those that are running, those that did not finish, and what this visit's have made."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from labcore.downloads.job import Download
from labcore.errors import DatasetError
from labcore.importing.job import Import, SetMaker
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import glances, look
from labcore.jobs.status import RESUMABLE, JobStatus
from ui.app import live, services
from ui.app.shell import action_button, address_button, errors_in_place
from ui.app.text import counted, plain
from ui.components import owner_guard, short_jobs
from ui.datasets.bring import found
from ui.datasets.listed import WORD

JOB = "job"
"""The word of the address that names one."""
MINE = "bring-jobs"
KINDS: tuple[type[SetMaker[Any]], ...] = (Import, Download)
OPEN = 3
"""So many that did not finish are shown at once; more are folded away."""


def begun(job: JobFolder) -> None:
    """Have the page show what comes of a job that this visit has begun."""
    st.session_state.setdefault(MINE, []).append(job.id)


def require_free(name: str) -> None:
    """Refuse a name that a data set has, or will have once an import or download is done.

    Raises:
        DatasetError: it is taken.
    """
    from labcore.datasets.names import require_free

    require_free(services.workspace(), name, None)
    if any(status.active and look(job)[1].dataset == name for job, status in every()):
        raise DatasetError(f"a data set is just being made under the name {name!r}", "Choose another name")


def every() -> list[tuple[SetMaker[Any], JobStatus]]:
    """All imports and downloads, newest first."""
    found = [each for kind in KINDS for each in glances(services.workspace(), kind)]
    return sorted(found, key=lambda each: each[0].id, reverse=True)


def show() -> None:
    """Nothing where there is nothing to tell."""
    there, wanted = every(), st.query_params.get(JOB, "")
    mine = {*st.session_state.get(MINE, ()), wanted}
    if wanted and wanted not in {job.id for job, _ in there}:
        live.gone("import or download", wanted)
    told = [each for each in there if each[1].active or each[0].id in mine]
    ended = [each for each in there if each not in told and each[1].state in RESUMABLE]
    if len(ended) <= OPEN:
        told, ended = told + ended, []
    if told or ended:
        st.header("Imports and downloads", anchor=False)
    for job, status in told:
        _row(job, status)
    if ended:
        with st.expander(f"{counted(len(ended), 'import or download', 'imports and downloads')} did not finish"):
            for job, status in ended:
                _row(job, status)
    for kind in KINDS:
        live.unreadable(kind)


def _row(job: SetMaker[Any], status: JobStatus) -> None:
    with st.container(border=True), errors_in_place():
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            _, asked, _ = look(job)
            whose = owner_guard.whose(status.by)
            title = f"**{job.kind.name.capitalize()}** · {plain(asked.title or job.id)}"
            st.markdown(f"{title}{f' :gray[· {whose}]' if whose else ''}", width="content")
            if not status.active:  # else the line that follows it says more, and is newer
                live.badge(status.state)
        if status.active:
            short_jobs.follow(job, job.id)
        elif status.state == "finished":
            _made(job)
        else:
            _ended(job, status)


def _made(job: SetMaker[Any]) -> None:
    """What came of it, and the way there."""
    made = job.result
    if made is not None:
        facts = f"{counted(made.clips, 'clip')} in {counted(made.classes, 'class', 'classes')}"
        st.markdown(f"{plain(made.name)}: {facts}")
        if made.warnings:
            with st.expander(counted(len(made.warnings), "warning"), icon=":material/warning:"):
                st.markdown("\n".join(f"- {plain(text)}" for text in made.warnings))
    with st.container(horizontal=True, gap="small"):
        if made is not None:
            address_button(
                f"Open {plain(made.name)}", {WORD: made.name}, key=f"{job.id}-open", icon=":material/library_music:"
            )
        action_button("Close", partial(_close, job.id), key=f"{job.id}-close", icon=":material/close:", type="tertiary")


def _close(name: str) -> None:
    st.session_state[MINE] = [each for each in st.session_state.get(MINE, ()) if each != name]
    if st.query_params.get(JOB) == name:
        del st.query_params[JOB]


def _ended(job: SetMaker[Any], status: JobStatus) -> None:
    """Why it did not finish, and what can be done about it."""
    short_jobs.why_not(job, status)
    if status.state == "stopped":
        how = "goes on where it stopped" if isinstance(job, Download) else "begins anew"
        st.caption(f"Stopped{owner_guard.stopped_by(status)}. Resume {how}.")
    with st.container(horizontal=True, gap="small"):
        owner_guard.resume_button(job, status.by, key=f"{job.id}-resume")
        if isinstance(job, Import):
            _under_another_name(job, status)
        remove = partial(services.manager().remove, job, by=services.visitor_name())
        owner_guard.remove_button(f"**{plain(job.id)}** with its files", remove, status.by, key=f"{job.id}-delete")


def _under_another_name(job: Import, status: JobStatus) -> None:
    """The same import again for a data set of another name, without another upload."""
    key = f"{job.id}-name"
    with st.popover("Another name", icon=":material/edit:", type="tertiary", key=f"{key}-menu"):
        name = found.named(job.plan.name, key)
        owner_guard.guarded_button(
            "Import", lambda: _again(job, name()), status.by, key=f"{key}-again", icon=":material/library_add:"
        )


def _again(job: Import, name: str) -> None:
    """Raises DatasetError where the name is taken, and LabError where the import goes on already."""
    require_free(name)
    job.call(name)
    services.manager().resume(job, by=services.visitor_name())
    begun(job)
