"""Work on long recordings: beside the page, two at a time for all visitors, with a bar and a way to stop it.

It ends when nobody waits for it any more: the tab is closed, the visitor went to another page, or has chosen something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labcore.serving.slots import Slots
from ui.app import tasks
from ui.app.text import duration, plain

AT_ONCE = 2
GONE_SECONDS = 10.0
"""A browser that is away for less than this has only lost its connection."""
SPAN = 1000
_HELD = "long-work"

Work = Callable[[Callable[[float], None]], Any]
"""Told of the share that is done; what that raises ends it."""


@dataclass
class LongWork:
    """One thing that a visit waits for. ``group`` is the part of a page that asked for it, ``doing`` what the bar says before its name."""

    key: str
    name: str
    group: str
    doing: str
    task: tasks.Task
    session: str
    began: float = 0.0  # when a place was free
    seen: float = 0.0  # when the browser was there the last time
    stopped: bool = False

    @property
    def running(self) -> bool:
        return self.task.running

    def stop(self) -> None:
        self.stopped = True
        self.task.cancel()

    @property
    def result(self) -> Any:
        """What came of it.

        Raises:
            LabError: it failed.
        """
        if self.task.error is not None:
            raise self.task.error
        return self.task.result

    def look(self) -> None:
        """Give up where the browser is gone. Called by the work itself."""
        now = time.monotonic()
        if is_there(self.session):
            self.seen = now
        elif now - self.seen > GONE_SECONDS:
            self.stop()

    def line(self) -> str:
        """Where it is, as Markdown."""
        if not self.began:
            return f"{plain(self.name)} is queued: {AT_ONCE} others are being processed"
        share, seconds = self.task.fraction, time.monotonic() - self.began
        left = f", about {plain(duration(seconds / share * (1 - share)))} left" if share > 0.02 and seconds > 3 else ""
        return f"{self.doing} {plain(self.name)}{left}"


def is_there(session: str) -> bool:
    """Whether the browser of a session is connected. Of what is no server's session nobody can tell, and it counts as there."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session)


def this_session() -> str:
    """The session that the page is run for; empty outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else ""


@st.cache_resource(show_spinner=False)
def places(*, short: bool = False) -> Slots:
    """Those of this server, for all visitors; others are for what takes a moment, for which a page waits."""
    return Slots(AT_ONCE)


def held() -> dict[str, LongWork]:
    """What this visit waits for, and what came of it, by key."""
    work: dict[str, LongWork] = st.session_state.setdefault(_HELD, {})
    return work


def start(key: str, name: str, group: str, doing: str, work: Work) -> LongWork:
    """Begin it, or join what was begun. One visit has one running: others of it wait, so that other visitors come in between.

    Args:
        doing: what the bar says before the name, as "Classifying".
        work: runs in a thread of its own and never touches streamlit.
    """
    if key in held():
        return held()[key]
    room = places()

    def whole(report: tasks.Progress) -> Any:
        def progress(share: float) -> None:
            made.look()
            report(round(SPAN * share), SPAN)

        with room.taken(lambda: progress(0.0)):
            made.began = time.monotonic()
            return work(progress)

    made = LongWork(key, name, group, doing, tasks.Task(whole), this_session(), seen=time.monotonic())
    held()[key] = made
    made.task.start()
    made.task.wait(tasks.SOON)
    return made


def keep(group: str, keys: Iterable[str]) -> None:
    """Let go of what a part of a page asked for and no longer wants."""
    wanted = set(keys)
    for key, work in list(held().items()):
        if work.group == group and key not in wanted:
            work.stop()
            del held()[key]


def leave(page: str) -> None:
    """Let go of everything when the visitor goes to another page."""
    before = st.session_state.get(f"{_HELD}-page")
    if before != page:
        st.session_state[f"{_HELD}-page"] = page
        for work in held().values():
            work.stop()
        held().clear()
