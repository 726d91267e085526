"""A search on the page: live while it is at work, what it found, and what to do with that."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.config import all_settings
from labcore.errors import LabError
from labcore.jobs.background import tail
from labcore.jobs.glances import glance
from labcore.listing import looked_at
from labcore.runs import Run
from labcore.search.folder import Search, SearchError
from labcore.search.report import Report, Trial, best_config, importance, train_best
from labcore.status import RESUMABLE
from ui.app import live, services
from ui.app.shell import action_button, errors_in_place, show_error
from ui.app.text import count, counted, duration, percent, plain, points, state_face
from ui.components import job_picker, owner_guard
from ui.forms import fields
from ui.search import charts
from ui.search.charts import unit_title, value_word

if TYPE_CHECKING:
    import pandas as pd

MORE = 10
"""So many trials more are offered where a search has done all it was asked for."""


def show(search: Search) -> None:
    """The search, following it while it is at work."""
    try:
        before = load(search)
    except SearchError as error:
        live.damaged(search.path, error)
        return
    _head(search, before)

    last = _final_run(before)
    follows = before.active or (last is not None and glance(last).active)

    @st.fragment(run_every=live.TICK if follows else None)
    def follow() -> None:
        with errors_in_place():
            report = load(search)
            if report.state != before.state:
                st.rerun()
            _progress(search, report)
            _best(search, report)
            _figures(search, report)
            _trials(report)
            services.settle_memory_once("search")

    follow()
    _settings(report=before)


def _head(search: Search, report: Report) -> None:
    """Whose the search is, where it is another's, and what can be done with it in its state."""
    if owner_guard.anothers(report.by):
        st.markdown(f":gray[:material/person: Started by] **{owner_guard.whose(report.by)}**")
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
                st.markdown("Delete this search? This cannot be undone. The final run is kept.")
                owner_guard.ask(report.by, "Delete")
                with_runs = st.toggle("Also delete the runs of its trials", value=True, key="search-remove-runs")
                remove = partial(_remove, search, with_runs)
                action_button("Delete permanently", remove, key="search-remove", icon=":material/delete:")


def _remove(search: Search, with_runs: bool) -> None:
    services.manager().remove(search, also=list(search.trial_runs().values()) if with_runs else ())
    job_picker.look_at(Search, job_picker.NEW)


def _go_on(search: Search, trials: int) -> None:
    search.extend(trials)
    services.manager().resume(search, by=services.visitor_name())


def _progress(search: Search, report: Report) -> None:
    if report.state == "failed":
        show_error(LabError(report.status.error or "the search failed without a message", report.status.remedy))
        lines = tail(search.log)
        if lines:
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
                    text = live.progress(glance(run), run)
                    st.page_link(
                        "pages/train.py",
                        label=f"Trial {trial.number} :gray[· {text}]",
                        icon=":material/model_training:",
                        query_params={"run": run.id},
                    )


def _best(search: Search, report: Report) -> None:
    best, settings = report.best, report.settings
    if best is None:
        if report.active:
            st.caption("Trial 0 is the unchanged recipe. Results appear when it has finished.")
        return
    recipe = report.trials[0] if report.trials and report.trials[0].value is not None else None
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="large")
        with left:
            against = None
            if recipe is not None and recipe is not best and best.value is not None and recipe.value is not None:
                against = _difference(report, best.value - recipe.value)
            st.metric(
                f"Best so far, trial {best.number}" if report.active else f"Best, trial {best.number}",
                _value(report, best.value),
                delta=against,
                delta_color="normal" if settings.objective == "accuracy" else "inverse",
            )
            flatters = f" Best of {counted(report.done, 'trial')}, so slightly optimistic." if report.done > 1 else ""
            st.caption(
                f"On validation fold {plain(settings.validation)}.{flatters} Report the accuracy on test fold "
                f"{plain(settings.test_fold)}, which no trial has used."
            )
        with right:
            table = all_settings()
            st.table(
                {plain(unit_title(table[path])): plain(value_word(value)) for path, value in best.changes.items()},
                border="horizontal",
                alt="Settings of the best trial",
            )
        with st.container(horizontal=True, gap="small"):
            _final(search, report)
            action_button(
                "Open on the Train page",
                partial(_open_form, search),
                key="search-open",
                icon=":material/tune:",
                type="tertiary",
            )
    if st.session_state.pop("search-opened", False):
        st.switch_page("pages/train.py")


