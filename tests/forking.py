"""``pytest --processes 3``: tests are collected once, in a process that is then forked; what it has imported, no other imports again."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

import pytest

Group = list[int]
"""Tests that one process makes, one after the other: their places among the items of the session."""
FORK = multiprocessing.get_context("fork")


def run_in_processes(session: pytest.Session, groups: list[Group], processes: int) -> None:
    """Each process asks for a group when it begins the last test of one; what it reports is reported here."""
    hook, waiting = session.config.hook, iter(groups)
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    started: dict[Connection, Any] = {}
    under_way: dict[Connection, str] = {}
    for number in range(processes):
        here, there = multiprocessing.Pipe()
        started[here] = FORK.Process(target=_work, args=(session, there, [*started, here], number))
        started[here].start()
        there.close()
    try:
        while started:
            for pipe in wait(list(started)):
                try:
                    kind, content = pipe.recv()
                except EOFError:
                    process = started.pop(pipe)
                    process.join()
                    hook.pytest_runtest_logreport(report=_died(under_way.get(pipe, "?"), process.exitcode))
                    continue
                if kind == "more":
                    pipe.send(None if session.shouldfail or session.shouldstop else next(waiting, None))
                elif kind == "begins":
                    under_way[pipe] = content
                elif kind == "ends":
                    started.pop(pipe).join()
                else:
                    report = hook.pytest_report_from_serializable(config=session.config, data=content)
                    hook.pytest_runtest_logreport(report=report)
    finally:
        for pipe in started:
            pipe.close()


def _died(nodeid: str, status: int) -> pytest.TestReport:
    text = f"the process ended with status {status}: what it should have tested after this was not tested"
    return pytest.TestReport(nodeid, (nodeid, None, nodeid), {}, "failed", text, "call")


class _Sender:
    """What a forked process reports goes to the first one."""

    def __init__(self, config: pytest.Config, pipe: Connection) -> None:
        self.config, self.pipe = config, pipe

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.pipe.send(("begins", nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
            self.pipe.send(("report", data))


def _work(session: pytest.Session, pipe: Connection, of_others: list[Connection], number: int) -> None:
    for other in of_others:
        other.close()
    config = session.config
    capture, folders = config.pluginmanager.getplugin("capturemanager"), config._tmp_path_factory  # type: ignore[attr-defined]
    capture.stop_global_capturing()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what threads of a test say after its end
    capture.start_global_capturing()
    folders._basetemp = folders.mktemp(f"process{number}", numbered=False)
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(_Sender(config, pipe))
    try:
        places = _places(pipe)
        place = next(places, None)
        while place is not None and not session.shouldfail and not session.shouldstop:
            following = next(places, None)
            after = None if following is None else session.items[following]
            config.hook.pytest_runtest_protocol(item=session.items[place], nextitem=after)
            place = following
    finally:
        session._setupstate.teardown_exact(None)
    pipe.send(("ends", None))


def _places(pipe: Connection) -> Iterator[int]:
    while True:
        pipe.send(("more", None))
        group = pipe.recv()
        if group is None:
            return
        yield from group
