"""A benchmark report on the page, or several beside each other: what it means, three charts with tables, every figure."""

from __future__ import annotations

import streamlit as st

from labcore.benchmark import article
from labcore.benchmark.cases import ARTICLE
from labcore.benchmark.report import BenchmarkReport
from labcore.benchmark.summary import sentences
from labcore.errors import LabError
from labcore.sheets import csv_of_frame
from ui.app import live
from ui.app.shell import download, heading, one_of, show_error
from ui.app.text import ago, counted, duration, plain, sentence
from ui.benchmark import charts, data
from ui.benchmark.data import MODE_NAMES, MODEL_NAMES, SCOPE_NAMES, Taken
from ui.forms import url


def show(reports: list[BenchmarkReport]) -> None:
    """What the reports say, from the sentence to the last figure."""
    for side, report in data.sides(reports):
        _head(side, report)
    rows = data.taken(reports)
    if not rows:
        if reports:
            st.caption("No measurements.")
        return
    _charts(rows)
    _cpu_forms(reports)
    _article(reports)
    with st.expander("All figures", icon=":material/table:"):
        _frame(data.full_table(reports).dropna(axis=1, how="all"), "every-figure")


def _head(side: str, report: BenchmarkReport) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if side:
                st.badge(side, color="blue")
            names = dict.fromkeys(str(device.get("name", "?")) for device in report.machine.get("devices", []))
            heading(plain(" · ".join(names) or "Unknown machine"), level=2, width="content")
            facts = [report.plan.name, ago(report.created)]
            facts += [f"torch {report.machine['torch']}"] if report.machine.get("torch") else []
            facts += [f"took {duration(report.seconds)}"] if report.seconds else []
            st.markdown(f":small[:gray[{plain(' · '.join(facts))}]]", width="content")
            if report.state != "finished":
                live.badge(report.state)
        if report.error:
            show_error(LabError(report.error, report.remedy))
        for told in sentences(report):
            st.markdown(f"- {plain(told)}")
        _doubts(report)


def _doubts(report: BenchmarkReport) -> None:
    """What was measured beside something else, and what was left out, each with its reasons."""
    disturbed = [measured.disturbed for measured in report.measurements if measured.ok and measured.disturbed]
    left_out = [measured.error for measured in report.measurements if not measured.ok]
    words = [f"{counted(len(disturbed), 'figure')} disturbed"] if disturbed else []
    words += [f"{counted(len(left_out), 'case')} skipped"] if left_out else []
    if not words:
        return
    with st.expander(f"{' and '.join(words)}: why", icon=":material/vibration:", type="compact"):
        for reason, number in (_reasons(disturbed) | _reasons(left_out)).items():
            st.markdown(f"- {plain(reason)}" + (f" :gray[({counted(number, 'case')})]" if number > 1 else ""))


def _reasons(errors: list[str]) -> dict[str, int]:
    """Each reason once with its number, the most frequent first, a dozen at most."""
    reasons = sorted(set(errors), key=errors.count, reverse=True)[:12]
    return {reason or "for an unknown reason": errors.count(reason) for reason in reasons}


@st.fragment
def _charts(rows: list[Taken]) -> None:
    """Speed over batch size, speed-up, and where the time goes, of one network and mode, which are chosen here."""
    there = {model: modes for model, modes in data.works(rows).items() if model != ARTICLE}
    if not there:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        model = _choice("Network", list(there), "model", lambda name: MODEL_NAMES.get(name, name))
        mode = _choice("Work", list(there[model]), "mode", MODE_NAMES.__getitem__)
        scope = _choice("Included", there[model][mode], "scope", SCOPE_NAMES.__getitem__)
    of_mode = data.of(rows, model, mode)
    shown = data.of(of_mode, model, mode, scope)

    st.header("Throughput by batch size", anchor=False)
    every_form = len(data.best(shown)) < len(shown) and st.toggle(
        "Show every configuration",
        key="every-form",
        bind=url.BOUND,
        help="One line per precision, memory format and number of threads.",
    )
    curve = data.curve(shown, every_form=every_form)
    charts.throughput(curve, key="speed-curve")
    st.caption(
        "Thin lines show the quartiles."
        + ("" if every_form else " Each device in its fastest configuration for that batch size.")
    )
    _table(curve.dropna(axis=1, how="all"), "speed-over-batch-size")

    left, right = st.columns(2, gap="large")
    with left:
        _speed_up(of_mode, shown)
    with right:
        _time(of_mode)


