"""The examination of this machine as a page shows it: verdict, what to do, proofs, checks. One examination for all visitors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import streamlit as st

from labcore.doctor.report import Check, DoctorReport
from ui.app import services, tasks
from ui.app.shell import action_button, download, heading, tell
from ui.app.text import ago, plain, sentence

TICK = 0.5
"""Seconds between two looks at an examination that is under way."""
PATIENCE = 10.0
"""Seconds after which the checks of an examination that is still under way are shown."""
FACES = {
    "ok": (":material/check_circle:", "green"),
    "info": (":material/info:", "blue"),
    "warning": (":material/warning:", "orange"),
    "error": (":material/cancel:", "red"),
}
"""Status of a check or proof → icon and colour."""
VERDICTS: dict[str, tuple[Callable[..., Any], str]] = {
    "green": (st.success, ":material/check_circle:"),
    "amber": (st.warning, ":material/info:"),
    "red": (st.error, ":material/cancel:"),
}


@dataclass
class Examination(tasks.Task):
    """An examination in the background, with the fullest report so far."""

    report: DoctorReport | None = None
    begun: float = field(default_factory=time.monotonic)


def examination() -> Examination:
    """The latest examination of this server; the first one who asks starts it."""
    there = tasks.held().get("examination")
    return there if isinstance(there, Examination) else examine_again()


def examine_again() -> Examination:
    """Examine the machine anew in the background, or join the examination that is under way."""
    there, home = tasks.held().get("examination"), services.workspace()
    if isinstance(there, Examination) and there.running:
        return there

    def work(progress: tasks.Progress) -> None:
        from labcore.doctor.examination import examine

        for number, report in enumerate(examine(home)):
            new.report = report
            progress(number, 0)

    new = Examination(work)
    tasks.held()["examination"] = new.start()
    return new


def head(now: Examination) -> None:
    """Verdict, and what can be done with the report. Its height is the same while the examination goes on and after it."""
    _verdict(now)
    _actions(now)


def details(now: Examination) -> None:
    """What to do about the machine, proofs and checks.

    They come at once when all is known, so that nothing moves; where that takes long, those that are there are shown.
    """
    if now.report is None or (now.running and time.monotonic() - now.begun < PATIENCE):
        return
    if not now.running:
        _to_do(now.report.to_do())
    _proofs(now.report)
    st.header("Checks", anchor=False)
    for group, checks in now.report.groups():
        with st.container(border=True, gap="xxsmall"):
            heading(plain(group))
            for check in checks:
                _check(check)


def _verdict(now: Examination) -> None:
    report = now.report
    if now.running:
        missing = f" Next: {plain(report.pending[0])}." if report and report.pending else ""
        st.info(f"Checking this machine …{missing}", icon=":material/hourglass_top:")
    elif now.error is not None:
        tell(now.error)
    elif report is not None:
        box, icon = VERDICTS[report.verdict]
        box(f"**{sentence(report.sentence)}**", icon=icon)


def _actions(now: Examination) -> None:
    report = now.report
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        action_button(
            "Check again", examine_again, key="examine-again", icon=":material/refresh:", disabled=now.running
        )
        if report is None or now.running:
            return
        download("Markdown", report.to_markdown, "environment.md", "text/markdown")
        download(
            "JSON",
            lambda: json.dumps(report.to_json(), indent=2, ensure_ascii=False),
            "environment.json",
            "application/json",
        )
        with st.popover("Copy", icon=":material/content_copy:", width="content"):
            st.caption("The report as Markdown, without names, paths or serial numbers.")
            st.code(report.to_markdown(), language="markdown", height=360, wrap_lines=True)
        st.markdown(f":small[:gray[Checked {ago(report.created)}]]", width="content")


def _to_do(checks: list[Check]) -> None:
    if not checks:
        return
    st.header("What to do", anchor=False)
    for check in checks:
        with st.container(border=True, gap="small"):
            st.markdown(_line(check))
            remedy(check.remedy)


def _check(check: Check) -> None:
    if not check.evidence and not check.remedy:
        st.markdown(f":small[{_line(check)}]")
        return
    with st.expander(_line(check), key=f"check-{check.id}", type="compact"):
        if check.evidence:
            st.table(
                {plain(name): plain(value) for name, value in check.evidence.items()},
                border="horizontal",
                width="content",
            )
        if check.remedy:
            remedy(check.remedy)


def _line(check: Check) -> str:
    icon, colour = FACES[check.status]
    return f":{colour}[{icon}] **{plain(check.title)}** :gray[{plain(sentence(check.summary))}]"


def remedy(text: str) -> None:
    """Sentences as they are, commands (lines that start with ``$ ``) to copy."""
    for is_command, lines in remedy_parts(text):
        if is_command:
            st.code("\n".join(lines), language="bash", wrap_lines=True)
        else:
            st.markdown("  \n".join(plain(line) for line in lines))


def remedy_parts(text: str) -> list[tuple[bool, list[str]]]:
    """Stretches of a remedy, each with whether it is commands; these without their ``$ ``."""
    lines = filter(None, (line.strip() for line in text.splitlines()))
    stretches = groupby(lines, key=lambda line: line.startswith("$ "))
    return [(command, [line.removeprefix("$ ") for line in held]) for command, held in stretches]


def _proofs(report: DoctorReport) -> None:
    if not report.proofs:
        return
    import pandas as pd

    st.header("Self-test", anchor=False)
    words = {"ok": "✓ agrees", "error": "✗ fails"}
    frame = pd.DataFrame(
        [
            {
                "Device": proof.device,
                "Check": proof.work,
                "Result": words.get(proof.status, proof.status),
                "Time": f"{proof.took} ms" if proof.took else "–",
                "Largest difference": "–" if proof.difference is None else f"{proof.difference:.1e}",
                "Allowed": f"{proof.tolerance:.0e}",
            }
            for proof in report.proofs
        ]
    )
    st.dataframe(frame, hide_index=True, height="content", key="proofs", placeholder="–", alt="Self-test")
    for what, works in report.failures().items():
        st.markdown(f":red[{plain(works)}:] {plain(what)}")
    st.caption("Difference: from the CPU's result in double precision, relative to its largest value.")
