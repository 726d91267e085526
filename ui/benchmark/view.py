"""The Benchmark page: which reports are looked at, running benchmarks, reports that come and go."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from labcore.benchmark.job import Benchmark
from labcore.benchmark.report import MOST_BYTES, BenchmarkReport, ReportError
from labcore.jobs.glances import glances
from labcore.jobs.listing import looked_at
from ui.app import live, services
from ui.app.live import TICK
from ui.app.shell import callback, controlled, download, errors_in_place, show_error, tell_trouble
from ui.app.text import ago, count, duration, plain, told_apart
from ui.app.ticking import ticking
from ui.benchmark import charts, data
from ui.components import owner_guard, queue_line

MOST_BESIDE = 4
"""So many reports are laid beside each other at most: more lines than that cannot be told apart."""
FILE_HELP = "The report as JSON, without names of users, hosts or folders. It can be uploaded elsewhere."


def known() -> dict[str, Benchmark]:
    """The reports of the workspace by id, newest first, without those that are still measured."""
    return {each.id: each for each, status in glances(services.workspace(), Benchmark) if not status.active}


def active() -> list[Benchmark]:
    """The benchmarks that measure or wait, whoever started them, oldest first."""
    return [each for each, status in reversed(glances(services.workspace(), Benchmark)) if status.active]


def choose(folders: dict[str, Benchmark]) -> list[Benchmark]:
    """The reports to look at, one or several; kept in the URL."""
    asked = [name for name in st.query_params.get("report", "").split(",") if name]
    wanted = [name for name in asked if name in folders]
    there = {*folders, *(each.id for each in active())}  # one that is measured stands above
    for name in asked:
        if name not in there:
            live.gone("report", name)
    begun = [name for name, folder in folders.items() if (folder.path / "machine.json").exists()]
    current = wanted[:MOST_BESIDE] or (begun or list(folders))[:1]
    if not folders:
        return []

    def changed(names: list[str]) -> None:
        look_at(*(name for name in names if name in folders))

    st.multiselect(
        "Reports",
        list(folders),
        format_func=told_apart(folders, lambda name: _title(str(folders[name].path), _changed(folders[name]))),
        default=current,
        max_selections=MOST_BESIDE,
        placeholder="Choose a report",
        help="Choose several to compare them side by side.",
        **controlled("speed-reports", current, changed),
    )
    return [folders[name] for name in current]


def look_at(*ids: str) -> None:
    """Have the page show these reports."""
    if ids:
        st.query_params["report"] = ",".join(ids)
    else:
        st.query_params.pop("report", None)


@st.cache_data(max_entries=500, show_spinner=False)
def _title(path: str, changed: int) -> str:
    folder = Benchmark(Path(path))
    try:
        return folder.report().title + (" · uploaded" if folder.uploaded else "")
    except Exception:  # the page tells why when it is looked at
        return f"{folder.id} (cannot be read)"


def _changed(folder: Benchmark) -> int:
    """A number that changes when the report does."""
    files = (folder.path / name for name in ("machine.json", "events.jsonl"))
    return sum(file.stat().st_mtime_ns for file in files if file.exists())


# --- running


def at_work() -> bool:
    """Benchmarks that measure or wait, live, each with what it has measured so far. Whether there are any."""
    shown = active()

    @ticking(TICK if shown else None)
    def rows() -> None:
        with errors_in_place():
            now = active()
            if now != shown:
                st.rerun()
            for benchmark in now:
                _one_at_work(benchmark)
            services.settle_memory_once("speed")

    if shown:
        rows()
    return bool(shown)


def _one_at_work(benchmark: Benchmark) -> None:
    report = benchmark.report()
    by = f"by {owner_guard.whose(report.by)} " if owner_guard.anothers(report.by) else ""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                f"**Benchmark {plain(report.plan.name)}** :gray[requested {by}{ago(report.created)}]",
                width="content",
            )
            with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
                live.badge(report.state)
                stopping = report.state == "stopping"
                owner_guard.stop_button(benchmark, report.by, key=f"stop-{benchmark.id}", disabled=stopping)
                if stopping:
                    key, looks = f"kill-{benchmark.id}", {"icon": ":material/close:", "type": "tertiary"}
                    owner_guard.guarded_button("Stop now", benchmark.kill, report.by, key=key, verb="Stop", **looks)
        st.progress(*_progress(benchmark, report))
        rows = data.taken([report])
        if rows:
            last = rows[-1].measured.case
            shown = data.of(rows, last.model, last.mode, last.scope)
            st.markdown(f":small[{data.work_words(last.model, last.mode, last.scope)}]")
            charts.throughput(data.curve(shown, every_form=False), key=f"live-{benchmark.id}", height=240)


def _progress(benchmark: Benchmark, report: BenchmarkReport) -> tuple[float, str]:
    if report.state == "queued":
        return 0.0, queue_line.behind(benchmark)
    told = report.progress
    if told is None:
        return 0.0, "Starting: measuring the peak speed of each device"
    share = min(1.0, told.done / max(1, told.total))
    left = f", {duration(told.seconds_left)} left" if told.seconds_left >= 1 else ""
    line = f"{count(told.done)} of {count(told.total)} measured{left} · {plain(told.what)}"
    return share, line


# --- reports come and go


def keep_and_remove(folders: list[Benchmark]) -> None:
    """Download, upload and remove."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for number, folder in enumerate(folders):
            word = "Download" if len(folders) == 1 else f"Download {data.LETTERS[number]}"
            looks = {"key": f"download-{folder.id}", "help": FILE_HELP}
            download(
                word, lambda folder=folder: folder.report().to_json(), f"{folder.id}.json", "application/json", **looks
            )
        upload()
        what = "these reports" if len(folders) > 1 else "this report"
        owners = [folder.owner for folder in folders]
        owner_guard.remove_button(what, partial(_remove, folders), *owners, key="speed-remove")


def upload() -> None:
    """Take up a report from another machine."""
    number = st.session_state.setdefault("speed-uploads", 0)
    with st.popover("Upload a report", icon=":material/upload_file:"):
        st.caption("JSON file of a report from this page or `labcore benchmark --output`, from any machine.")
        st.file_uploader(
            "Report",
            type="json",
            key=f"speed-upload-{number}",
            on_change=callback(_take_up, "speed-upload"),
            label_visibility="collapsed",
            max_upload_size=MOST_BYTES // 1_000_000,
        )
    tell_trouble("speed-upload")


def _take_up() -> None:
    """Keep the uploaded report and look at it, beside those that are looked at already."""
    number = st.session_state["speed-uploads"]
    file = st.session_state[f"speed-upload-{number}"]
    if file is None:
        return
    st.session_state["speed-uploads"] = number + 1  # an empty uploader in place of the used one
    folder = Benchmark.keep(services.workspace(), BenchmarkReport.from_json(file.getvalue()))
    shown = [name for name in st.session_state.get("speed-reports", []) if name in known()]
    look_at(*[*shown, folder.id][-MOST_BESIDE:])


def _remove(folders: list[Benchmark]) -> None:
    look_at()
    for folder in folders:
        services.manager().remove(folder)


def load(folders: list[Benchmark]) -> list[BenchmarkReport]:
    """The reports that can be read; what is wrong with the others is told in place."""
    reports, broken = looked_at(folders, Benchmark.report, lambda folder: f"report {folder.id}")
    for thing in broken:
        show_error(ReportError(str(thing), "Delete it, or put its files back"))
    return reports