def _final(search: Search, report: Report) -> None:
    """Train the best with the test fold held out: once."""
    run = _final_run(report)
    if run is not None:
        status, fold = glance(run), f"fold {plain(report.settings.test_fold)}"
        ended = status.state == "finished"
        word = percent(status.accuracy) if ended else state_face(status.state)[0].lower()
        st.page_link(
            "pages/train.py",
            label=f"Best settings on test {fold}: **{plain(word)}**",
            icon=":material/verified:",
            query_params={"run": run.id},
        )
        return
    action_button(
        "Train and test the best settings",
        partial(train_best, search, services.manager(), by=services.visitor_name()),
        key="search-final",
        type="primary" if report.state == "finished" else "secondary",
        icon=":material/verified:",
        disabled=report.active,
        help="One run on all other folds, evaluated once on the test fold.",
    )


def _final_run(report: Report) -> Run | None:
    """The run that trains what was found, where there is one still."""
    run = Run(services.workspace().runs / report.final) if report.final else None
    return run if run is not None and run.there else None


def _open_form(search: Search) -> None:
    fields.take(best_config(search))
    st.session_state["search-opened"] = True


def _figures(search: Search, report: Report) -> None:
    if not any(charts.reached(trial) is not None for trial in report.trials):
        return
    finished = sum(trial.value is not None for trial in report.trials)
    left, right = st.columns([3, 2], gap="large")
    with left:
        word = "accuracy" if report.settings.objective == "accuracy" else "loss"
        st.markdown(f"**Trials** :gray[validation {word}]")
        charts.history(report, key=f"history-{search.id}")
    with right:
        st.markdown("**Importance** :gray[share of the variance]")
        found = shares(search, finished) if len(report.settings.ranges) > 1 else {}
        if found:
            charts.importance(found, key=f"importance-{search.id}")
            st.caption(f"From {count(finished)} finished trials, by functional ANOVA. Imprecise with few trials.")
        elif len(report.settings.ranges) > 1:
            st.caption("Needs six finished trials.")
        else:
            st.caption("Only one setting is varied.")
    if finished >= 3 and not report.active:
        st.markdown("**Results by setting** :gray[the best trial is larger]")
        charts.slices(report, key=f"slices-{search.id}")


def _trials(report: Report) -> None:
    if not report.trials:
        return
    share = report.settings.objective == "accuracy"
    st.markdown("**All trials**")
    st.dataframe(
        rows_of(report),
        hide_index=True,
        height="content" if len(report.trials) <= 12 else 460,
        column_config={
            "Run": st.column_config.LinkColumn(display_text="open", width="small"),
            "Trial": st.column_config.NumberColumn(width="small"),
            "Value": st.column_config.NumberColumn(
                "Accuracy" if share else "Loss",
                format="percent" if share else "%.4f",
                help="On the validation fold. Pruned trials: the last value.",
            ),
        },
        alt="Trials with states, values and settings",
        placeholder="–",
    )


def rows_of(report: Report) -> pd.DataFrame:
    """A row a trial, the newest first."""
    import pandas as pd

    table = all_settings()
    rows = []
    for trial in reversed(report.trials):
        row = {
            "Trial": trial.number,
            "State": _state_word(report, trial),
            "Value": charts.reached(trial),
            "Epochs": max(trial.curve, default=0),
            **{table[path].title: value_word(value) for path, value in trial.changes.items()},
            "Time": duration(trial.seconds) if trial.seconds is not None else "",
            "Run": f"train?run={trial.run_id}" if trial.run_id else None,
            "Note": trial.note,
        }
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame if any(trial.note for trial in report.trials) else frame.drop(columns="Note")


def _state_word(report: Report, trial: Trial) -> str:
    if trial.state == "running" and not report.active:
        return "Unfinished"
    return state_face(trial.state)[0] + (", best" if report.best is trial else "")


def _settings(report: Report) -> None:
    settings = report.settings
    with st.expander("Settings", icon=":material/tune:"):
        st.table(
            {
                "Data set": plain(settings.config.data.dataset),
                "Validation": f"fold {plain(settings.validation)}, {settings.objective}",
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


def _value(report: Report, value: float | None) -> str:
    return percent(value) if report.settings.objective == "accuracy" else "–" if value is None else f"{value:.4f}"


def _difference(report: Report, difference: float) -> str:
    if report.settings.objective == "accuracy":
        return f"{points(difference)} compared with the recipe"
    return f"{difference:+.4f} compared with the recipe"


# --- what a server remembers of the searches that it has read


def load(search: Search) -> Report:
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
