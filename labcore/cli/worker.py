"""Start the queued jobs of the workspace, one at a time on each device, until stopped.

The pages start jobs as well while they run, unless LABCORE_WORKER=external is set for them. One process at a time
starts the jobs of a workspace: a second worker waits for the first one to end.

SIGTERM or Ctrl-C stops the running jobs after their batch. The next worker continues them from their last epoch, before
anything else in the queue. A second Ctrl-C ends the worker without waiting for them.

Examples:
  labcore worker
  labcore worker --until-empty
"""

from __future__ import annotations

import argparse
import os

from labcore.cli.output import DONE, say
from labcore.cli.parser import Parser, number
from labcore.cli.signals import stop_on_signals
from labcore.jobs.worker import STOP_SECONDS, Worker, resumes, stop_seconds
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore worker", description=__doc__)
    parser.add_argument("--until-empty", action="store_true", help="end when no job is queued or running")
    parser.add_argument(
        "--stop-seconds", metavar="SECONDS", type=number(float, lambda seconds: 1 <= seconds <= 3600, "1 to 3600"),
        help=f"longest time for a stop; then jobs are killed (default: LABCORE_STOP_SECONDS, else {STOP_SECONDS:g})",
    )  # fmt: skip
    parser.add_argument(
        "--no-resume", action="store_true", help="do not continue stopped jobs by themselves (as LABCORE_RESUME=off)"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    worker = Worker(
        Workspace.default(),
        say,
        stop_seconds=arguments.stop_seconds or stop_seconds(os.environ.get("LABCORE_STOP_SECONDS", "")),
        resumes=resumes() and not arguments.no_resume,
    )
    with stop_on_signals("stopping the running jobs") as stopping:
        say(f"starting the queued jobs of {worker.workspace.home}")
        worker.run(stopping, until_empty=arguments.until_empty)
    return DONE