def _choice(label: str, options: list[str], word: str, words) -> str:
    """One of some options; the address says which, at this word."""
    if st.session_state.get(word, options[0]) not in options:
        st.session_state.pop(word)
    faces = {option: words(option) for option in options}
    return one_of(label, faces, default=options[0], key=word, bind=url.BOUND)


def _speed_up(of_mode: list[Taken], shown: list[Taken]) -> None:
    st.header("Speed-up", anchor=False)
    devices = list(dict.fromkeys(row.device for row in of_mode))
    if len(devices) > 1:
        base = _choice("Compared with", devices, "base", str)
        bars = data.speed_ups(of_mode, base)
        about = f"Relative to {base}, each device in its fastest configuration."
    else:
        bars = data.against_plain(shown)
        about = "Gain from the configuration: the fastest one compared with PyTorch in fp32 on all threads."
    if not bars:
        st.caption("Nothing to compare: this needs two devices, or two configurations of the same work.")
        return
    charts.ratios(bars, key="speed-ratios", alt="Speed-up")
    st.caption(about)
    _table({"Work": list(bars), "Speed-up": list(bars.values())}, "speed-up")


def _time(of_mode: list[Taken]) -> None:
    st.header("Time by stage", anchor=False)
    scope, parts = data.time_parts(of_mode)
    if not parts:
        st.caption("No breakdown: measure more than the network alone.")
        return
    shares = st.toggle("As shares", value=True, key="shares", bind=url.BOUND)
    labels, times = [label for label, _ in parts], [time for _, time in parts]
    charts.parts(labels, times, shares=shares, key="speed-parts")
    st.caption(
        f"Time per clip, {SCOPE_NAMES[scope].lower()}. Each stage is timed separately and synchronised, so "
        "the sum can exceed the actual time."
    )
    _table(
        {"Device and batch": labels}
        | {f"{name} ms per clip": [time.get(part) for time in times] for part, name in charts.PART_NAMES.items()},
        "where-the-time-goes",
    )


def _cpu_forms(reports: list[BenchmarkReport]) -> None:
    """What was tried to find the CPU's best form: what precisions, formats and threads mean on a processor."""
    tunings = [(side, tuning) for side, report in data.sides(reports) for tuning in report.tunings if tuning.tried]
    if not tunings:
        return
    st.header("Fastest CPU settings", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(
            "Work",
            range(len(tunings)),
            format_func=lambda n: data.tuning_words(*tunings[n]),
            key="tuning",
            bind=url.BOUND,
            width=460,
        )
    _, tuning = tunings[number]
    labels = [entry.form.replace("_", " ") for entry in tuning.tried]
    charts.lengths(labels, [entry.ms for entry in tuning.tried])
    st.caption(f"ms per batch, lower is better. {plain(sentence(tuning.reason))}")
    _table({"Configuration": labels, "ms per batch": [entry.ms for entry in tuning.tried]}, "cpu-forms")


def _article(reports: list[BenchmarkReport]) -> None:
    table = data.article_table(reports)
    if table is None:
        return
    st.header("Published figures", anchor=False)
    st.dataframe(
        table, hide_index=True, height="content", key="speed-article", placeholder="–", alt="Published figures"
    )
    st.caption(
        f"Quoted: {article.NAME}. It states neither the CPU nor the method of timing. "
        "Measured: the same work, one forward pass of the network alone."
    )


PEAK = st.column_config.NumberColumn(
    format="percent",
    help="FLOPs per second, relative to the fastest matrix product measured on the device in the same precision.",
)


def _table(figures, name: str) -> None:
    with st.expander("Table", icon=":material/table:", type="compact", key=f"speed-table-{name}"):
        _frame(figures, name)


def _frame(figures, name: str) -> None:
    """Figures by column, as a table to download."""
    import pandas as pd

    table = pd.DataFrame(figures)
    looks = {"column_config": {"Share of peak": PEAK}, "placeholder": "–", "alt": name.replace("-", " ").capitalize()}
    st.dataframe(table, hide_index=True, key=f"speed-frame-{name}", **looks)
    looks = {"type": "tertiary", "key": f"speed-csv-{name}"}
    download("CSV", lambda: csv_of_frame(table), f"{name}.csv", "text/csv", **looks)
