"""Parts of a page that follow what goes on: fragments that tick only while something is running."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from labcore.errors import LabError
from labcore.events import Event, TrainingStarted, last_of
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import glances
from labcore.jobs.kind import working_kinds
from labcore.jobs.listing import Unreadable, discard
from labcore.jobs.status import JobStatus
from labcore.jobs.trash import deleted
from labcore.runs import Run
from labcore.texts import counted, shown
from ui.app import services, tasks
from ui.app.shell import action_button, show_error, tell
from ui.app.text import ago, job_name, percent, plain, progress_line, state_face
from ui.app.ticking import ticking
from ui.components import owner_guard, queue_line

TICK = 1.0
"""Seconds between two looks at what is running."""
LOOKING = ":gray-badge[:material/memory: Machine] :gray[looking for a GPU …]"
MOST_AT_WORK = 20
"""So many jobs that are running or wait are drawn, at each look, and the others counted."""
PAGES = {
    "runs": ("pages/train.py", "run"),
    "searches": ("pages/tune.py", "search"),
    "experiments": ("pages/crossval.py", "crossval"),
    "hidden": ("pages/runs.py", "hidden"),
    "curves": ("pages/curve.py", "curve"),
    "reports": ("pages/benchmark.py", "report"),
    "noise": ("pages/explore.py", "noise"),
    "alarms": ("pages/runs.py", "run"),
    "estimates": ("pages/train.py", ""),
    "checks": ("pages/datasets.py", "dataset"),
    "profiles": ("pages/datasets.py", "dataset"),
    "imports": ("pages/datasets.py", "job"),
    "downloads": ("pages/datasets.py", "job"),
}
"""Folder of jobs → the page that shows one, and the word that names it in the address of that page."""
NAMED_BY = {"noise": "run", "alarms": "run", "check": "dataset", "profile": "dataset"}
"""File of jobs that are shown by the page of something else → what in that file names it."""
TAB = {"check": "Check"}
"""File of jobs → the tab of that page."""


class Pace(NamedTuple):
    """Seconds between two looks at a run: at its line of progress, at its curves."""

    line: float
    curves: float


CPU_PACES = (Pace(3.0, 9.0), Pace(5.0, 15.0), Pace(8.0, 24.0))
"""With one visitor, two, and more: they share the cores with the training, and what they take of it is kept small together."""
VISIT_SECONDS = 12.0
"""Half as long again as the slowest look: who reloads a page is two visitors no longer than that."""


def pace(run: Run, events: list[Event], state: str) -> Pace:
    """How often a page looks at a run. While it trains on a CPU it looks less often, and less still where several pages are open."""
    started = last_of(events, TrainingStarted)
    if state != "running" or started is None or started.device != "cpu":
        return Pace(TICK, 2.0)
    visits = services.visits(str(run.path))
    now = time.monotonic()
    visits[st.session_state.setdefault("visitor", uuid.uuid4().hex)] = now
    there = sum(now - seen < VISIT_SECONDS for seen in list(visits.values()))
    return CPU_PACES[min(there, len(CPU_PACES)) - 1]


def runs() -> list[tuple[Run, JobStatus]]:
    """All runs of the workspace with their status, newest first."""
    return glances(services.workspace(), Run)


def trained() -> dict[str, tuple[Run, JobStatus]]:
    """The runs that have weights, newest first: id → run and how it stands, with its accuracy."""
    return {run.id: (run, status) for run, status in runs() if os.path.isfile(run.weights)}  # noqa: PTH113


def unreadable(kind: type[JobFolder], one: str = "", many: str = "") -> None:
    """What the list of a kind leaves out because it cannot be read, folded away. ``one`` is such a thing: "run"."""
    things, one = kind.unreadable(services.workspace()), one or kind.kind.name
    if not things:
        return
    with st.expander(f"{counted(len(things), one, many)} cannot be read", icon=":material/broken_image:"):
        for number, thing in enumerate(things[:50]):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{plain(thing.name)}**  \n:gray[{plain(thing.why)}]", width="stretch")
                remove(thing, f"{one}-{number}")
        if len(things) > 50:
            st.caption(f"and {len(things) - 50} more")


def remove(thing: Unreadable, key: str) -> None:
    """A button that removes what cannot be read, behind a question."""
    if thing.path is not None:
        what = f"**{plain(thing.name)}** with all its files"
        owner_guard.remove_button(what, partial(discard, thing), key=f"discard-{key}")


def damaged(path: Path, error: LabError) -> None:
    """Say that what the page shows cannot be read, and offer to remove it."""
    show_error(error)
    remove(Unreadable(shown(path.name), error.what, path), "this")


def gone(what: str, name: str) -> None:
    """Say that a deep link leads to something that is not in this workspace; the page goes on below."""
    show_error(LabError(f"there is no {what} {shown(name)!r} in this workspace", "Choose another one"))


def gone_job(kind: type[JobFolder], name: str) -> None:
    """The same of a job; of one in the trash, that it was deleted, and by whom."""
    thing = next((each for each in deleted(services.workspace(), kind) if each.job.id == name), None)
    if thing is None:
        gone(kind.kind.name, name)
        return
    who = f" by {thing.by}" if owner_guard.anothers(thing.by) else ""
    remedy = "The trash on the Runs page gives it back. Or choose another one"
    show_error(LabError(f"{thing.job.title} was deleted{who}, {ago(thing.when)}", remedy))


def badge(state: str) -> None:
    word, icon, colour = state_face(state)
    st.badge(word, icon=icon, color=colour)


@contextlib.contextmanager
def device_line() -> Iterator[None]:
    """The machine in a line, above the part of the page that is drawn inside.

    torch, which has to be asked, is imported in the background once that part is there. The line looks for what it says, and not the
    page: as long as a run of the page goes on, no part of it answers a press.
    """
    looking, steps = not _device(), services.time_steps()
    timing = steps is not None and steps.running

    @ticking(TICK if looking or timing else None)
    def line() -> None:
        told = _device()
        if (looking and told) or (timing and not steps.running):
            st.rerun()  # the form tells the device, too, and how long a run takes on it
        _show_device(told)

    line()
    yield
    if looking:
        services.look_for_device()


def _show_device(told: str) -> None:
    """The line of the machine, with a link to what keeps it from using a GPU where it has none."""
    device = services.known_device()
    if not told or device is None or device.device.startswith("cuda"):
        st.markdown(told or LOOKING)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(told, width="content")
        st.page_link("pages/environment.py", label="Why?", icon=":material/help:")


def _device() -> str:
    """What the line says of the machine; empty as long as nobody knows."""
    device, trouble = services.known_device(), services.device_trouble()
    if device is not None:
        kind = "GPU" if device.device.startswith("cuda") else "CPU"
        colour = "green" if kind == "GPU" else "gray"
        where = "" if kind == "GPU" else " Training runs on the CPU."
        return f":{colour}-badge[:material/memory: {kind}] {plain(device.name)} :gray[– {plain(device.reason)}.{where}]"
    return f":orange-badge[:material/memory: Unknown] :gray[{plain(trouble)}]" if trouble else ""


def active_jobs() -> list[tuple[JobFolder, JobStatus]]:
    """The jobs that wait or are running, of every kind that has work of its own: those running first, then as the queue has them."""
    home = services.workspace()
    found = [(job, status) for kind in working_kinds(home) for job, status in glances(home, kind) if status.active]
    order = {job.id: place for place, job in enumerate(services.manager().queue(), 1)}
    return sorted(found, key=lambda item: (order.get(item[0].id, 0), item[1].queued_at))


def at_work() -> None:
    """The jobs that wait or are running, live. Nothing where there are none."""
    active = {job for job, _ in active_jobs()}

    @ticking(TICK if active else None)
    def rows() -> None:
        now = active_jobs()
        if {job for job, _ in now} != active:
            st.rerun()
        waits = queue_line.each_behind([job for job, status in now[:MOST_AT_WORK] if status.state == "queued"])
        for job, status in now[:MOST_AT_WORK]:
            with st.container(border=True):
                with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                    job_link(job, owner_guard.whose(status.by))
                    badge(status.state)
                st.progress(status.share, text=waits.get(job.path) or progress(status, job))
        if more := now[MOST_AT_WORK:]:
            st.caption(f"and {counted(len(more), 'more job', 'more jobs')} running or in the queue")

    if active:
        st.header("Running now", anchor=False)
        rows()


def progress(status: JobStatus, job: JobFolder) -> str:
    """Where a job is and its latest figure, in a line of Markdown; of one that waits, behind which others."""
    line = place(status, job)
    if status.state == "queued":
        return line
    if status.mean_ap is not None:
        line += f" · {status.watched} {status.figure}"
    elif status.accuracy is not None:
        line += f" · {status.watched} accuracy {percent(status.accuracy)}"
    return line


def place(status: JobStatus, job: JobFolder) -> str:
    """The same without the figure, for a page that shows it in another part, which may be an epoch behind."""
    if status.state == "queued":
        return queue_line.behind(job)
    line = plain(progress_line(status))
    return line[:1].upper() + line[1:]


def job_link(job: JobFolder, after: str = "") -> None:
    """A job's name, which leads to its page where it has one."""
    label = plain(job_name(job)) + (f" :gray[· {after}]" if after else "")
    page, word = PAGES.get(job.kind.room, ("", ""))
    if not page:
        st.markdown(label, width="content")
        return
    stem = job.kind.file.removesuffix(".json")
    name = job.load(stem, {}).get(NAMED_BY[stem], "") if stem in NAMED_BY else job.id
    if word == "dataset" and os.path.isabs(name):  # noqa: PTH117 (a folder that is no data set of the workspace has no page)
        st.markdown(label, width="content")
        return
    words = {word: name, **({"tab": TAB[stem]} if stem in TAB else {})} if word else None
    st.page_link(page, label=label, query_params=words, help=plain(job.id))


