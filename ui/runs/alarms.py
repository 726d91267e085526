"""False alarms an hour of a run in recordings without targets, and the thresholds that follow: the tab "False alarms"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from labcore import keeping
from labcore.alarms.choice import AlarmFigures, Choice, Point
from labcore.alarms.job import AlarmsPlan, AlarmTest
from labcore.allowed_paths import check_root
from labcore.errors import ConfigError
from labcore.inference.thresholds import Thresholds, threshold_words
from labcore.jobs.glances import glance
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.sheets import csv_of_frame
from labcore.texts import spread
from labcore.typed import typed_path
from labcore.workspace import stamp_of
from ui.app import services, shell
from ui.app.text import counted, label_names, percent, plain, sentence
from ui.charts import alarms as charts
from ui.components import owner_guard, short_jobs
from ui.forms import url
from ui.runs import alarm_cards

HELP = """\
Give hours of recordings that contain **none** of the classes, or of machines that run normally: every detection in them is a false alarm.
The more alarms you accept, the lower the thresholds, and the more true sounds are found. Classes such as normal, noise or background
give no alarms."""
RATES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
OF_THRESHOLDS = "Least probability of an event of the class. At 0 % all of its alarms are accepted; never: none is."
OF_RECALL = "Share of held-out clips that are found at the threshold."
TOGETHER, EACH = "all classes together", "each class"
ALL = ""


def show(run: Run) -> None:
    """Run over recordings, choose how many false alarms are accepted, and keep the thresholds."""
    st.caption(HELP)
    if not run.weights.is_file():
        st.info("The run has no weights yet.", icon=":material/info:")
        return
    job = last_of(run)
    status = glance(job) if job is not None else None
    _form(run, job, active=status is not None and status.active)
    if job is None or status is None or not _show(job, status, run):
        _kept_line(run)


def last_of(run: Run) -> AlarmTest | None:
    """The visitor's newest test of a run: what another asked for is neither shown nor stopped here."""
    return next((job for job in AlarmTest.of_run(run) if not owner_guard.anothers(glance(job).by)), None)


