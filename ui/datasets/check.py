"""What is wrong with a data set, and what can be done about it. The tab "Check"."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from labcore.checking import Check, CheckPlan
from labcore.datasets.checks.kinds import FIGURES, GROUPS, READING, by_weight, not_found
from labcore.texts import as_bytes
from labcore.workspace import stamp_of
from ui.app.shell import tell_trouble
from ui.app.text import ago, capital, count, counted, duration, plain
from ui.components import short_jobs
from ui.datasets import check_done, check_finding, look, summary
from ui.datasets.opened import Opened, opened, version
from ui.forms import fields

if TYPE_CHECKING:
    from labcore.datasets.checked import LastCheck
    from labcore.datasets.glance import DatasetInfo
    from labcore.datasets.health import Health
    from labcore.datasets.table import Finding

ABOUT = """\
A check decodes every clip once, on all cores, and compares files, sounds, folds and labels. It finds what would spoil a training or its
figures: copies on both sides of a split, files that cannot be read, silent and clipped clips, labels in two spellings and more. It goes
on in the background, and changes nothing."""
HELP = "Decodes what is new or has changed, and goes on in the background."


def show(info: DatasetInfo) -> None:
    """The tab of a data set. Nothing of it decodes a clip, but for those that are seen and heard."""
    st.session_state.pop(check_finding.CHANGED, None)  # it is drawn anew
    cut = summary.cut_as(fields.values()) if info.layout == "annotations" else ""
    there = opened(info.name, cut)
    last = _last(info.name, cut, version(info.name), _files(there), there)
    _state(there, last, CheckPlan(dataset=info.name, cutting=summary.cutting(cut)))
    if cut:
        st.caption(
            "Its clips are windows, cut as the form of the Train page says; what is mended holds for these, and merged labels for all."
        )
    tell_trouble(check_finding.TROUBLE)
    if last.health is not None:
        _findings(there, last, last.health, cut)
    check_done.show(info.name)


def _state(there: Opened, last: LastCheck, plan: CheckPlan) -> None:
    """When it was checked, whether that still holds, and the button that has it done."""
    if not last.at:
        st.markdown(ABOUT)
        short_jobs.offer(Check, plan, "Check the data set", key="check", help=HELP, primary=True)
        return
    if last.health is None:
        new = (
            f"{counted(last.unknown, 'clip')} {'is' if last.unknown == 1 else 'are'} new or changed"
            if last.unknown
            else ""
        )
        st.warning(
            f"The check of {ago(last.at)} is old: {new or 'clips were removed, or belong to other recordings by now'}. "
            "Check again to see what is open.",
            icon=":material/history:",
        )
        short_jobs.offer(Check, plan, "Check again", key="check", help=HELP, primary=True)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:gray[Checked {ago(last.at)}: {_looked_at(there, last.health)}]]", width="content")
        short_jobs.offer(Check, plan, "Check again", key="check", help=HELP, quiet=True)
    if last.clean:
        more = " How it was read is told below." if any(each.level == "warning" for each in last.read) else ""
        st.success(f"Nothing was found that would harm training.{more}", icon=":material/check_circle:")


def _looked_at(there: Opened, health: Health) -> str:
    rates = ", ".join(f"{rate / 1000:g} kHz" for rate in list(health.rates)[:4])
    folds = counted(len(health.counts.columns), "fold")
    parts = [look.of_all(there), folds, duration(health.total_seconds), rates]
    return " · ".join(filter(None, parts))


def _findings(there: Opened, last: LastCheck, health: Health, cut: str) -> None:
    groups = by_weight(health.found)
    for group, found in groups.items():
        if group == READING:
            continue
        many = f" :gray[· {count(len(found))}]" if len(found) > 1 else ""
        st.subheader(f"{GROUPS[group]}{many}", anchor=False)
        for finding in found:
            check_finding.show(there, finding, cut, grave=group == FIGURES)
    if absent := not_found(health.found):
        st.caption(f"Looked for, and nothing is open: {', '.join(absent)}.")
    if found := groups.get(READING):
        with st.expander(f"{GROUPS[READING]} ({count(len(found))})", icon=":material/info:"):
            for finding in found:
                _as_read(finding)


def _as_read(finding: Finding) -> None:
    mark = ":orange[:material/warning:] " if finding.level == "warning" else ""
    st.markdown(f"{mark}{plain(capital(finding.sentence))}")


def _files(there: Opened) -> str:
    """Changes when a file of its clips does."""
    digest = hashlib.blake2b(digest_size=12)
    for path in dict.fromkeys(there.dataset.table["path"]):
        digest.update(as_bytes(f"{stamp_of(path)}"))
    return digest.hexdigest()


@st.cache_resource(max_entries=4, show_spinner="Looking at what was found …")
def _last(name: str, cut: str, changed: object, files: str, _there: Opened) -> LastCheck:
    from labcore.datasets.checked import last_check

    return last_check(_there.dataset)
