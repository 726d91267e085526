"""A search on the page: live while it is running, what it found, and what to do with that."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from labcore.errors import LabError
from labcore.jobs.background import tail
from labcore.jobs.glances import glance
from labcore.jobs.listing import looked_at
from labcore.jobs.status import RESUMABLE
from labcore.runs import Run
from labcore.search.folder import Search, SearchError
from labcore.search.report import FEWEST, SearchReport, importance
from ui.app import live, services
from ui.app.shell import action_button, errors_in_place, heading, show_error
from ui.app.text import count, counted, plain
from ui.app.ticking import ticking
from ui.components import job_picker, owner_guard
from ui.search import best, charts, trials

MORE = 10
"""So many trials more are offered where a search has done all it was asked for."""


def show(search: Search) -> None:
    """The search, following it while it is running."""
    try:
        before = load(search)
    except SearchError as error:
        live.damaged(search.path, error)
        return
    _head(search, before)

    follows = _follows(before)

    @ticking(live.TICK if follows else None)
    def follow() -> None:
        with errors_in_place():
            report = load(search)
            if report.state != before.state or _follows(report) != follows:
                st.rerun()
            _progress(search, report)
            best.show(search, report)
            _figures(search, report)
            trials.show(report)
            services.settle_memory_once("search")

    follow()
    _settings(report=before)


def _follows(report: SearchReport) -> bool:
    """Whether anything of it goes on: the search, or the run of its best settings."""
    last = best.final_run(report)
    return report.active or (last is not None and glance(last).active)


def _head(search: Search, report: SearchReport) -> None:
    """Whose the search is, where it is another's, and what can be done with it in its state."""
    owner_guard.started_by(report.by)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if report.active:
            owner_guard.stop_button(search, report.by, key="search-stop", disabled=report.state == "stopping")
        elif report.state in RESUMABLE:
            owner_guard.resume_button(search, report.by, key="search-resume", type="primary")
        else:
            more = partial(_go_on, search, max(report.settings.trials, report.done) + MORE)
            owner_guard.guarded_button(
                f"{MORE} more trials", more, report.by, key="search-more", verb="Resume", icon=":material/add:"
            )
        if not report.active:
            with st.popover("Delete", icon=":material/delete:", type="tertiary"):
                st.markdown(f"Delete this search? The final run is kept. {owner_guard.IN_TRASH}")
                owner_guard.ask(report.by, "Delete")
                with_runs = st.toggle("Also delete the runs of its trials", value=True, key="search-remove-runs")
                remove = partial(_remove, search, with_runs)
                action_button("Delete", remove, key="search-remove", icon=":material/delete:")


def _remove(search: Search, with_runs: bool) -> None:
    also = list(search.trial_runs().values()) if with_runs else ()
    services.manager().remove(search, also=also, by=services.visitor_name())
    job_picker.look_at(Search, job_picker.NEW)


def _go_on(search: Search, trials: int) -> None:
    search.extend(trials)
    services.manager().resume(search, by=services.visitor_name())


def _progress(search: Search, report: SearchReport) -> None:
    if report.state == "failed":
        show_error(LabError(report.status.error or "the search failed without a message", report.status.remedy))
        if lines := tail(search.log):
            with st.expander("Last lines of its log", icon=":material/notes:"):
                st.code("\n".join(lines), language=None, wrap_lines=True)
    if report.state == "interrupted":
        st.warning(
            "The search process ended unexpectedly (killed, or the machine restarted). Nothing is lost: press Resume.",
            icon=":material/power_off:",
        )
    if not report.active and report.state != "stopped":
        return
    done, trials = report.done, report.settings.trials
    pruned = sum(trial.state == "pruned" for trial in report.trials)
    line = f"{count(done)} of {counted(trials, 'trial')} done" + (f", {count(pruned)} pruned" if pruned else "")
    word = {
        "queued": "Queued",
        "stopping": "Stopping after the current batch",
        "stopped": f"Stopped{owner_guard.stopped_by(report.status)}",
    }
    st.progress(min(1.0, done / max(1, trials)), text=f"{word[report.state]}: {line}" if report.state in word else line)
    for trial in report.trials:
        if report.active and trial.state == "running" and trial.run_id:
            run = Run(services.workspace().runs / trial.run_id)
            if run.path.is_dir():
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    label = f"Trial {trial.number} :gray[· {live.progress(glance(run), run)}]"
                    live.run_link(run.id, label, icon=":material/model_training:")


def _figures(search: Search, report: SearchReport) -> None:
    if not any(charts.reached(trial) is not None for trial in report.trials):
        return
    finished = sum(trial.value is not None for trial in report.trials)
    left, right = st.columns([3, 2], gap="large")
    with left:
        heading("Trials", f":gray[validation: {report.settings.goal.title.lower()}]")
        charts.history(report, key=f"history-{search.id}")
    with right:
        heading("Importance", ":gray[share of the variance]")
        found = shares(search, finished) if len(report.settings.ranges) > 1 else {}
        if found:
            charts.importance(found, key=f"importance-{search.id}")
            st.caption(f"From {count(finished)} finished trials, by functional ANOVA. Imprecise with few trials.")
        elif len(report.settings.ranges) > 1 and finished < FEWEST:
            st.caption("Needs six finished trials.")
        elif len(report.settings.ranges) > 1:
            st.caption("All finished trials are equally good.")
        else:
            st.caption("Only one setting is varied.")
    if finished >= 3 and not report.active:
        heading("Results by setting", ":gray[the best trial is larger]")
        charts.slices(report, key=f"slices-{search.id}")


def _settings(report: SearchReport) -> None:
    settings = report.settings
    with st.expander("Settings", icon=":material/tune:"):
        st.table(
            {
                "Data set": plain(settings.config.data.dataset),
                "Validation": f"fold {plain(settings.validation)}, {settings.goal.title.lower()}",
                "Test": f"fold {plain(settings.test_fold)}",
                "Network": plain(settings.config.model.name),
                "Epochs": count(settings.config.optim.epochs) if settings.config.optim.epochs else "automatic",
                "Pruning": "yes" if settings.pruning else "no",
            },
            border="horizontal",
            width="content",
        )
        st.caption("Search space, for the command line")
        st.code(" ".join(f"--vary {each.words()}" for each in settings.ranges), language="bash", wrap_lines=True)
        st.caption(f"`labcore search --show {report.id}` shows these results in a shell.")


# --- what a server remembers of the searches that it has read


def load(search: Search) -> SearchReport:
    """A search as it stands. Its journal is read once a server; after that only what is new.

    Raises:
        SearchError: it cannot be read, whatever the reason.
    """
    reports, broken = looked_at(
        [search], lambda each: each.report(journal(str(each.path), _made(each))), lambda each: f"search {each.id}"
    )
    if broken:
        raise SearchError(str(broken[0]), "Delete it, or put its files back")
    return reports[0]


def shares(search: Search, finished: int) -> dict[str, float]:
    """How much each setting mattered, worked out once for a number of finished trials."""
    return _shares(str(search.path), _made(search), finished)


@st.cache_resource(max_entries=20, show_spinner=False)
def journal(path: str, made: float) -> Any:
    """The journal of a search, kept open."""
    return Search(Path(path)).journal()


@st.cache_data(max_entries=50, show_spinner=False)
def _shares(path: str, made: float, finished: int) -> dict[str, float]:
    return importance(Search(Path(path)), journal(path, made))


def _made(search: Search) -> float:
    """Tells a search from another that took its place."""
    try:
        return search.path.stat().st_ino
    except OSError as error:
        raise SearchError(f"search {search.id} no longer exists", "Choose another one") from error