def _form(run: Run, job: AlarmTest | None, *, active: bool) -> None:
    before = job.load("alarms", {}).get("sounds", []) if job is not None else []
    key = f"alarms-sounds-{run.id}"
    st.session_state.setdefault(key, "\n".join(map(str, before)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_area(
            "Recordings without targets", key=key, height=68, placeholder="/data/background", width=520,
            help="Paths on the lab's machine, one a line: recordings, or folders of them.",
        )  # fmt: skip
        shell.action_button(
            "Run", partial(start, run, key), key="alarms-start", type="primary", icon=":material/play_arrow:",
            disabled=active,
        )  # fmt: skip


def start(run: Run, key: str) -> None:
    """Begin with what is typed; once at a time for each run and person.

    Raises:
        ConfigError: nothing is typed.
        WorkspaceError: a path lies where visitors may open nothing.
    """
    sounds = [typed_path(line).absolute() for line in st.session_state[key].splitlines() if line.strip()]
    if not sounds:
        raise ConfigError("no recordings are named", "Give the path of a folder, or of recordings, one a line")
    for path in sounds:
        check_root(path)
    job = last_of(run)
    if job is None or not glance(job).active:
        services.ask_for(AlarmTest, AlarmsPlan(run=run.id, sounds=tuple(map(str, sounds))))


def _show(job: AlarmTest, status: JobStatus, run: Run) -> bool:
    """A test while it is running, and what came of it; whether there was something to tell."""
    if status.active:
        short_jobs.follow(job, "alarms")
        return False
    short_jobs.why_not(job, status)
    if status.state in RESUMABLE:
        owner_guard.resume_button(job, status.by, key="alarms-resume")
    if status.state != "finished" and not job.windows.is_file():
        return False
    if status.state != "finished":
        st.caption("Not finished: what was heard so far.")
    with shell.errors_in_place():
        _result(job, run)
        return True
    return False


@st.cache_resource(max_entries=4, show_spinner="Counting alarms …")
def _figures(path: str, changed: tuple[tuple[int, int], ...]) -> AlarmFigures:
    return AlarmFigures.of(AlarmTest(Path(path)))


def figures_of(job: AlarmTest, run: Run) -> AlarmFigures:
    """What a test says; worked out again where something of it has changed."""
    files = (job.windows, job.path / "excluded.json", job.path / "events.jsonl", run.weights, run.predictions)
    return _figures(str(job.path), tuple(map(stamp_of, files)))


def _result(job: AlarmTest, run: Run) -> None:
    figures = figures_of(job, run)
    _summary(figures)
    if figures.trouble:
        st.warning(f"{plain(sentence(figures.trouble))}", icon=":material/warning:")
    rate, each = _wanted(run)
    choice = figures.wanted(rate, each=each)
    names = label_names(figures.onsets)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        _metrics(choice, figures.hours)
        _keep(run, figures, rate, each=each)
        _kept_line(run)
    with right:
        _curve(figures, choice, names)
    _table(choice, names, job)
    alarm_cards.show(job, run, figures, choice)


def _summary(figures: AlarmFigures) -> None:
    st.markdown(plain(figures.sentence))
    _listed(list(figures.background.skipped.values()), "recording", "skipped")
    _listed(figures.background.notes, "note", "on recordings")


def _listed(lines: Sequence[str], what: str, more: str) -> None:
    if lines:
        with st.expander(f"{counted(len(lines), what)} {more}", icon=":material/warning:"):
            for line in lines:
                st.markdown(f"- {plain(line)}")


def _wanted(run: Run) -> tuple[float, bool]:
    """The rate that the visitor wants, and whether it is of each class; at first that of the thresholds that were kept."""
    kept = Thresholds.of_file(run.weights)
    usual, whose = (kept.rate, EACH if kept.each else TOGETHER) if kept is not None else (1.0, TOGETHER)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = st.select_slider(
            "False alarms an hour", sorted({*RATES, usual}), value=usual, format_func="{:g}".format, width=420,
            key=f"alarms-rate-{run.id}", bind=url.BOUND, help="As many are accepted. The thresholds below follow from it.",
        )  # fmt: skip
        of = shell.one_of("Of", [TOGETHER, EACH], default=whose, key=f"alarms-of-{run.id}", bind=url.BOUND)
    return float(rate), of == EACH


def _metrics(choice: Choice, hours: float) -> None:
    with st.container(horizontal=True):
        st.metric(
            "Alarms an hour",
            choice.rate.expected,
            width=150,
            help=f"To be expected in new recordings. In what was heard: {counted(choice.rate.alarms, 'alarm')}.",
        )
        recall = "–" if choice.recall is None else percent(choice.recall)
        st.metric("Mean recall", recall, width=150, help="Of held-out clips, the mean over the classes.")
    st.caption(
        f"95 % interval: {choice.rate.interval} alarms an hour, if alarms come independently of each other (Poisson)."
    )
    if told := choice.sentence(hours):
        st.caption(told)


def _keep(run: Run, figures: AlarmFigures, rate: float, *, each: bool) -> None:
    """The button that writes the thresholds into the weights."""
    wanted, there = figures.kept(rate, each=each), Thresholds.of_file(run.weights)
    same = there is not None and there.on and (there.values, there.rate, there.each) == (wanted.values, rate, each)
    owner_guard.guarded_button(
        "Kept in the weights" if same else "Keep these thresholds in the weights", partial(keeping.keep, run, wanted),
        glance(run).by, key="alarms-keep", verb="Change", type="primary", icon=":material/save:",
        disabled=same or bool(figures.trouble), help="Events, label tracks and the service then follow them.",
    )  # fmt: skip


def _kept_line(run: Run) -> None:
    """What the weights carry, and a switch."""
    kept = Thresholds.of_file(run.weights)
    if kept is None:
        return
    state = "apply to events, label tracks and the service" if kept.on else "are switched off"
    st.markdown(
        f"The weights carry thresholds for **{plain(kept.wanted)}**, measured on {plain(kept.source)}. They {state}."
    )
    owner_guard.guarded_button(
        "Switch off" if kept.on else "Switch on", partial(keeping.switch, run, Thresholds, not kept.on),
        glance(run).by, key="alarms-switch", verb="Change", icon=":material/toggle_on:",
    )  # fmt: skip


def _curve(figures: AlarmFigures, choice: Choice, names: dict[str, str]) -> None:
    """Recall over alarms, of all classes together or of one."""
    if choice.recall is None:
        st.info(f"No recall: {plain(figures.recall.trouble or 'no clip of these classes was held out')}.")
        return
    options = {ALL: "all classes", **names}
    label = st.selectbox(
        "Curve of", list(options), format_func=options.__getitem__, key="alarms-curve-of", width=220, bind=url.BOUND
    )
    if label == ALL:
        charts.recall_over_alarms(figures.curve, Point(choice.rate.value, choice.recall))
    else:
        each = next(one for one in choice.classes if one.label == label)
        if each.recall is None:
            st.info("No clip of this class was held out.", icon=":material/info:")
            return
        point = Point(each.rate.value, each.recall[0], each.threshold)
        charts.recall_over_alarms(figures.curve_of(label), point)
    st.caption(f"Recall of {plain(figures.recall.source)}.")


def _table(choice: Choice, names: dict[str, str], job: AlarmTest) -> None:
    """A row a class."""
    rows = [
        {
            "Class": names[each.label],
            "Threshold": threshold_words(each.threshold),
            "Alarms": each.rate.alarms,
            "Expected an hour": each.rate.value,
            "An hour, 95 %": each.rate.interval,
            "Recall": None if each.recall is None else each.recall[0],
            "Recall, 95 %": "–" if each.recall is None else spread(*each.recall[1:]),
            "Clips": each.clips,
        }
        for each in choice.classes
    ]
    frame = pd.DataFrame(rows)
    st.dataframe(
        frame, hide_index=True, alt="Threshold, false alarms and recall by class", placeholder="–",
        height=420 if len(rows) > 11 else "auto",
        column_config={
            "Threshold": st.column_config.TextColumn(help=OF_THRESHOLDS),
            "Expected an hour": st.column_config.NumberColumn(format="%.2f"),
            "Recall": st.column_config.NumberColumn(format="percent", help=OF_RECALL),
        },
    )  # fmt: skip
    shell.download("CSV", csv_of_frame(frame), f"alarms-{job.id}.csv", "text/csv", key="alarms-csv", type="tertiary")
