"""``labcore resume``: go on with a run from its last checkpoint, in the foreground."""

from __future__ import annotations

import argparse

from labcore.cli.attend import attend
from labcore.cli.parser import Parser
from labcore.errors import RunError
from labcore.runs import RESUMABLE, Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore resume",
        description="Go on with a run that was stopped, failed or interrupted, or that waits in the queue, from its last "
        "checkpoint. On the same machine it ends with the same figures as a run that was never stopped.",
    )
    parser.add_argument("run", metavar="RUN", help="a run's id or a part of it, its folder, or the word last")
    parser.add_argument(
        "--json", action="store_true", help="one line of JSON an event on stdout, and nothing else there"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    chosen = Run.open(Workspace.default(), arguments.run)
    state = chosen.status().state
    if state not in (*RESUMABLE, "queued"):
        remedy = "Start a new run with `labcore train`" if state == "finished" else "Stop it first"
        raise RunError(f"run {chosen.id} is {state}", remedy)
    chosen.clear_stop()
    return attend(chosen, as_json=arguments.json)
