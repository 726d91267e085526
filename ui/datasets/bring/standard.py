"""Standard data sets by name: what each is, its licence to accept, and its download as a job."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from labcore.downloads.job import Download, DownloadPlan
from labcore.downloads.origin import downloaded_sets
from labcore.downloads.places import ARCHIVES, folder_of_mirror, plain_url, url_of
from labcore.errors import LabError
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.standard_sets import SETS, StandardSet
from labcore.texts import megabytes
from ui.app import services
from ui.app.shell import action_button, address_button, place
from ui.app.text import counted, plain
from ui.datasets.bring import jobs
from ui.datasets.listed import WORD


def show() -> None:
    """The tab: a card a set."""
    here = _here()
    open_jobs = _jobs()
    for about in SETS.values():
        with st.container(border=True):
            st.markdown(
                f"**{plain(about.title)}**  \n:small[{counted(about.clips, 'clip')} in {counted(about.classes, 'class', 'classes')}; "
                f"{plain(about.folds)}]  \n:small[Download {megabytes(about.bytes)}, unpacked {megabytes(about.unpacked)}. "
                f"Licence **{plain(about.licence)}**]"
            )
            for name in here.get(about.name, ()):
                address_button(f"In this workspace as {plain(name)}", {WORD: name}, key=f"standard-{about.name}-{name}")
            if about.name in open_jobs:
                going = open_jobs[about.name].active
                st.caption(f"{'It is being downloaded' if going else 'Its download did not finish'}: see above.")
            with st.expander("Download", icon=":material/download:"):
                _form(about, open_jobs.get(about.name))


def _here() -> dict[str, list[str]]:
    """Standard set → what it is called in the workspace, where it was downloaded into it."""
    found: dict[str, list[str]] = {}
    for name, facts in downloaded_sets(services.workspace()).items():
        found.setdefault(str(facts.get("dataset")), []).append(name)
    return found


def _jobs() -> dict[str, JobStatus]:
    """Standard set → the newest download of it that is running or can be resumed."""
    found: dict[str, JobStatus] = {}
    for job, status in reversed(jobs.every()):
        if isinstance(job, Download) and (status.active or status.state in RESUMABLE):
            found[str(job.load("download", {}).get("dataset"))] = status
    return found


def _form(about: StandardSet, status: JobStatus | None) -> None:
    key = f"standard-{about.name}"
    st.markdown(
        f"Licence **{plain(about.licence)}**: {plain(about.terms)} [Where it is described]({about.page})  \n"
        f":small[{plain(about.citation)}]"
    )
    st.text_input("Name", value=about.name, key=f"{key}-name", help="Name in this workspace.")
    st.text_input(
        "Archive on this machine",
        key=f"{key}-file",
        placeholder="automatic",
        help="Path of an archive that was fetched by hand.",
    )
    accepted = st.checkbox(f"I accept the licence {about.licence}", key=f"{key}-accepted")
    running = status is not None and status.active
    action_button(
        "Download",
        lambda: _start(about, st.session_state[f"{key}-name"], st.session_state[f"{key}-file"]),
        key=f"{key}-start",
        type="primary",
        icon=":material/download:",
        disabled=running or not accepted,
    )
    _by_hand(about)


def _by_hand(about: StandardSet) -> None:
    """What is here already of the archive, and what to do where the machine reaches no network."""
    path = services.workspace().cache / ARCHIVES / about.file
    part = path.with_name(f"{path.name}.part")
    if path.is_file():
        st.caption(f"The archive is here already, at {plain(place(path))}: nothing is downloaded.")
        return
    if part.is_file():
        st.caption(f"{megabytes(part.stat().st_size)} of the archive are here: the download goes on from there.")
    try:
        mirror = folder_of_mirror()
        address = plain_url(url_of(about))
    except LabError:
        mirror, address = None, about.url
    also = f" It is looked for in {plain(place(mirror))} first." if mirror else ""
    st.caption(
        f"Without a network: fetch [{plain(about.file)}]({address}) with another machine, put it at {plain(place(path))} or name its "
        f"place above, and press Download.{also}"
    )


def _start(about: StandardSet, name: str, file: str) -> None:
    """Download it, as a job.

    Raises:
        LabError: the name is taken, or there is no such archive.
    """
    from labcore.allowed_paths import check_root
    from labcore.errors import DatasetError
    from labcore.typed import hint, typed_path
    from labcore.workspace import slug

    name = slug(name.strip() or about.name)
    jobs.require_free(name)
    archive = os.path.abspath(typed_path(file)) if file.strip() else ""  # noqa: PTH100 (tidies "..", keeps links)
    if archive:
        check_root(archive)
        if not os.path.isfile(archive):  # noqa: PTH113
            raise DatasetError(f"there is no file {archive}", hint(typed_path(file)))
    plan: dict[str, Any] = {"dataset": about.name, "name": name, "licence": about.licence, "file": archive}
    jobs.begun(services.ask_for(Download, DownloadPlan(**plan)))