def run_link(run_id: str, label: str, **looks: Any) -> None:
    """A link to the page of a run."""
    st.page_link("pages/train.py", label=label, query_params={"run": run_id}, **looks)


def no_data_yet(key: str, own: Callable[[], object] | None = None) -> None:
    """What a form says where there is no data set to choose. ``own`` offers ways to bring one's own; else a link leads there."""
    with st.container(border=True):
        st.markdown("**No data set yet.** Generate the demo set: ten city sounds, 400 clips, no download, about 15 s.")
        demo_button(key)
        if own is not None:
            own()
        else:
            st.page_link("pages/datasets.py", label="Add a data set", icon=":material/folder_open:")


@st.fragment
def demo_button(key: str, kind: str = "primary") -> None:
    """A button that makes the demo set, with its progress; several pages may show it, the work is one.

    Only shown where there is no demo set. Nothing ticks before somebody has pressed it.
    """
    task = tasks.held().get("demo")
    if task is not None and task.running:
        _demo_at_work()
        return
    if task is not None and task.error is not None:
        tell(task.error)
    action_button("Generate demo set", make_demo, key=key, type=kind, icon=":material/auto_awesome:")


def make_demo() -> None:
    """Make the demo set in the background, or join the making of it."""
    folder = services.workspace().datasets / "demo"

    def work(progress: tasks.Progress) -> Any:
        from labcore.datasets.demo import make_demo

        return make_demo(folder, progress=progress)

    tasks.begin("demo", work)


@ticking(TICK)
def _demo_at_work() -> None:
    """The progress of the demo set. It asks for the page again until that shows what came of it, should one rerun be lost."""
    task = tasks.held().get("demo")
    if task is None or not task.running:
        st.rerun()
    st.progress(task.fraction, text=f"Generating … {task.done} of {task.total} clips" if task.total else "Generating …")
